//! Invitations: reading, inviting, joining, and everything that must not join.

use muster::clock::Clock;
use muster::model::Moment;
use muster::outbound::mail::Mail;
use muster::service::post::{Carrier as _, Letter};
use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::support::rows::all_rows;
use crate::support::{MailServer, Server, user};

const HOUR: i64 = 3_600 * 1_000_000;

/// Invites one address and answers the path of its link.
pub fn invited(server: &Server, browser: &Browser, address: &str, fields: &[(&str, &str)]) -> String {
    let all: Vec<(&str, &str)> = [("address", address)].into_iter().chain(fields.iter().copied()).collect();
    let result = browser.submit("/o/acme/invitations/new", "/o/acme/invitations", &all).expect(200);
    result.assert_well_made();
    link(server, &result.html)
}

pub fn link(server: &Server, html: &str) -> String {
    let start = format!("{}/join/", server.url);
    let (_, rest) = html.split_once(&start).unwrap_or_else(|| panic!("no link: {html}"));
    format!("/join/{}", rest.split(['<', '"', '\n', '\r']).next().unwrap())
}

pub fn joined(server: &Server, path: &str, given_name: &str) -> Browser {
    let browser = Browser::new(server);
    let token = browser.page(path).token();
    assert_eq!(browser.post(path, &[("token", &token), ("given-name", given_name)]).location(), "/o/acme");
    browser
}

