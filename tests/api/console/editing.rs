//! Two who change the same thing at once: the second sees both versions, and nothing of theirs was saved.

use super::{caller, recovery_administrator, services};
use crate::support::Server;

on_both_databases! {
    fn of_two_who_set_a_gate_the_second_is_told(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let text = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n";
        muster::service::access::apply(&services(&server), &caller(acme.id), text).unwrap();
        let browser = recovery_administrator(&server, acme.id);
        let gate = "/o/acme/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun";
        let (first, second) = (browser.page(gate), browser.page(gate));
        first.send(&browser, "/o/acme/gates/at", &[("minimum", "2"), ("maximum", "5")]).expect(303);
        let refused = second.send(&browser, "/o/acme/gates/at", &[("minimum", "3"), ("maximum", "")]).expect(409);
        refused.assert_well_made();
        let refused = refused.says("it is 2 to 5 by now, and you want 3 or more");
        assert!(browser.page(gate).html.contains("value=\"2\""), "nothing was saved");
        refused.send(&browser, "/o/acme/gates/at", &[("minimum", "3"), ("maximum", "")]).expect(303);
        browser.page(gate).says("3 or more");
        let token = browser.page(gate).token();
        let blind = [("token", token.as_str()), ("scope", "/billing/production"), ("permission", "deploy:run"), ("minimum", "9")];
        browser.post("/o/acme/gates/at", &blind).expect(400).says("does not say what it changes");
    }

    fn of_two_who_change_a_role_the_second_sees_what_the_first_saved(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let text = "[[role]]\nname = \"tester\"\npermissions = [\"build:view\"]\n";
        muster::service::access::apply(&services(&server), &caller(acme.id), text).unwrap();
        let browser = recovery_administrator(&server, acme.id);
        let role = "/o/acme/roles/tester";
        let (first, second) = (browser.page(role), browser.page(role));
        let shown = first.send(&browser, role, &[("permission", "build:view"), ("permission", "build:run")]).expect(200);
        let both = [("permission", "build:view"), ("permission", "build:run")];
        shown.send(&browser, role, &both).expect(303);
        let refused = second.send(&browser, role, &[("permission", "build:view"), ("permission", "secret:read")]).expect(409);
        refused.assert_well_made();
        let refused = refused.says("Somebody else changed this role").says("(by now allowed)").says("(by now not allowed)");
        browser.page(role).says("Version 2");
        let shown = refused.send(&browser, role, &[("permission", "build:view")]).expect(200);
        shown.send(&browser, role, &[("permission", "build:view")]).expect(303);
        browser.page(role).says("Version 3");
    }

    fn of_two_who_write_a_guardrail_the_second_sees_the_firsts_text(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let cedar = |reason: &str| format!(
            "@id(\"none\")\n@reason(\"{reason}\")\n@control(\"C-1\")\nforbid (principal, action == Action::\"build:view\", resource);"
        );
        let (first, second) = (browser.page("/o/acme/guardrails/new"), browser.page("/o/acme/guardrails/new"));
        let tried = first.send(&browser, "/o/acme/guardrails/try", &[("text", &cedar("First."))]).expect(200);
        tried.send(&browser, "/o/acme/guardrails", &[]).expect(303);
        let refused = second.send(&browser, "/o/acme/guardrails/try", &[("text", &cedar("Second."))]).expect(409);
        refused.assert_well_made();
        let refused = refused.says("was saved since you opened the form").says("First.").says("Second.");
        refused.send(&browser, "/o/acme/guardrails", &[]).expect(303);
        let page = browser.page("/o/acme/guardrails/none").says("Second.");
        // Whoever has seen the newest is asked nothing.
        page.send(&browser, "/o/acme/guardrails/try", &[("text", &cedar("Third."))]).expect(200);
    }

    fn of_two_who_rename_a_group_the_second_keeps_what_was_typed(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let made = browser.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", "crew")]);
        let path = made.location().to_owned();
        let rename = format!("{path}/rename");
        let (first, second) = (browser.page(&path), browser.page(&path));
        first.send(&browser, &rename, &[("name", "team")]).expect(303);
        let refused = second.send(&browser, &rename, &[("name", "band")]).expect(409);
        refused.assert_well_made();
        let refused = refused.says("It is called “team” by now, and you want “band”");
        assert!(refused.html.contains("value=\"band\""));
        refused.send(&browser, &rename, &[("name", "band")]).expect(303);
        browser.page(&path).says("band");
    }

    fn of_two_who_set_a_brake_the_second_is_told(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let connection = server.administration().connections(acme.id).unwrap()[0].id;
        let path = format!("/o/acme/connections/{connection}/brake");
        let of = |share: &'static str| [("share", share), ("least", "60"), ("minutes", "15")];
        let (first, second) = (browser.page(&path).says("nothing is held"), browser.page(&path));
        first.send(&browser, &path, &of("10")).expect(303);
        let refused = second.send(&browser, &path, &of("30")).expect(409);
        refused.assert_well_made();
        let refused = refused.says("more than 10 % and at least 60 people and groups, within 15 minutes");
        refused.send(&browser, &path, &of("30")).expect(303);
        browser.page(&path).says("more than 30 %").says("Never in the last 90 days");
        browser.submit(&path, &path, &of("0")).expect(422).says("from 1 to 100 percent").assert_well_made();
        browser.submit(&path, &format!("{path}/off"), &[]).expect(303);
        browser.page(&path).says("nothing is held");
    }
}
