//! The decision log: replayed it says what it says, and when it is full nothing is decided.

use diesel::connection::SimpleConnection as _;
use muster::db::{Database as Store, DatabaseError, IfMissing, Tx};
use muster::evidence::decisions::{AskedSubject, DecisionRecord};
use muster::live::DecisionLogError;
use muster::model::{CredentialKind, Revision};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::{Backend, Client, Dice, Program, Server, is_long, user};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn call(client: &Client, method: &str, path: &str, body: &Value) -> crate::support::Answer {
    let headers = [("Content-Type", "application/json")];
    client.send(method, path, &headers, (!body.is_null()).then(|| body.to_string()).as_deref())
}

fn rule(name: &str, body: &str) -> Value {
    json!({ "text": format!("@id(\"{name}\")\n@reason(\"r\")\n@control(\"c\")\nforbid {body};"), "confirm": true })
}

/// Records, with a status that changes, below a project.
fn records(status: &str) -> String {
    format!(
        "[[permission]]\nname = \"read\"\n[[scope]]\npath = \"/billing\"\n[[role]]\nname = \"reader\"\npermissions = [\"read\"]\n\
         [[attribute]]\nowner = \"record\"\nname = \"status\"\nkind = \"text\"\n\
         [[resource]]\ntype = \"record\"\nid = \"r1\"\nscope = \"/billing\"\nattributes = {{ status = \"{status}\" }}\n"
    )
}

on_both_databases_and_several_servers! {
    fn what_is_on_record_is_decided_again_by_what_held_then(database: &Database) {
        let (server, program) = (Server::start(database), Program::on(database));
        let acme = server.organization("acme");
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let pep = Client { base: server.url.clone(), token: administrator(&server, acme.id, CredentialKind::Pep).token };
        let file = program.folder().join("access.toml");
        let apply = |status: &str| {
            std::fs::write(&file, records(status)).unwrap();
            program.done(&["apply", "--org", "acme", file.to_str().unwrap()]);
        };
        apply("active");
        call(&admin, "POST", "/scopes", &json!({ "path": "/billing/production", "production": true })).expect(201);
        let people: Vec<String> = (0..4).map(|number| acme.client.create_user(&format!("user{number}"))).collect();
        let groups: Vec<String> = (0..3).map(|number| acme.client.create_group(&format!("group{number}"), &[])).collect();
        call(&admin, "PUT", "/roles/custom", &json!({ "permissions": ["build:run"] })).expect(200);
        let mut dice = Dice::new();
        let (mut assignments, mut given) = (Vec::<String>::new(), Vec::<(String, bool)>::new());
        let steps = if is_long() { 1_500 } else { 40 };
        let ask = |question: &Value| {
            let answer = pep.post("/access/v1/evaluation", question).expect(200).json();
            (answer["context"]["decision_id"].as_str().unwrap().to_owned(), answer["decision"].as_bool().unwrap())
        };
        // Whatever comes: somebody is allowed something, and denied it when that ends.
        let views = json!({ "subject": { "type": "user", "id": people[0] }, "action": { "name": "build:view" },
            "resource": { "type": "organization", "id": "/" } });
        let body = json!({ "principal": { "type": "user", "id": people[0] }, "role": "viewer", "scope": "/" });
        let viewer = call(&admin, "POST", "/assignments", &body).expect(201).id();
        given.push(ask(&views));
        call(&admin, "DELETE", &format!("/assignments/{viewer}"), &Value::Null).expect(204);
        given.push(ask(&views));
        assert_eq!(given.iter().map(|(_, decision)| *decision).collect::<Vec<_>>(), [true, false]);
        for step in 0..steps {
            let person = people[dice.below(people.len())].clone();
            let group = groups[dice.below(groups.len())].clone();
            match dice.below(12) {
                0 | 1 => _ = acme.client.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }])),
                2 => _ = acme.client.patch(&format!("/Groups/{group}"), &json!([{ "op": "remove", "path": format!("members[value eq \"{person}\"]") }])),
                3 => {
                    let other = groups[dice.below(groups.len())].clone();
                    acme.client.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": [{ "value": other }] }]));
                }
                4 | 5 => {
                    let role = dice.pick(&["deployer", "viewer", "custom", "reader"]);
                    let principal = if dice.once_in(2) { json!({ "type": "user", "id": person }) } else { json!({ "type": "group", "id": group }) };
                    let body = json!({ "principal": principal, "role": role, "scope": dice.pick(&["/", "/billing", "/billing/production"]) });
                    assignments.push(call(&admin, "POST", "/assignments", &body).expect(201).id());
                }
                6 if !assignments.is_empty() => {
                    let ended = assignments.swap_remove(dice.below(assignments.len()));
                    call(&admin, "DELETE", &format!("/assignments/{ended}"), &Value::Null);
                }
                7 => _ = acme.client.patch(&format!("/Users/{person}"), &json!([{ "op": "replace", "path": "active", "value": dice.once_in(2) }])),
                8 => {
                    let mut body = user(&format!("user{}", people.iter().position(|one| *one == person).unwrap()));
                    body["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE]);
                    body[ENTERPRISE] = json!({ "department": dice.pick(&["IT", "HR"]) });
                    acme.client.put(&format!("/Users/{person}"), &body).expect(200);
                }
                9 => match dice.below(4) {
                    0 => _ = call(&admin, "POST", "/guardrails", &rule("it", "(principal is User, action == Action::\"deploy:run\", resource) unless { principal.department == \"IT\" }")),
                    1 => _ = call(&admin, "POST", "/guardrails", &rule("it", "(principal, action == Action::\"deploy:run\", resource) when { context.branch != \"main\" }")),
                    2 => _ = call(&admin, "POST", "/guardrails", &rule("status", "(principal, action == Action::\"read\", resource is Record) when { resource.status == \"archived\" }")),
                    _ => _ = call(&admin, "DELETE", "/guardrails/it", &Value::Null),
                },
                10 => {
                    let permissions: &[&str] = if dice.once_in(2) { &["build:run", "deploy:run"] } else { &["build:view", "secret:read"] };
                    call(&admin, "PUT", "/roles/custom", &json!({ "permissions": permissions })).expect(200);
                }
                _ if step % 4 == 0 => apply(dice.pick(&["active", "archived"])),
                _ => {}
            }
            for _ in 0..3 {
                let subject = people[dice.below(people.len())].clone();
                let subject = if dice.once_in(9) { "nobody".to_owned() } else { subject };
                let permission = dice.pick(&["deploy:run", "build:run", "build:view", "secret:read", "read", "fly"]);
                let (kind, id) = *dice.pick(&[&("environment", "/billing/production"), &("project", "/billing"), &("organization", "/"), &("record", "r1"), &("record", "none"), &("project", "no scope")]);
                let question = json!({ "subject": { "type": "user", "id": subject }, "action": { "name": permission },
                    "resource": { "type": kind, "id": id }, "context": { "branch": dice.pick(&["main", "topic"]) } });
                given.push(ask(&question));
            }
        }
        for (id, decision) in &given {
            let record = admin.get(&format!("/decisions/{id}")).expect(200).json();
            let again = admin.get(&format!("/decisions/{id}/explanation")).expect(200).json();
            assert_eq!((&again["decision"], &again["revision"]), (&json!(decision), &record["revision"]), "{record}\n{again}");
            assert!(!again["reasons"].as_array().unwrap().is_empty(), "{again}");
        }
    }

}

