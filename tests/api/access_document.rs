//! Access as one document: planned person by person, applied in one write, applied again without a trace.

use muster::access::decide::Question;
use muster::access::graph::{IdentifierKind, Resource};
use muster::model::{CredentialKind, OrganizationId, Precondition, Profile};
use serde_json::json;

use crate::administration::administrator;
use crate::support::rows::all_rows;
use crate::support::{Client, Program, Server, group, user};

const DOCUMENT: &str = r#"
[[permission]]
name = "read"

[[role]]
name = "reader"
permissions = ["read"]

[[scope]]
path = "/billing/production"
production = true

[[gate]]
scope = "/billing/production"
permission = "deploy:run"
minimum = 1

[[user]]
user_name = "alice"
attributes = { displayName = "Alice", userType = "Employee" }

[[service]]
name = "pipeline"
owner = "alice"
expires_at = "2999-01-01T00:00:00Z"

[[attribute]]
owner = "record"
name = "status"
kind = "text"

[[resource]]
type = "record"
id = "record-1"
attributes = { status = "active" }

[[resource]]
type = "record"
id = "record-2"
attributes = { status = "archived" }

[[assignment]]
user = "alice"
role = "reader"

[[assignment]]
group = "crew"
role = "deployer"
scope = "/billing"

[[guardrail]]
text = '''
@id("archived")
@reason("what is archived stays")
@control("C-1")
forbid (principal, action == Action::"read", resource is Record)
when { resource.status == "archived" };
'''
"#;

fn may(server: &Server, organization: OrganizationId, who: &str, what: &str, (kind, id): (&str, &str)) -> bool {
    let now = server.clock.now();
    server.judge(organization, |rules| {
        let subject = rules.graph.subject("user", who, &[IdentifierKind::Name]);
        let resource = Resource { resource_type: kind, id };
        rules.decide(&Question { subject, permission: what, resource, circumstances: None }, now).is_allowed()
    })
}

