//! Notifications and downstream systems in the console.

use serde_json::json;

use super::{person, recovery_administrator};
use crate::support::{Server, user};

on_both_databases! {
    fn administrators_say_what_they_want_to_be_told(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let list = "/o/acme/settings/notifications";
        browser.page("/o/acme/settings").says("Notifications");
        browser.page(list).says("Nobody is told yet");
        let kind = ("kind", "brake-fired");
        for (fields, problem) in [
            (vec![kind], "Say either the address"),
            (vec![("email", "nobody@example.com"), kind], "signs in with nobody@example.com"),
            (vec![("email", "nobody"), kind], "There is a problem"),
            (vec![("url", "https://hooks.example.com/x")], "Name at least one kind"),
            (vec![("url", "ftp://hooks.example.com/x"), kind], "There is a problem"),
        ] {
            let refused = browser.submit(list, list, &fields).expect(422);
            refused.assert_well_made();
            refused.says(problem);
        }
        let made = browser.submit(list, list, &[("url", "https://hooks.example.com/x"), kind]).expect(200);
        made.assert_well_made();
        assert!(made.html.contains("whsec_"), "{}", made.html);
        let shown = browser.page(list).says("https://hooks.example.com/x");
        assert!(!shown.html.contains("whsec_"), "a key is shown once");
        let path = shown.html.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|href| href.starts_with(&format!("{list}/"))).unwrap().to_owned();
        let (first, second) = (browser.page(&path), browser.page(&path));
        first.send(&browser, &path, &[("kind", "leaver-found")]).expect(303);
        let refused = second.send(&browser, &path, &[("kind", "token-expiring")]).expect(409);
        refused.assert_well_made();
        let refused = refused.says("Somebody else changed what is told").says("(by now ticked)").says("(by now not ticked)");
        refused.send(&browser, &path, &[("kind", "token-expiring")]).expect(303);
        browser.submit(&path, &path, &[]).expect(422).says("at least one kind");
        browser.submit(&path, &format!("{path}/test"), &[]).expect(303);
        browser.submit(&path, &format!("{path}/remove"), &[]).expect(303);
        browser.get(&path).expect(404);
        browser.page(list).says("Nobody is told yet");
        let auditor = person(&server, acme.id, "cara", "auditor");
        auditor.get(list).expect(403);
    }

    fn lists_of_accounts_are_held_against_the_people_here(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        acme.client.post("/Users", &user("ada")).expect(201);
        acme.client.post("/Users", &user("cyn")).expect(201);
        let gone = acme.client.post("/Users", &user("ben")).expect(201).id();
        let active = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{gone}"), &active).expect(200);
        let browser = recovery_administrator(&server, acme.id);
        browser.page("/o/acme/systems").says("No system yet");
        browser.submit("/o/acme/systems", "/o/acme/systems", &[("name", "x"), ("github", "acme")]).expect(422)
            .says("give both its organization there and a token").assert_well_made();
        let made = browser.submit("/o/acme/systems", "/o/acme/systems", &[("name", "<b>forge</b>")]);
        let path = made.location().to_owned();
        browser.submit("/o/acme/systems", "/o/acme/systems", &[("name", "<b>FORGE</b>")]).expect(422).says("exists already");
        browser.page(&path).says("Nothing was compared yet");
        let compare = format!("{path}/compare");
        browser.submit(&path, &compare, &[("accounts", "")]).expect(422).says("Paste a list").assert_well_made();
        browser.submit(&path, &compare, &[("accounts", "name\nx")]).expect(422).says("must name a column account");
        let list = "account,groups\nada,crew\nben,\nroot,";
        browser.submit(&path, &compare, &[("accounts", list)]).expect(303);
        let shown = browser.page(&path).says("1 of people who are gone, 1 that nobody here is known to have").says("root").says("ben");
        assert!(shown.html.contains("cyn") && shown.html.contains("crew"), "{}", shown.html);
        browser.page("/o/acme/systems").says("<b>forge</b>");
        // Somebody says whose it is, and the next comparison knows.
        browser.submit(&path, &format!("{path}/tie"), &[("account", "root"), ("person", "nobody")]).expect(422);
        browser.submit(&path, &format!("{path}/tie"), &[("account", "root"), ("person", "cyn")]).expect(303);
        browser.submit(&path, &compare, &[("accounts", "account\nada\nroot\n")]).expect(303);
        let shown = browser.page(&path).says("every one belongs to somebody who is here");
        let old = shown.html.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|href| href.contains("?comparison=")).unwrap();
        browser.page(old).says("1 that nobody here is known to have").says("shown above");
        browser.get(&format!("{path}?comparison={gone}")).expect(404);
        browser.submit(&path, &format!("{path}/fetch"), &[]).expect(422).says("are not fetched");
        // Whoever reads evidence sees it and changes nothing.
        let auditor = person(&server, acme.id, "cara", "auditor");
        let token = auditor.page(&path).token();
        for what in ["compare", "fetch", "tie", "remove"] {
            auditor.post(&format!("{path}/{what}"), &[("token", &token)]).expect(403);
        }
        browser.submit(&path, &format!("{path}/remove"), &[]).expect(303);
        browser.get(&path).expect(404);
    }
}
