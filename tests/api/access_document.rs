//! Access as one document: planned person by person, applied in one write, applied again without a trace.

use muster::access::decide::Question;
use muster::access::graph::{IdentifierKind, Resource};
use muster::model::OrganizationId;

use crate::support::rows::all_rows;
use crate::support::{Program, Server, group, user};

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
    let judged = server.live.judge(organization, |rules, _| {
        let subject = rules.graph.subject("user", who, &[IdentifierKind::Name]);
        let resource = Resource { resource_type: kind, id };
        rules.decide(&Question { subject, permission: what, resource, circumstances: None }, now).is_allowed()
    });
    judged.unwrap()
}

on_both_databases! {
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