on_both_databases! {
    fn every_pasted_address_gets_its_reading(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        person(&server, acme.id, "member@example.com", "");
        person(&server, acme.id, "gone@example.com", "");
        let (services, caller) = (services(&server), caller(acme.id));
        let gone = muster::service::people::find(&services, &caller, "gone@example.com").unwrap();
        let none = muster::model::Precondition::None;
        muster::service::people::suspend(&services, &caller, gone, None, &none).unwrap();
        invited(&server, &browser, "expired@example.com", &[]);
        clock.advance(73 * HOUR);
        let browser = recovery_administrator(&server, acme.id);
        invited(&server, &browser, "invited@example.com", &[]);
        let pasted = "new@example.com, NEW@example.com; member@example.com\n Gone <gone@example.com> invited@example.com\n\
                      expired@example.com, nonsense, a@b@c.example";
        let page = browser.submit("/o/acme/invitations/new", "/o/acme/invitations/new", &[("addresses", pasted)]);
        let page = page.expect(200);
        page.assert_well_made();
        for said in [
            "2 can be invited, 6 cannot",
            "Ready",
            "The same as number 1",
            "Already a member",
            "Deactivated here; reactivate instead",
            "Already invited, until",
            "Invitation expired on",
            "Not an address: expected one @",
            "Invite 2 people",
            "Drop the 6 that cannot be invited",
        ] {
            page.clone().says(said);
        }
        let dropped = browser.post("/o/acme/invitations/new", &[("token", &page.token()), ("addresses", pasted), ("drop", "bad")]);
        dropped.clone().expect(200).says("2 can be invited").assert_well_made();
        assert!(!dropped.html.contains("nonsense"));
        let list = browser.page("/o/acme/invitations");
        assert!(!list.html.contains("new@example.com"), "reading invites nobody");
        let fields = [("address", "new@example.com"), ("address", "expired@example.com"), ("address", "member@example.com"), ("address", "nonsense")];
        let result = browser.submit("/o/acme/invitations/new", "/o/acme/invitations", &fields).expect(200);
        result.clone().says("2 people were invited").says("2 were left out");
        let again = browser.submit("/o/acme/invitations/new", "/o/acme/invitations", &fields).expect(200);
        again.says("0 people were invited").says("4 were left out");
        browser.submit("/o/acme/invitations/new", "/o/acme/invitations/new", &[("addresses", " ,; ")]).expect(422).assert_well_made();
    }

    fn whoever_is_invited_joins_once_with_groups_and_role(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let (services, caller) = (services(&server), caller(acme.id));
        let crew = muster::service::people::groups::create(&services, &caller, "crew").unwrap().group.id.to_string();
        let fields = [("groups", crew.as_str()), ("role", "viewer"), ("scope", "/")];
        let path = invited(&server, &browser, "Ana@Example.com", &fields);
        for _ in 0..2 {
            Browser::new(&server).get(&path).expect(200).says("Ana@Example.com").assert_well_made();
        }
        let ana = Browser::new(&server);
        let token = ana.page(&path).token();
        let other = [("token", token.as_str()), ("given-name", "Ana"), ("email", "mallory@example.com"), ("userName", "mallory")];
        assert_eq!(ana.post(&path, &other).location(), "/o/acme");
        ana.page("/o/acme/profile").says("Ana@Example.com").says("crew");
        Browser::new(&server).get(&path).expect(410).says("This invitation was used").assert_well_made();
        let list = browser.page("/o/acme/invitations").says("Joined");
        let id = list.html.split("/o/acme/people/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        browser.page(&format!("/o/acme/people/{id}")).says("viewer").says("build:view").says("crew");
        assert!(!browser.page("/o/acme/people").html.contains("mallory"));
    }

    fn of_two_who_join_at_once_one_does(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let path = invited(&server, &browser, "ana@example.com", &[]);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4).map(|_| { let one = Browser::new(&server); let token = one.page(&path).token(); (one, token) }).collect();
            let threads: Vec<_> = tries
                .into_iter()
                .map(|(one, token)| { let path = path.clone(); scope.spawn(move || one.post(&path, &[("token", &token)]).status) })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 303 | 410 | 422)), "{statuses:?}");
        browser.page("/o/acme/people").says("1 in the directory");
    }

    fn an_invitation_that_is_old_replaced_withdrawn_or_orphaned_opens_nothing(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        server.organization("other");
        let browser = recovery_administrator(&server, acme.id);
        let nobody = Browser::new(&server);
        let replaced = invited(&server, &browser, "ana@example.com", &[]);
        let list = browser.page("/o/acme/invitations");
        let resend = list.form("/resend");
        let again = resend.send(&browser).expect(200);
        let current = link(&server, &again.html);
        nobody.get(&replaced).expect(404).says("This invitation is not valid");
        nobody.get(&current).expect(200);
        nobody.get(&current.replace("/join/acme/", "/join/other/")).expect(404);
        list.form("/withdraw").send(&browser).expect(303);
        nobody.get(&current).expect(410).says("was withdrawn").assert_well_made();
        browser.page("/o/acme/invitations").says("Withdrawn");
        resend.send(&browser).expect(409);

        let boss = person(&server, acme.id, "boss", "admin");
        person(&server, acme.id, "deputy", "admin");
        let orphaned = invited(&server, &boss, "bob@example.com", &[]);
        nobody.get(&orphaned).expect(200);
        let (services, caller) = (services(&server), caller(acme.id));
        let id = muster::service::people::find(&services, &caller, "boss").unwrap();
        muster::service::people::suspend(&services, &caller, id, None, &muster::model::Precondition::None).unwrap();
        nobody.get(&orphaned).expect(410).says("may not invite people any more").assert_well_made();
        let token = nobody.page("/sign-in").token();
        nobody.post(&orphaned, &[("token", &token)]).expect(410);
        browser.page("/o/acme/people?q=bob").says("Nobody fits");

        let old = invited(&server, &browser, "old@example.com", &[]);
        clock.advance(72 * HOUR);
        nobody.get(&old).expect(410).says("This invitation has expired");
    }

    fn where_a_connection_brings_the_people_nobody_is_invited(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        acme.client.post("/Users", &user("kim")).expect(201);
        browser.page("/o/acme/invitations/new").says("first provisions the people of this organization");
        let token = browser.page("/o/acme").token();
        let before = all_rows(database);
        browser.post("/o/acme/invitations", &[("token", &token), ("address", "ana@example.com")]).expect(422);
        assert_eq!(all_rows(database), before);
    }

    fn hundreds_are_invited_from_one_paste_and_every_answer_stays_small(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let address = |number: usize| format!("somebody.with.a.name.{number}@office.example.com");
        let pasted: Vec<String> = (0..450).map(address).collect();
        let form = "/o/acme/invitations/new";
        let read = browser.submit(form, form, &[("addresses", &pasted.join(", "))]).expect(200);
        read.assert_well_made();
        let read = read.says("450 addresses were pasted; these are the first 400").says("400 can be invited").says("And 350 more");
        let mut all = vec![("token".to_owned(), read.token()), ("more".to_owned(), read.value("more"))];
        all.extend((0..50).filter(|number| *number != 7).map(|number| ("address".to_owned(), address(number))));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let done = browser.post("/o/acme/invitations", &all).expect(200);
        done.assert_well_made();
        let done = done.says("399 people were invited");
        assert_eq!(done.html.matches("/join/acme/").count(), 399, "each has a link");
        assert!(!done.html.contains(&address(7)) && done.html.contains(&address(399)) && !done.html.contains(&address(400)));
        // The same again invites nobody, and says so of each.
        let again = browser.post("/o/acme/invitations", &all).expect(200);
        again.assert_well_made();
        assert_eq!(again.says("0 people were invited").html.matches("Already invited, until").count(), 399);
        let read = browser.submit(form, form, &[("addresses", &pasted.join("\n"))]).expect(200);
        read.assert_well_made();
        read.says("1 can be invited, 399 cannot");
    }

    fn inviting_with_a_role_needs_a_fresh_sign_in(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Moment::from_micros(1_800_000_000_000_000)));
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        server.clock.advance(HOUR * 31 / 60);
        let before = all_rows(database);
        let fields = [("address", "ana@example.com"), ("role", "admin"), ("scope", "/")];
        let token = browser.page("/o/acme").token();
        let send = |fields: &[(&str, &str)]| browser.post("/o/acme/invitations", &[&[("token", token.as_str())], fields].concat());
        send(&fields).expect(403).says("Sign in again to do this");
        assert!(!all_rows(database).contains("ana@example.com") && !before.contains("ana@example.com"));
        send(&fields[..1]).expect(200).says("1 person was invited");
    }

    fn rights_are_not_given_by_inviting(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let (services, caller) = (services(&server), caller(acme.id));
        let permissions = ["organization:read", "organization:manage-people"].map(|name| name.parse().unwrap());
        services.administration(&caller).create_role(acme.id, &"people".parse().unwrap(), &permissions.into_iter().collect()).unwrap();
        let keeper = person(&server, acme.id, "keeper", "people");
        let token = keeper.page("/o/acme/invitations/new").token();
        let fields = [("token", token.as_str()), ("address", "friend@example.com"), ("role", "admin"), ("scope", "/")];
        let before = all_rows(database);
        keeper.post("/o/acme/invitations", &fields).expect(403);
        assert_eq!(all_rows(database), before);
        let path = invited(&server, &keeper, "friend@example.com", &[]);
        joined(&server, &path, "Friend").page("/o/acme/profile").says("Friend");
    }
}

