//! A database that is put back from a backup: no id is given out twice, what came after it is not there, and what it brings
//! back although it was ended since ends when somebody says what happened.

use muster::clock::Clock;
use muster::model::{CredentialKind, EmailAddress};
use muster::service::invitations::{Outcome, Wanted};

use super::{execute, open};
use crate::administration::administrator;
use crate::console::{Browser, caller, recovery_administrator, services};
use crate::events;
use crate::leaver_matrix::Form;
use crate::support::{Backend, Client, Database, Program, Server, group, user};

const SESSION: &str = "__Host-muster-session";
const MINUTE: i64 = 60_000_000;

/// The same client, of a server that listens elsewhere.
fn at(server: &Server, client: &Client) -> Client {
    let path = client.base.splitn(4, '/').nth(3).unwrap();
    Client { base: format!("{}/{path}", server.url), token: client.token.clone() }
}

/// Returns when a server whose connections were severed, as they are for a copy of PostgreSQL, reads and writes again.
fn answers(client: &Client) {
    while client.get("/Users").status == 503 || client.post("/Users", &user("probe")).status == 503 {
        std::thread::yield_now();
    }
}

on_both_databases! {
    fn ids_that_were_given_out_after_a_backup_are_never_given_out_again(database: &Database) {
        let (old, before, lost) = {
            let server = Server::start(database);
            let (acme, bravo) = (server.organization("acme").client, server.organization("bravo").client);
            let gone = [("/Users", acme.create_user("gone")), ("/Groups", acme.create_group("gone", &[]))];
            for (endpoint, id) in &gone {
                acme.delete(&format!("{endpoint}/{id}")).expect(204);
            }
            let old = database.copy();
            answers(&acme);
            let lost = [("/Users", acme.create_user("bea")), ("/Groups", acme.create_group("crew", &[]))];
            (old, (acme, bravo, gone), lost)
        };
        let server = Server::start(&old);
        let (acme, bravo, gone) = (at(&server, &before.0), at(&server, &before.1), before.2);
        let again = [("/Users", acme.create_user("bea")), ("/Groups", acme.create_group("crew", &[]))];
        for ((endpoint, id), (_, new)) in lost.iter().zip(&again) {
            assert_ne!(id, new);
            acme.get(&format!("{endpoint}/{new}")).expect(200);
        }
        for (endpoint, id) in gone.iter().chain(&lost) {
            for client in [&acme, &bravo] {
                let body = if *endpoint == "/Users" { user("x") } else { group("x", &[]) };
                client.get(&format!("{endpoint}/{id}")).expect_error(404, "");
                client.put(&format!("{endpoint}/{id}"), &body).expect_error(404, "");
                client.delete(&format!("{endpoint}/{id}")).expect_error(404, "");
            }
        }
        // Nobody is put anywhere under an id that the database does not know any more.
        acme.post("/Groups", &group("more", &[&lost[0].1])).expect(400);
        assert_eq!(acme.members(&acme.create_group("more", &[&gone[0].1, &again[0].1])).len(), 1);
    }

    fn what_a_backup_brings_back_ends_when_somebody_says_that_it_was_put_back(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let (old, made, auditor, newer, cookie, invitation, ada) = {
            let server = Server::start_at(database, 0, clock.clone());
            let made = server.organization("acme");
            let ada = made.client.create_user("ada");
            let auditor = administrator(&server, made.id, CredentialKind::Auditor);
            let browser = recovery_administrator(&server, made.id);
            let cookie = browser.cookie(SESSION).unwrap();
            let address: EmailAddress = "guest@example.com".parse().unwrap();
            let outcome = services(&server).invite(&caller(made.id), &address, &Wanted::default()).unwrap();
            let Outcome::Invited(mail) = outcome else { panic!("not invited") };
            let old = database.copy();
            answers(&made.client);
            clock.advance(MINUTE);
            // Everything that follows is missing from the backup.
            let newer = administrator(&server, made.id, CredentialKind::Auditor);
            newer.get("/users").expect(200);
            made.client.delete(&format!("/Users/{ada}")).expect(204);
            for stored in server.administration().tokens(made.id).unwrap() {
                if stored.credential.kind == CredentialKind::Auditor {
                    server.administration().revoke_token(made.id, stored.credential.id).unwrap();
                }
            }
            auditor.get("/users").expect(401);
            browser.submit("/o/acme", "/sign-out", &[]);
            services(&server).withdraw_invitation(&caller(made.id), mail.id).unwrap();
            (old, made, auditor, newer, cookie, mail.url.strip_prefix(&server.url).unwrap().to_owned(), ada)
        };
        // Whoever served it when the backup was made has not for long.
        execute(&open(old.url()), "DELETE FROM server");
        let server = Server::start_at(&old, 0, clock.clone());
        let (client, auditor, newer) = (at(&server, &made.client), at(&server, &auditor), at(&server, &newer));
        newer.get("/users").expect(401);
        // So much a backup brings back.
        auditor.get("/users").expect(200);
        client.get(&format!("/Users/{ada}")).expect(200);
        let browser = Browser::new(&server);
        browser.set_cookie(SESSION, &cookie);
        browser.page("/o/acme");
        let form = Form::fetch(&server, &format!("{}{invitation}", server.url));

        let noted = server.administration().note_put_back(false).unwrap();
        assert_eq!((noted.len(), noted[0].admitting, noted[0].revoked), (1, 2, 0));
        assert!(noted[0].as_of.is_some_and(|moment| moment < clock.now()), "as old as the backup");
        assert_eq!(browser.get("/o/acme").location(), "/sign-in");
        assert!(!form.opens());
        auditor.get("/users").expect(200);
        client.get("/Users").expect(200);

        let noted = server.administration().note_put_back(true).unwrap();
        assert_eq!((noted[0].admitting, noted[0].revoked), (0, 2));
        auditor.get("/users").expect(401);
        client.get("/Users").expect(401);
        let told = events::of(&server, made.id, &made.id.to_string());
        let told: Vec<&str> = told.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(&told[told.len() - 2..], ["organization.put-back"; 2]);
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        admin.get("/users").expect(200);
    }

    fn a_backup_is_said_to_be_put_back_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (base, token) = server.first_lines();
        let client = Client { base, token };
        let cells = |arguments: &[&str]| -> Vec<String> {
            let table = program.done(arguments);
            assert!(table.starts_with("ORGANIZATION"), "{table}");
            table.lines().nth(1).unwrap().split_whitespace().map(str::to_owned).collect()
        };
        let kept = cells(&["put-back"]);
        assert_eq!((kept[0].as_str(), &kept[2..]), ("default", &["1".to_owned(), "0".to_owned()][..]));
        client.get("/Users").expect(200);
        assert_eq!(cells(&["put-back", "--revoke-tokens"])[2..], ["0", "1"]);
        client.get("/Users").expect(401);
    }
}

#[test]
fn a_server_that_runs_while_a_backup_is_put_back_forgets_what_came_after_it() {
    let database = Database::fresh(Backend::Postgres);
    let server = Server::start(&database);
    let made = server.organization("acme");
    made.client.create_user("ada");
    let old = database.copy();
    answers(&made.client);
    let newer = administrator(&server, made.id, CredentialKind::Auditor);
    newer.get("/users").expect(200);
    let lost = made.client.create_user("bea");
    database.put_back(&old);
    while server.live.times_gone_back() == 0 || made.client.get("/Users").status == 503 {
        std::thread::yield_now();
    }
    answers(&made.client);
    newer.get("/users").expect(401);
    made.client.get(&format!("/Users/{lost}")).expect_error(404, "");
    assert_eq!(made.client.found("/Users", "userName eq \"ada\"").len(), 1);
    assert_ne!(made.client.create_user("bea"), lost);
}
