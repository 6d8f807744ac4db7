//! Links that were shown to somebody else than whom they are for: they open what they lead to, and prove nobody's address.

use muster::clock::Clock;
use muster::model::OrganizationId;
use muster::service::invitations::{InvitationMail, Outcome, Wanted};
use serde_json::json;

use super::identity::Fixture;
use super::people::id_of;
use super::{Browser, caller, recovery_administrator, services, signed_in_by};
use crate::support::rows::number;
use crate::support::{Database, MailServer, Server, user};

pub const ANA: &str = "ana@example.com";
const SESSION: &str = "__Host-muster-session";

/// Invites Ana; the path of the link, as mail brings it or as it is shown to whoever invites.
pub fn invited(server: &Server, organization: OrganizationId, is_mailed: bool) -> String {
    let wanted = Wanted { sends_mail: is_mailed, ..Wanted::default() };
    let outcome = services(server).invite(&caller(organization), &ANA.parse().unwrap(), &wanted).unwrap();
    let Outcome::Invited(InvitationMail { url, .. }) = outcome else { panic!("{ANA} was not invited: {outcome:?}") };
    url.strip_prefix(&server.url).unwrap().to_owned()
}

fn join_in(browser: &Browser, path: &str) {
    browser.page(path).form(path).with("given-name", "Ana").send(browser).expect(303);
}

pub fn joined(server: &Server, path: &str) -> Browser {
    let browser = Browser::new(server);
    join_in(&browser, path);
    browser
}

/// Asks for a link, and opens what the mail brings.
fn signed_in_by_mail(server: &Server, mail: &MailServer) -> Browser {
    let browser = Browser::new(server);
    let asked = browser.page("/sign-in").form("/sign-in").with("email", ANA).send(&browser);
    assert_eq!(asked.location(), "/sign-in/sent");
    let text = mail.next();
    assert!(text.contains(&format!("To: {ANA}\r\n")), "{text}");
    let path = text.split_once(&format!("{}/link/", server.url)).unwrap().1.split_whitespace().next().unwrap();
    let path = format!("/link/{path}");
    browser.page(&path).form(&path).send(&browser).expect(303);
    browser
}

pub fn seen<const N: usize>(browser: &Browser, slugs: [&str; N]) -> [u16; N] {
    slugs.map(|slug| browser.get(&format!("/o/{slug}/profile")).status)
}

fn accounts(database: &Database) -> i64 {
    number(database, "SELECT count(*) FROM account")
}