on_both_databases_and_several_servers! {
    fn a_document_is_planned_applied_and_applied_again_without_a_trace(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        std::fs::write(&file, DOCUMENT).unwrap();
        let before = all_rows(database);
        let planned = program.done(&["plan", &file]);
        for line in ["+ ada deploy:run at /billing", "+ alice read at /", "administrators left: 0"] {
            assert!(planned.lines().any(|told| told == line), "{line} is not in\n{planned}");
        }
        assert_eq!(all_rows(database), before, "a plan changes nothing");
        assert!(program.done(&["apply", &file]).contains("changes"));
        let reads = |record| may(&server, acme.id, "alice", "read", ("record", record));
        assert!(reads("record-1") && !reads("record-2"));
        assert!(may(&server, acme.id, "ada", "deploy:run", ("environment", "/billing/production")));
        let applied = all_rows(database);
        assert_eq!(program.done(&["apply", &file]), "nothing was to be changed\n");
        assert_eq!(program.done(&["plan", &file]), "nothing would change\n");
        assert_eq!(all_rows(database), applied, "applied again it writes nothing");
        // What a document gave and names no more ends; what others gave stays.
        let without = DOCUMENT.replace("[[assignment]]\ngroup = \"crew\"\nrole = \"deployer\"\nscope = \"/billing\"\n", "");
        std::fs::write(&file, &without).unwrap();
        program.done(&["map", "crew", "viewer", "/"]);
        assert!(program.done(&["plan", &file]).contains("- ada deploy:run at /billing"));
        program.done(&["apply", &file]);
        assert!(!may(&server, acme.id, "ada", "deploy:run", ("environment", "/billing/production")));
        assert!(may(&server, acme.id, "ada", "build:view", ("organization", "/")));
    }

    fn the_document_of_the_documentation_is_carried_out(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        server.connection(acme.id, "okta", Profile::Okta);
        let ada = acme.client.create_user("ada");
        acme.client.create_group("deployers", &[&ada]);
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let page = include_str!("../../docs/access.md");
        let document = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
        std::fs::write(&file, document).unwrap();
        let file = file.to_str().unwrap().to_owned();
        assert!(program.done(&["plan", &file]).contains("+ ada build:view at /billing"));
        program.done(&["apply", &file]);
        assert_eq!(program.done(&["plan", &file]), "nothing would change\n");
        assert!(program.done(&["offer", "list", "okta"]).contains("deployer@/billing/production"));
    }

    fn what_a_connection_may_assign_stands_in_the_document(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let administration = server.administration();
        let connection = administration.connection_named(acme.id, &"first".parse().unwrap()).unwrap().id;
        administration.let_assign_roles(acme.id, connection, true, &Precondition::None).unwrap();
        let mut ada = user("ada");
        ada["roles"] = json!([{ "value": "debugger@/billing/production" }, { "value": "viewer@/" }, { "value": "developer@/" }]);
        acme.client.post("/Users", &ada).expect(201);
        let program = Program::on(database);
        program.done(&["offer", "add", "first", "viewer", "/"]);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        let scope = "[[role]]\nname = \"debugger\"\npermissions = [\"build:ssh\"]\n[[scope]]\npath = \"/billing/production\"\n";
        let offer = |role: &str, scope: &str| format!("[[offer]]\nconnection = \"First\"\nrole = \"{role}\"\nscope = \"{scope}\"\n");
        let debugger = offer("debugger", "/billing/production");
        // Said twice, and what an administrator offers already.
        let whole = [scope, &debugger, &debugger, &offer("developer", "/"), &offer("viewer", "/")].concat();
        std::fs::write(&file, &whole).unwrap();
        let before = all_rows(database);
        let planned = program.done(&["plan", &file]);
        for line in ["+ ada build:ssh at /billing/production", "+ ada build:run at /"] {
            assert!(planned.lines().any(|told| told == line), "{line} is not in\n{planned}");
        }
        assert_eq!(all_rows(database), before, "a plan changes nothing");
        let ssh = || may(&server, acme.id, "ada", "build:ssh", ("environment", "/billing/production"));
        let views = || may(&server, acme.id, "ada", "build:view", ("organization", "/"));
        assert!(!ssh() && views());
        program.done(&["apply", &file]);
        assert!(ssh());
        let listed = program.done(&["offer", "list", "first"]);
        let line = |value: &str| listed.lines().find(|line| line.starts_with(value)).unwrap().to_owned();
        assert!(line("debugger@/billing/production").ends_with("document"), "{listed}");
        assert!(line("viewer@/").ends_with("administrator"), "{listed}");
        let applied = all_rows(database);
        assert_eq!(program.done(&["plan", &file]), "nothing would change\n");
        assert_eq!(program.done(&["apply", &file]), "nothing was to be changed\n");
        assert_eq!(all_rows(database), applied, "applied again it writes nothing");
        // What a document offered and names no more is withdrawn, and what was assigned by it ends; others' stays.
        std::fs::write(&file, scope).unwrap();
        let planned = program.done(&["plan", &file]);
        for line in ["- ada build:ssh at /billing/production", "- ada build:run at /"] {
            assert!(planned.lines().any(|told| told == line), "{line} is not in\n{planned}");
        }
        assert!(!planned.contains("build:view"), "{planned}");
        program.done(&["apply", &file]);
        assert!(!ssh() && views());
        assert_eq!(program.done(&["offer", "list", "first"]).lines().count(), 2, "the head, and what an administrator offers");
    }

    fn receivers_are_told_of_whoever_a_document_makes_as_of_anybody_else(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let receiver = administrator(&server, acme.id, CredentialKind::Receiver);
        let ssf = Client { base: format!("{}/ssf", server.url), token: receiver.token };
        let created = "urn:ietf:params:scim:event:prov:create:notice";
        let wanted = json!({ "events_requested": [created], "delivery": { "method": "urn:ietf:rfc:8936" } });
        let stream = ssf.post("/stream", &wanted).expect(201).json()["stream_id"].as_str().unwrap().to_owned();
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        std::fs::write(&file, "[[user]]\nuser_name = \"alice\"\n\n[[assignment]]\nuser = \"alice\"\nrole = \"viewer\"\n").unwrap();
        program.done(&["plan", file.to_str().unwrap()]);
        let told = || {
            let poll = json!({ "returnImmediately": true });
            ssf.post(&format!("/poll/{stream}"), &poll).expect(200).json()["sets"].as_object().unwrap().len()
        };
        assert_eq!(told(), 0, "a plan tells nobody");
        program.done(&["apply", file.to_str().unwrap()]);
        assert_eq!(told(), 1);
    }

    fn a_document_takes_the_last_administrator_only_where_it_makes_another(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let administration = server.administration();
        let connection = administration.connection_named(acme.id, &"first".parse().unwrap()).unwrap().id;
        administration.let_assign_roles(acme.id, connection, true, &Precondition::None).unwrap();
        let mut root = user("root");
        root["roles"] = json!([{ "value": "admin@/" }]);
        acme.client.post("/Users", &root).expect(201);
        let ada = acme.client.create_user("ada");
        acme.client.create_group("admins", &[&ada]);
        acme.client.create_group("nobody", &[]);
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        let apply = |text: &str| {
            std::fs::write(&file, text).unwrap();
            program.run(&["apply", &file])
        };
        let admins = |of: &str| format!("[[assignment]]\n{of}\nrole = \"admin\"\n");
        let offer = "[[offer]]\nconnection = \"first\"\nrole = \"admin\"\n";
        assert_eq!(apply(offer).code, Some(0));
        let manages = |who| may(&server, acme.id, who, "organization:manage-access", ("organization", "/"));
        assert!(manages("root"));
        for text in ["", &admins("group = \"nobody\""), &(admins("user = \"ada\"") + "until = \"2999-01-01T00:00:00Z\"\n")] {
            let refused = apply(text);
            assert_ne!(refused.code, Some(0), "{text}: {refused:?}");
            assert!(refused.stderr.contains("`admin` at `/`"), "{text}: {refused:?}");
            assert!(manages("root") && !manages("ada"));
        }
        assert_eq!(apply(&admins("group = \"admins\"")).code, Some(0));
        assert!(!manages("root") && manages("ada"));
        assert_eq!(apply(&admins("user = \"root\"")).code, Some(0), "and back");
        assert!(manages("root") && !manages("ada"));
    }

    fn what_lies_around_a_scope_is_as_the_document_says_wherever_in_it_that_stands(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        let inner = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n";
        let outer = "[[scope]]\npath = \"/billing\"\ndescription = \"money\"\n[[scope]]\npath = \"/\"\ndescription = \"all\"\n";
        std::fs::write(&file, format!("{inner}{outer}")).unwrap();
        program.done(&["apply", &file]);
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let scopes = admin.get("/scopes").expect(200).json();
        let told: Vec<_> = scopes["items"].as_array().unwrap().iter().map(|one| (&one["path"], &one["description"])).collect();
        let expected = [("/", json!("all")), ("/billing", json!("money")), ("/billing/production", json!(null))];
        assert_eq!(told.len(), 3);
        for ((path, description), (wanted, about)) in told.into_iter().zip(&expected) {
            assert_eq!((path, description), (&json!(wanted), about));
        }
        assert_eq!(program.done(&["apply", &file]), "nothing was to be changed\n");
    }

    fn a_document_hands_no_service_to_somebody_who_has_left(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        let [_ada, ben, cyd] = ["ada", "ben", "cyd"].map(|name| acme.client.create_user(name));
        let apply = |owner: &str, successor: &str, until: &str| {
            let text = format!("[[service]]\nname = \"pipeline\"\nowner = \"{owner}\"\nsuccessor = \"{successor}\"\nexpires_at = \"{until}-01-01T00:00:00Z\"\n");
            std::fs::write(&file, text).unwrap();
            program.run(&["apply", &file])
        };
        assert_eq!(apply("ada", "cyd", "2998").code, Some(0));
        let leaves = json!([{ "op": "replace", "path": "active", "value": false }]);
        for id in [&ben, &cyd] {
            acme.client.patch(&format!("/Users/{id}"), &leaves).expect(200);
        }
        let before = all_rows(database);
        for (owner, successor, word) in [
            ("ben", "", "line 1: the user `ben` is not active; the owner of a service must be"),
            ("ada", "ben", "line 1: the user `ben` is not active; the successor of a service must be"),
        ] {
            let ended = apply(owner, successor, "2998");
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert!(ended.stderr.contains(word), "{ended:?}");
        }
        assert_eq!(all_rows(database), before);
        // Who was named while active stays named, and the rest can be changed.
        assert_eq!(apply("ada", "cyd", "2999").code, Some(0));
        let newcomer = "[[user]]\nuser_name = \"dee\"\n[[service]]\nname = \"bot\"\nowner = \"dee\"\nexpires_at = \"2999-01-01T00:00:00Z\"\n";
        std::fs::write(&file, newcomer).unwrap();
        program.done(&["apply", &file]);
        let idle = newcomer.replace("dee", "eve").replace("bot", "idler").replace("\"eve\"\n[[", "\"eve\"\nattributes = { active = false }\n[[");
        std::fs::write(&file, idle).unwrap();
        assert_eq!(program.run(&["apply", &file]).code, Some(2));
    }

    fn a_document_that_does_not_fit_changes_nothing_and_names_the_line(database: &Database) {
        let server = Server::start(database);
        server.organization("acme");
        let program = Program::on(database);
        let file = program.folder().join("access.toml");
        let file = file.to_str().unwrap().to_owned();
        let before = all_rows(database);
        let scope = "[[scope]]\npath = \"/billing\"\n";
        for (rest, word) in [
            ("[[assignment]]\nuser = \"nobody\"\nrole = \"viewer\"\n", "line 3: the organization has no user `nobody`"),
            ("[[assignment]]\ngroup = \"x\"\nrole = \"pilot\"\n", "line 3: there is no role `pilot`"),
            ("[[assignment]]\nrole = \"viewer\"\n", "line 3: expected exactly one of"),
            ("[[gate]]\nscope = \"/payroll\"\npermission = \"deploy:run\"\nminimum = 1\n", "line 3: there is no scope `/payroll`"),
            ("[[role]]\nname = \"x\"\npermissions = [\"plane:fly\"]\n", "line 3:"),
            ("[[role]]\nname = \"admin\"\npermissions = [\"deploy:run\"]\n", "line 3:"),
            ("[[user]]\nuser_name = \"x\"\nage = 3\n", "line 5:"),
            ("[[guardrail]]\ntext = \"permit (principal, action, resource);\"\n", "line 3:"),
            ("[[resource]]\ntype = \"record\"\nid = \"r\"\nattributes = { share = 1.5 }\n", "must be a flag, a whole number, a text or a list of texts"),
            ("[[offer]]\nconnection = \"nobodys\"\nrole = \"viewer\"\n", "line 3: the organization has no connection `nobodys`"),
            ("[[offer]]\nconnection = \"first\"\nrole = \"pilot\"\n", "line 3: there is no role `pilot`"),
            ("[[offer]]\nconnection = \"first\"\nrole = \"viewer\"\nscope = \"/payroll\"\n", "line 3: there is no scope `/payroll`"),
            ("[[scope]]\npath = \"/billing\"\nproduction = true\n", "line 3: the scope `/billing` is in the document twice"),
            ("[[role]]\nname = \"x\"\npermissions = []\n[[role]]\nname = \"x\"\npermissions = [\"build:view\"]\n", "line 6: the role `x` is in the document twice"),
            ("[[permission]]\nname = \"fly\"\n[[permission]]\nname = \"fly\"\ndurable = true\n", "line 5: the permission `fly` is"),
            ("[[gate]]\nscope = \"/\"\npermission = \"deploy:run\"\nminimum = 1\n[[gate]]\nscope = \"/\"\npermission = \"deploy:run\"\nminimum = 2\n", "line 7: the gate `deploy:run at /` is"),
            ("[[resource]]\ntype = \"record\"\nid = \"r\"\n[[resource]]\ntype = \"record\"\nid = \"r\"\nscope = \"/billing\"\n", "line 6: the resource `record r` is"),
            ("[[user]]\nuser_name = \"x\"\n[[service]]\nname = \"bot\"\nowner = \"x\"\nexpires_at = \"2999-01-01T00:00:00Z\"\n[[service]]\nname = \"Bot\"\nowner = \"x\"\nexpires_at = \"2998-01-01T00:00:00Z\"\n", "line 9: the service `bot` is"),
            ("[[guardrail]]\ntext = '@id(\"a\") @reason(\"r\") @control(\"c\") forbid (principal, action, resource);'\n[[guardrail]]\ntext = '@id(\"a\") @reason(\"s\") @control(\"c\") forbid (principal, action, resource);'\n", "line 5: the guardrail `a` is"),
            ("[[offer]]\nconnection = \"first\"\nrole = \"viewer\"\nuntil = \"2999-01-01T00:00:00Z\"\n", "line 6:"),
        ] {
            std::fs::write(&file, format!("{scope}{rest}")).unwrap();
            for command in ["plan", "apply"] {
                let ended = program.run(&[command, &file]);
                assert_eq!(ended.code, Some(2), "{rest}: {ended:?}");
                assert!(ended.stderr.contains(word), "{rest}: {ended:?}");
            }
        }
        assert_eq!(all_rows(database), before);
    }
}
