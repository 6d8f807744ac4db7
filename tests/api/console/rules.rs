//! Guardrails, roles and assignments in the console, and what a provider will send, practised.

use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::support::{Server, group, user};

fn hidden(html: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&field).unwrap_or_else(|| panic!("no `{name}` in {html}"));
    rest.split('"').next().unwrap().replace("&#34;", "\"").replace("&#38;", "&").replace("&#10;", "\n")
}

fn apply(server: &Server, organization: muster::model::OrganizationId, text: &str) {
    muster::service::access::apply(&services(server), &caller(organization), text).unwrap();
}

/// Switches a ready guardrail on, after its rehearsal.
#[track_caller]
fn switch_on(browser: &Browser, ready: &str, fields: &[(&str, &str)], says: &str) {
    let form = format!("/o/acme/guardrails/ready/{ready}");
    let shown = browser.submit(&form, &form, fields).expect(200).says(says);
    shown.assert_well_made();
    let (_, rest) = shown.html.split_once("name=\"text\" value=\"").unwrap();
    let text = rest.split('"').next().unwrap();
    let text = text.replace("&#34;", "\"").replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">");
    let fields = [("text", text.as_str()), ("fingerprint", &hidden(&shown.html, "fingerprint"))];
    browser.submit("/o/acme/guardrails", "/o/acme/guardrails", &fields).expect(303);
}

const BILLING: &str = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n\n\
                       [[user]]\nuser_name = \"ada\"\n\n[[user]]\nuser_name = \"ben\"\n\n\
                       [[assignment]]\nuser = \"ada\"\nrole = \"deployer\"\nscope = \"/billing\"\n\n\
                       [[assignment]]\nuser = \"ben\"\nrole = \"deployer\"\nscope = \"/billing\"\n";

/// The administrator of an organization at whose gate at least two must be able to deploy.
fn where_two_must_be_able_to_deploy(server: &Server, organization: muster::model::OrganizationId) -> Browser {
    apply(server, organization, BILLING);
    let admin = recovery_administrator(server, organization);
    let gate = "/o/acme/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun";
    let fields = [("scope", "/billing/production"), ("permission", "deploy:run"), ("minimum", "2"), ("maximum", "")];
    admin.submit(gate, "/o/acme/gates/at", &fields).expect(303);
    admin
}