// A log that is full is full on one server.
on_both_databases! {
    fn a_full_log_means_that_nothing_is_decided(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        acme.client.create_user("ada");
        let pep = Client { base: server.url.clone(), token: administrator(&server, acme.id, CredentialKind::Pep).token };
        let question = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "build:view" }, "resource": { "type": "organization", "id": "/" } });
        let ask = || pep.post("/access/v1/evaluation", &question);
        assert_eq!(ask().expect(200).json()["decision"], false);
        server.live.flush_decisions().unwrap();
        let store = Store::open(database.url(), IfMissing::Refuse).unwrap();
        let locked: Result<(), DatabaseError> = store.with_own_connection(|tx| {
            let mut run = |text: &str| match tx {
                Tx::Sqlite(connection) => connection.batch_execute(text).unwrap(),
                Tx::Postgres(pooled) => pooled.connection.batch_execute(text).unwrap(),
            };
            run(match database.backend() {
                Backend::Sqlite => "BEGIN IMMEDIATE",
                Backend::Postgres => "BEGIN; LOCK TABLE decision_segment IN EXCLUSIVE MODE",
            });
            let record = |number: usize| DecisionRecord {
                at: server.clock.now(), revision: Revision::new(1), credential: None, subject: AskedSubject::Unknown,
                permission: "build:view".to_owned(), resource_type: "organization".to_owned(), resource: "/".to_owned(),
                facts: format!("{number}{}", "x".repeat(1 << 20)), allowed: false,
            };
            let full = (0..64).find_map(|number| server.live.record_decision(acme.id, &record(number), false).err());
            assert_eq!(full, Some(DecisionLogError::Full));
            let refused = ask().expect(503);
            assert!(!refused.header("Retry-After").is_empty() && server.live.is_current(), "{}", refused.text);
            let batch = json!({ "evaluations": [question, question] });
            pep.post("/access/v1/evaluations", &batch).expect(503);
            run("ROLLBACK");
            Ok(())
        });
        locked.unwrap();
        // Once it is written, and where the lease has run out meanwhile once that is back, it goes on.
        while ask().status != 200 {}
    }
}