on_both_databases! {
    fn an_administrator_who_opens_the_link_that_was_shown_is_that_person_nowhere_else(database: &Database) {
        let server = Server::start(database);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let ana = joined(&server, &invited(&server, acme.id, false));
        ana.page("/o/acme/profile").says(ANA);
        // An administrator of another organization invites her, by pasting or with a file, is shown the link, or makes a new
        // one, and opens it himself.
        let boss = recovery_administrator(&server, bravo.id);
        let read = boss.page("/o/bravo/invitations/new").form("").with("file", &format!("email,team\n{ANA},ops\n"));
        read.send(&boss).expect(200).form("/invitations").send(&boss).expect(200).says("1 person was invited");
        let shown = boss.page("/o/bravo/invitations").form("/resend").send(&boss).expect(200);
        let path = super::link(&server, &shown.html);
        let mallory = joined(&server, &path);
        mallory.page("/o/bravo/profile").says(ANA);
        mallory.get("/o/acme/profile").expect(404);
        assert!(!mallory.page("/o").text().contains("acme"));
        // He neither sees nor ends where she is signed in, whatever becomes of the user he made.
        assert_eq!(seen(&ana, ["acme", "bravo"]), [200, 404], "she has joined nothing");
        let made = format!("/o/bravo/people/{}", id_of(&server, bravo.id, ANA));
        let listed = boss.page(&format!("{made}/sessions"));
        assert_eq!(listed.html.matches("data-label=\"Last used\"").count(), 1, "{}", listed.text());
        boss.submit(&format!("{made}/sessions"), &format!("{made}/sessions/end"), &[]).expect(303);
        assert_eq!(mallory.get("/o/bravo/profile").location(), "/sign-in");
        boss.page(&format!("{made}/deactivate")).form("").send(&boss).expect(303);
        ana.page("/o/acme/profile").says(ANA);
    }

    fn a_link_that_was_shown_opens_nothing_of_whoever_has_proven_the_address(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let ana = joined(&server, &invited(&server, acme.id, true));
        let mallory = joined(&server, &invited(&server, bravo.id, false));
        assert_eq!(seen(&mallory, ["acme", "bravo"]), [404, 200]);
        assert_eq!(seen(&ana, ["acme", "bravo"]), [200, 404]);
        // Her address leads to what is hers.
        let again = signed_in_by_mail(&server, &mail);
        assert_eq!(seen(&again, ["acme", "bravo"]), [200, 404]);
        assert_eq!(seen(&mallory, ["acme", "bravo"]), [404, 200]);
        // A link that came by mail is hers, wherever it leads.
        let charlie = server.organization("charlie");
        let there = joined(&server, &invited(&server, charlie.id, true));
        assert_eq!(seen(&there, ["acme", "bravo", "charlie"]), [200, 404, 200]);
        assert_eq!(seen(&ana, ["acme", "bravo", "charlie"]), [200, 404, 200]);
        assert_eq!(mail.rest(), 0);
    }

    fn whoever_is_signed_in_by_mail_at_the_address_joins_by_a_shown_link_as_themselves(database: &Database) {
        let server = Server::start(database);
        let [acme, bravo, charlie] = ["acme", "bravo", "charlie"].map(|slug| server.organization(slug));
        let ana = joined(&server, &invited(&server, acme.id, true));
        let before = ana.cookie(SESSION).unwrap();
        let path = invited(&server, bravo.id, false);
        // Whoever else is signed in is not her.
        let boss = recovery_administrator(&server, charlie.id);
        assert_eq!(accounts(database), 2);
        join_in(&ana, &path);
        assert_eq!(seen(&ana, ["acme", "bravo"]), [200, 200]);
        assert_eq!(accounts(database), 2, "she is who she was");
        let former = Browser::new(&server);
        former.set_cookie(SESSION, &before);
        assert_eq!(former.get("/o/acme/profile").location(), "/sign-in", "a browser has one session");
        let path = invited(&server, charlie.id, false);
        join_in(&boss, &path);
        assert_eq!(seen(&boss, ["acme", "bravo", "charlie"]), [404, 404, 200]);
        boss.get("/o/charlie/people").expect(403);
        // Nor is a session that a shown link opened a proof of more than it says.
        let delta = server.organization("delta");
        join_in(&boss, &invited(&server, delta.id, false));
        assert_eq!(seen(&boss, ["acme", "charlie", "delta"]), [404, 404, 200]);
    }

    fn a_link_of_the_command_line_for_a_user_leads_into_its_organization_alone(database: &Database) {
        let fixture = Fixture::new(database);
        let (server, acme) = (&fixture.server, &fixture.acme);
        let bravo = server.organization("bravo");
        joined(server, &invited(server, bravo.id, true));
        let ana = joined(server, &invited(server, acme.id, true));
        assert_eq!(seen(&ana, ["acme", "bravo"]), [200, 200], "both by mail");
        let id = id_of(server, acme.id, ANA).parse().unwrap();
        let shown = signed_in_by(server, &services(server).user_link(&caller(acme.id), id).unwrap());
        assert_eq!(seen(&shown, ["acme", "bravo"]), [200, 404]);
        shown.page("/sessions").says("link");
        // Settings of the identity provider end what it has opened, and close what it has not.
        fixture.set(&[]);
        fixture.set(&[("only", json!(true))]);
        assert_eq!(seen(&shown, ["acme", "bravo"]), [404, 404]);
        assert_eq!(seen(&ana, ["acme", "bravo"]), [404, 200]);
        fixture.set(&[]);
        assert_eq!(seen(&shown, ["acme", "bravo"]), [200, 404]);
    }

    fn an_address_is_proven_by_the_first_link_that_comes_by_mail(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let first = joined(&server, &invited(&server, acme.id, false));
        first.page("/o/acme/profile").says(ANA);
        let ana = signed_in_by_mail(&server, &mail);
        ana.page("/o/acme/profile").says(ANA);
        assert_eq!(first.get("/o/acme/profile").location(), "/sign-in", "whoever that was");
        // From now on the address is hers, and leads to one account.
        joined(&server, &invited(&server, bravo.id, true));
        assert_eq!(seen(&ana, ["acme", "bravo"]), [200, 200]);
        assert_eq!(accounts(database), 1);
        assert_eq!(seen(&signed_in_by_mail(&server, &mail), ["acme", "bravo"]), [200, 200]);
        ana.page("/o/acme/profile");
    }

    fn whoever_leaves_takes_the_invitations_to_the_address_they_joined_by_along(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        joined(&server, &invited(&server, acme.id, false));
        let ana = id_of(&server, acme.id, ANA);
        let mut body = user("ana@new.example.com");
        body["emails"] = json!([{ "value": "ana@new.example.com" }]);
        acme.client.put(&format!("/Users/{ana}"), &body).expect(200);
        let again = invited(&server, acme.id, false);
        Browser::new(&server).get(&again).expect(200);
        acme.client.delete(&format!("/Users/{ana}")).expect(204);
        Browser::new(&server).get(&again).expect(410);
    }
}