on_both_databases! {
    fn ready_guardrails_are_switched_on_with_parameters_after_a_rehearsal(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        apply(&server, acme.id, BILLING);
        let admin = recovery_administrator(&server, acme.id);
        let library = admin.page("/o/acme/guardrails");
        let forms: Vec<String> =
            library.html.split('"').filter(|text| text.contains("/guardrails/ready/")).map(str::to_owned).collect();
        assert_eq!(forms.len(), 7, "{}", library.html);
        for form in &forms {
            admin.page(form);
        }
        let why = [("name", "freeze"), ("reason", "The year is closed."), ("control", "C-7")];
        let when = [("from", "2020-01-01T00:00"), ("until", "2999-01-01T00:00"), ("permissions", "deploy:run"), ("scope", "/billing")];
        let both: Vec<(&str, &str)> = why.into_iter().chain(when).collect();
        switch_on(&admin, "freeze-window", &both, "2 people and services lose");
        admin.page("/o/acme/guardrails").says("The year is closed.").says("Switch off");
        admin.page("/o/acme/check?person=ada&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction").says("No: deploy");
        // What makes no sense is said in place, and what was typed stays.
        let form = "/o/acme/guardrails/ready/freeze-window";
        let turned = [("from", "2999-01-01T00:00"), ("until", "2020-01-01T00:00"), ("permissions", "deploy:run"), ("scope", "/")];
        let turned: Vec<(&str, &str)> = why.into_iter().chain(turned).collect();
        let refused = admin.submit(form, form, &turned).expect(422).says("ends before it begins");
        refused.assert_well_made();
        assert_eq!(refused.value("reason"), "The year is closed.");
        let form = "/o/acme/guardrails/ready/freeze-days";
        admin.submit(form, form, &[("time", "late"), ("name", "x")]).expect(422).says("no time of the day");
        admin.get("/o/acme/guardrails/ready/magic").expect(404);
    }

    fn a_rehearsal_says_which_gates_would_fall_under_their_minimum(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = where_two_must_be_able_to_deploy(&server, acme.id);
        let id = super::people::id_of(&server, acme.id, "ada");
        let cedar = format!(
            "@id(\"one\")\n@reason(\"Ada rests.\")\n@control(\"C-1\")\nforbid (principal == User::\"{id}\", \
             action == Action::\"deploy:run\", resource);"
        );
        let tried = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", &cedar)]);
        tried.expect(200).says("A gate would fall under its minimum").says("1 could, 2 must");
    }

    fn every_preview_names_what_breaks_and_can_be_copied_as_evidence(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = where_two_must_be_able_to_deploy(&server, acme.id);
        let ada = super::people::id_of(&server, acme.id, "ada");
        let evidence = |page: &super::browser::Shown| -> serde_json::Value {
            assert!(page.html.contains("data-copy=\"evidence\""), "{}", page.html);
            let (_, rest) = page.html.split_once("<pre id=\"evidence\" tabindex=\"0\"><code>").unwrap();
            serde_json::from_str(&super::browser::unescaped(rest.split("</code>").next().unwrap())).unwrap()
        };
        // One of two is taken: on the person's page, and among the assignments.
        let person = admin.page(&format!("/o/acme/people/{ada}"));
        let end = person.html.split('"').find(|text| text.contains("/roles/") && text.ends_with("/end")).unwrap().to_owned();
        let assignment = end.split('/').rev().nth(1).unwrap();
        for path in [end.clone(), format!("/o/acme/mappings/{assignment}/end")] {
            let page = admin.page(&path).says("A gate would fall under its minimum").says("1 could, 2 must");
            let found = evidence(&page);
            assert_eq!((&found["losing"], &found["gaining"]), (&json!(1), &json!(0)), "{found}");
            assert_eq!((&found["losses"][0]["id"], &found["losses"][0]["name"]), (&json!(ada), &json!("ada")));
            assert!(found["losses"][0]["rights"].as_array().unwrap().contains(&json!("deploy:run at /billing")), "{found}");
            assert_eq!(found["gates_under_their_minimum"][0], "deploy:run at /billing/production: 1 could, 2 must");
            assert_eq!((&found["organization"], &found["fingerprint"]), (&json!(acme.id.to_string()), &json!(page.value("fingerprint"))));
            assert!(found["tried_out"].is_string() && found["changes"][0]["action"].as_str().unwrap().starts_with("assignment."), "{found}");
        }
        // What is given, on both ways; a guardrail, tried and switched off; a role; and the check of a person.
        let given = "/o/acme/mappings/preview?kind=user&name=ben&role=release-manager&scope=%2Fbilling&until=&reason=";
        assert_eq!(evidence(&admin.page(given))["gains"][0]["rights"][0], "deploy:approve at /billing");
        let given = admin.page(&format!("/o/acme/people/{ada}/roles/new?role=release-manager&scope=%2F"));
        assert_eq!(evidence(&given)["gaining"], 1);
        let cedar = "@id(\"all\")\n@reason(\"Rest.\")\n@control(\"C-1\")\nforbid (principal, action == Action::\"deploy:run\", resource);";
        let tried = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", cedar)]).expect(200);
        let found = evidence(&tried.says("Nobody could pass deploy:run at /billing/production any more."));
        assert_eq!((&found["losing"], &found["gates_nobody_could_pass"][0]), (&json!(2), &json!("deploy:run at /billing/production")));
        let role = admin.submit("/o/acme/roles/tester", "/o/acme/roles/tester", &[("permission", "build:view")]).expect(200);
        assert_eq!(evidence(&role)["changes"][0]["action"], "role.created");
        let check = admin.page("/o/acme/check?person=ada&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction");
        let (_, rest) = check.html.split_once("<pre id=\"evidence\"").unwrap();
        let text = rest.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
        let found: serde_json::Value = serde_json::from_str(&super::browser::unescaped(text)).unwrap();
        assert_eq!((&found["decision"], &found["subject"]), (&json!(true), &json!("ada")));
    }

    fn a_wrong_text_is_shown_with_the_place_of_its_error(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        let cedar = "@id(\"x\")\n@reason(\"x\")\n@control(\"x\")\nforbid (principal, action == Action::\"nothing\", resource);";
        let refused = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", cedar)]).expect(422);
        refused.assert_well_made();
        let refused = refused.says("There is a problem").says("Line 4, column ").says("4 forbid (principal");
        assert!(refused.html.contains("^</code>"), "{}", refused.html);
    }

    fn a_role_of_ones_own_is_named_ticked_and_seen_before_it_is_made(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        admin.submit("/o/acme/roles", "/o/acme/roles", &[("name", "Not a name!")]).expect(422).assert_well_made();
        let role = admin.submit("/o/acme/roles", "/o/acme/roles", &[("name", "tester")]).location().to_owned();
        assert_eq!(role, "/o/acme/roles/tester");
        let shown = admin.submit(&role, &role, &[("permission", "build:view")]).expect(200).says("Nobody gains or loses");
        let fields = [("permission", "build:view"), ("fingerprint", &hidden(&shown.html, "fingerprint"))];
        admin.submit(&role, &role, &fields).expect(303);
        admin.page("/o/acme/roles").says("tester");
        admin.page(&role).says("Version 1");
    }

    fn assignments_are_paged_and_those_that_match_nobody_stand_out(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        acme.client.post("/Groups", &group("empty", &[])).expect(201);
        let gone = acme.client.post("/Groups", &group("gone", &[])).expect(201).id();
        let project = |number: usize| {
            let path = format!("/p{number:02}");
            format!(
                "[[scope]]\npath = \"{path}\"\n\n\
                 [[assignment]]\ngroup = \"empty\"\nrole = \"viewer\"\nscope = \"{path}\"\n\n"
            )
        };
        let mut text: String = (0..60).map(project).collect();
        text += "[[assignment]]\ngroup = \"gone\"\nrole = \"viewer\"\nscope = \"/p00\"\n";
        apply(&server, acme.id, &text);
        acme.client.delete(&format!("/Groups/{gone}")).expect(204);
        let first = admin.page("/o/acme/mappings").says("assignments");
        let next = first.html.split('"').find(|text| text.starts_with("?after=")).unwrap().to_owned();
        assert!(first.text().contains("/p00") && !first.text().contains("/p59") && first.text().contains("matches nobody"));
        let second = admin.page(&format!("/o/acme/mappings{next}"));
        assert!(second.text().contains("/p59") && !second.text().contains("/p01"));
        let orphans = admin.page("/o/acme/mappings?orphaned=1").text();
        assert!(!orphans.contains("/p01"), "{orphans}");
        admin.get("/o/acme/mappings?after=0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a").expect(404);
    }

    fn an_environment_is_made_and_its_gates_are_watched(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        let gates = "/o/acme/gates";
        admin.page(gates).says("No gate yet");
        admin.submit(gates, gates, &[("path", "billing"), ("production", "1")]).expect(422).assert_well_made();
        admin.submit(gates, gates, &[("path", "/billing/production"), ("production", "1")]).expect(303);
        admin.page(gates).says("deploy at /billing/production").says("closed");
        admin.submit(gates, gates, &[("path", "/billing/test")]).expect(303);
        admin.page(gates).says("/billing/test is there");
        assert!(!admin.page(gates).text().contains("/billing/test"), "only production has gates");
    }

    fn members_who_get_nothing_are_named_with_the_reason(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        let mut ada = user("ada");
        ada["userType"] = json!("Employee");
        let ada = acme.client.post("/Users", &ada).expect(201).id();
        let mut off = user("off");
        off["active"] = json!(false);
        let off = acme.client.post("/Users", &off).expect(201).id();
        let mut barred = user("barred");
        barred["userType"] = json!("Contractor");
        let barred = acme.client.post("/Users", &barred).expect(201).id();
        let crew = acme.client.post("/Groups", &group("crew", &[&ada, &off, &barred])).expect(201).id();
        let path = format!("/o/acme/groups/{crew}/idle");
        admin.page(&path).says("Nobody gets anything from it");
        apply(&server, acme.id, "[[assignment]]\ngroup = \"crew\"\nrole = \"viewer\"\n");
        admin.page(&path).says("off").says("may not act");
        let cedar = "@id(\"staff\")\n@reason(\"Staff only.\")\n@control(\"C-1\")\nforbid (principal is User, \
                     action, resource) when { principal.userType == \"Contractor\" };";
        let tried = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", cedar)]).expect(200);
        let fields = [("text", cedar), ("fingerprint", &hidden(&tried.html, "fingerprint"))];
        admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails", &fields).expect(303);
        let page = admin.page(&path).says("barred").says("guardrails bar everything").text();
        assert!(page.contains("off") && !page.contains("ada "), "{page}");
    }

    fn decisions_name_whom_they_are_about(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        apply(&server, acme.id, BILLING);
        let admin = recovery_administrator(&server, acme.id);
        let token = admin.page("/o/acme/settings").form("/settings/tokens").send(&admin).expect(200);
        let token = token.html.split('"').find(|text| text.starts_with("muster_pep_")).unwrap().to_owned();
        let pep = crate::support::Client { base: server.url.clone(), token };
        let question = json!({
            "subject": { "type": "user", "id": "ada" }, "action": { "name": "deploy:run" },
            "resource": { "type": "environment", "id": "/billing/production" },
        });
        pep.post("/access/v1/evaluation", &question).expect(200);
        let page = admin.page("/o/acme/decisions").says("ada").says("allowed");
        let id = super::people::id_of(&server, acme.id, "ada");
        assert!(page.html.contains(&format!("href=\"/o/acme/people/{id}\"")), "{}", page.html);
    }

    fn refusals_are_shown_without_backticks(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        acme.client.post("/Users", &user("ada")).expect(201);
        acme.client.post("/Users", &user("ada")).expect(409);
        let id = server.administration().connections(acme.id).unwrap().remove(0).id;
        let page = admin.page(&format!("/o/acme/connections/{id}/requests?show=refused"));
        assert!(page.html.contains("<code>userName</code>") && !page.html.contains('`'), "{}", page.html);
    }
}

