//! Organizations, the own profile, sessions of others.

use muster::model::CredentialKind;
use muster::service::people;
use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::administration::administrator;
use crate::support::Server;

on_both_databases! {
    fn a_recovery_administrator_makes_another_organization_and_goes_there(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        assert!(browser.page("/o/acme").html.contains("<a href=\"/o\">"), "a page leads there");
        let made = browser.submit("/o", "/o", &[("name", "Bravo & sons <b>"), ("slug", "bravo")]);
        assert_eq!(made.location(), "/o/bravo");
        browser.page("/o/bravo").says("Bravo & sons <b>");
        browser.page("/o").says("recovery administrator");
        browser.submit("/o", "/o", &[("name", ""), ("slug", "bravo")]).expect(422).says("exists already").assert_well_made();
        browser.submit("/o", "/o", &[("name", "x"), ("slug", "No Slug")]).expect(422).says("There is a problem");
        // Nobody else makes any, and nobody else sees the new one.
        let admin = person(&server, acme.id, "boss", "admin");
        assert!(!admin.page("/o").html.contains("Another organization"));
        admin.submit("/o", "/o", &[("name", "x"), ("slug", "charlie")]).expect(403);
        admin.get("/o/bravo").expect(404);
    }

    fn of_two_who_rename_an_organization_the_second_sees_both_names(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let page = browser.page("/o/acme/settings");
        let before = page.value("before");
        let form = |name: &'static str| [("before", before.clone()), ("name", name.to_owned())];
        let send = |name: &'static str| {
            let form = form(name);
            let fields: Vec<(&str, &str)> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
            browser.submit("/o/acme/settings", "/o/acme/settings/name", &fields)
        };
        send("Acme Incorporated").expect(303);
        browser.page("/o/acme/settings").says("Acme Incorporated");
        let second = send("Acme Limited").expect(409).says("Acme Incorporated").says("Acme Limited");
        second.assert_well_made();
        send("").expect(400);
        browser.page("/o/acme/settings").says("Acme Incorporated");
    }

    fn people_change_of_themselves_what_no_connection_sends_and_nothing_that_says_who_they_are(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = person(&server, acme.id, "ana", "");
        let path = "/o/acme/profile";
        let version = browser.page(path).value("version");
        let fields = [("version", version.as_str()), ("givenName", "Ana"), ("familyName", "<i>Ruiz</i>"), ("displayName", ""), ("timezone", "Europe/Vienna"),
            ("userName", "admin"), ("title", "Release manager"), ("email", "ceo@example.com"), ("externalId", "x"), ("active", "false"), ("roles", "admin")];
        assert_eq!(browser.submit(path, path, &fields).location(), path);
        browser.page(path).says("<i>Ruiz</i>").says("Europe/Vienna").says("Your profile was saved.");
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let id = people::find(&services(&server), &caller(acme.id), "ana").unwrap();
        let ana = admin.get(&format!("/users/{id}")).expect(200).text;
        for never in ["Release manager", "ceo@example.com", "externalId"] {
            assert!(!ana.contains(never), "{ana}");
        }
        // The form of a moment ago: both versions are shown.
        let stale = [("version", version.as_str()), ("givenName", "Anna"), ("familyName", ""), ("displayName", ""), ("timezone", "")];
        let shown = browser.submit(path, path, &stale).expect(409).says("By now it is").says("Europe/Vienna");
        shown.assert_well_made();
        let again = shown.value("version");
        let mine = [("version", again.as_str()), ("givenName", "Anna"), ("familyName", ""), ("displayName", ""), ("timezone", "")];
        browser.submit(path, path, &mine).expect(303);
        browser.page(path).says("Anna");
        let token = browser.page(path).token();
        browser.post(path, &[("token", &token), ("givenName", "x")]).expect(400);
        // Of whom a connection manages, nothing is changed here, and the page says whose it is.
        let id = acme.client.create_user("bea");
        let link = services(&server).user_link(&caller(acme.id), id.parse().unwrap()).unwrap();
        let path_of_link = link.strip_prefix(&server.url).unwrap();
        let bea = Browser::new(&server);
        let token = bea.get(path_of_link).token();
        bea.post(path_of_link, &[("token", &token)]).expect(303);
        let shown = bea.page(path).says("read-only here");
        assert!(!shown.html.contains("name=\"givenName\""));
        bea.submit(path, path, &[("version", "\"x\""), ("givenName", "x")]).expect(403).says("change it there");
        let read = acme.client.get(&format!("/Users/{id}")).expect(200).json();
        assert_eq!(read["name"], json!(null));
    }

    fn everywhere_else_is_signed_out_and_administrators_see_and_end_sessions(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let here = recovery_administrator(&server, acme.id);
        let there = recovery_administrator(&server, acme.id);
        assert_eq!(here.submit("/sessions", "/sessions", &[]).location(), "/sessions");
        here.page("/sessions").says("Every other browser is signed out");
        assert_eq!(there.get("/o/acme").location(), "/sign-in");
        let ana = person(&server, acme.id, "ana", "");
        let id = people::find(&services(&server), &caller(acme.id), "ana").unwrap();
        let page = format!("/o/acme/people/{id}/sessions");
        let shown = here.page(&page);
        let session = shown.html.split(&format!("{page}/")).nth(2).unwrap().split('/').next().unwrap().to_owned();
        // Another person's session is not among these.
        let bea = person(&server, acme.id, "bea", "");
        let other = bea.page("/sessions").html.split("/sessions/").nth(1).unwrap().split('/').next().unwrap().to_owned();
        here.submit(&page, &format!("{page}/{other}/end"), &[]).expect(303);
        bea.page("/o/acme/profile");
        here.submit(&page, &format!("{page}/{session}/end"), &[]).expect(303);
        assert_eq!(ana.get("/o/acme/profile").location(), "/sign-in");
        // Nobody without the right sees them.
        bea.get(&page).expect(403);
    }
}