on_both_databases! {
    fn a_mail_is_sent_with_one_recipient_and_its_delivery_noted(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let mail_server = MailServer::start();
        let url = mail_server.url.clone();
        let (services, caller) = (services(&server), caller(acme.id));
        let mail = Mail::start(&url, "Muster <muster@example.com>", services.clone()).unwrap();
        let wanted = muster::service::invitations::Wanted { sends_mail: true, ..Default::default() };
        let address = "ana@example.com".parse().unwrap();
        let muster::service::invitations::Outcome::Invited(letter) = services.invite(&caller, &address, &wanted).unwrap()
        else { panic!("not invited") };
        mail.carry(Letter::invitation(acme.id, &letter));
        let text = mail_server.next();
        assert!(text.contains("To: ana@example.com\r\n") && text.contains("Subject: Join acme in Muster\r\n"), "{text}");
        assert_eq!(text.matches("To:").count(), 1, "{text}");
        assert!(text.contains(letter.url.as_str()), "{text}");
        assert!(!text.contains("<html") && !text.contains("Bcc:"), "{text}");
        let delivered = || {
            let last = muster::model::InvitationId::from_bytes(&[0xff; 16]).unwrap();
            services.invitations(&caller, last, 1).unwrap()[0].invitation.delivery.clone()
        };
        while delivered() != "sent" {
            std::thread::yield_now();
        }
        assert_eq!(json!(delivered()), "sent");
        assert!(Mail::start(&url, "no sender", services.clone()).is_err());
    }
}