on_both_databases! {
    fn a_provider_is_practised_with_a_scratch_organization_that_goes(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        let made = admin.submit("/o/acme/connections/new", "/o/acme/connections", &[("name", "okta"), ("profile", "okta")]);
        made.expect(200).says("SCIM connector base URL").says("Practise before");
        let connections = server.administration().connections(acme.id).unwrap();
        let id = connections.into_iter().find(|one| one.name == "okta").unwrap().id;
        let path = format!("/o/acme/connections/{id}/practise");
        admin.page(&path).says("OK-1").says("scratch organization");
        let before = crate::support::rows::rows_of(database, acme.id);
        let done = admin.submit(&path, &path, &[("exercise", "OK-1")]).expect(200);
        done.assert_well_made();
        let done = done.says("everything was answered as Okta expects").says("Okta creates the person").says("POST http://127.0.0.1");
        assert!(!done.html.contains("muster_scim_"), "the token is masked");
        assert_eq!(crate::support::rows::rows_of(database, acme.id), before);
        assert_eq!(server.administration().organizations().unwrap().len(), 1);
        admin.submit(&path, &path, &[("exercise", "EN-1")]).expect(404);
        let reader = person(&server, acme.id, "reader", "viewer");
        reader.get(&path).expect(403);
    }
}
