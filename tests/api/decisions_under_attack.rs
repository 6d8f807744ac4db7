//! Decisions asked for by many at once, in any order, at the limits, and with names that mean to be something else.

use std::sync::atomic::{AtomicUsize, Ordering};

use muster::model::{CredentialKind, limits};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::{Client, Database, Dice, Server, is_long};

/// A server with an organization in which `ada` deploys to production from `main` alone, and `bob` looks at builds.
struct Stage {
    server: Server,
    pep: Client,
    admin: Client,
}

fn stage(database: &Database) -> Stage {
    let server = Server::start(database);
    let acme = server.organization("acme");
    let ids = ["ada", "bob", "cyd"].map(|name| acme.client.create_user(name));
    let admin = administrator(&server, acme.id, CredentialKind::Admin);
    let stage = Stage { pep: enforcement_point(&server, acme.id), admin, server };
    stage.call("POST", "/scopes", &json!({ "path": "/billing/production", "production": true }));
    stage.assign(&ids[0], "deployer", "/billing");
    stage.assign(&ids[1], "viewer", "/");
    let text = "@id(\"main\")\n@reason(\"r\")\n@control(\"c\")\nforbid (principal, action == Action::\"deploy:run\", resource) when { context.branch != \"main\" };";
    stage.call("POST", "/guardrails", &json!({ "text": text }));
    stage
}

fn enforcement_point(server: &Server, organization: muster::model::OrganizationId) -> Client {
    Client { base: server.url.clone(), token: administrator(server, organization, CredentialKind::Pep).token }
}

impl Stage {
    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) {
        let headers = [("Content-Type", "application/json")];
        let answer = self.admin.send(method, path, &headers, Some(&body.to_string()));
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text);
    }

    fn assign(&self, user: &str, role: &str, scope: &str) {
        let body = json!({ "principal": { "type": "user", "id": user }, "role": role, "scope": scope });
        self.call("POST", "/assignments", &body);
    }

    fn on_record(&self) -> usize {
        self.admin.get("/decisions?limit=1000").expect(200).json()["items"].as_array().unwrap().len()
    }
}

fn decides(client: &Client, question: &Value) -> bool {
    client.post("/access/v1/evaluation", question).expect(200).json()["decision"].as_bool().unwrap()
}

fn question(who: &str, permission: &str, (kind, id): (&str, &str), branch: Option<&str>) -> Value {
    let mut question = json!({ "subject": { "type": "user", "id": who }, "action": { "name": permission },
        "resource": { "type": kind, "id": id } });
    if let Some(branch) = branch {
        question["context"] = json!({ "branch": branch });
    }
    question
}

const PRODUCTION: (&str, &str) = ("environment", "/billing/production");

/// Questions with different known answers, conditional and not.
fn questions() -> Vec<(Value, bool)> {
    vec![
        (question("ada", "deploy:run", PRODUCTION, Some("main")), true),
        (question("ada", "deploy:run", PRODUCTION, Some("topic")), false),
        (question("ada", "deploy:run", PRODUCTION, None), false),
        (question("ada", "build:view", PRODUCTION, None), true),
        (question("ada", "deploy:run", ("organization", "/"), Some("main")), false),
        (question("bob", "build:view", ("organization", "/"), None), true),
        (question("bob", "deploy:run", PRODUCTION, Some("main")), false),
        (question("cyd", "build:view", PRODUCTION, Some("main")), false),
    ]
}

on_both_databases! {
    fn many_who_ask_at_once_each_get_the_answer_to_their_own_question(database: &Database) {
        let stage = stage(database);
        // Names of another organization, where the answers are others.
        let bravo = stage.server.organization("bravo");
        bravo.client.create_user("ada");
        let other = enforcement_point(&stage.server, bravo.id);
        let (questions, rounds) = (questions(), if is_long() { 2_000 } else { 25 });
        let wrong = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for number in 0..32 {
                let (questions, wrong, stage, other) = (&questions, &wrong, &stage, &other);
                scope.spawn(move || {
                    for round in 0..rounds {
                        let (question, expected) = &questions[(number + round) % questions.len()];
                        let (client, expected) = if (number + round) % 5 == 0 { (other, false) } else { (&stage.pep, *expected) };
                        let mine = format!("{number}-{round}");
                        let headers = [("X-Request-ID", mine.as_str()), ("Content-Type", "application/json")];
                        let answer = client.send("POST", "/access/v1/evaluation", &headers, Some(&question.to_string()));
                        let right = answer.header("X-Request-ID") == mine && answer.json()["decision"] == expected;
                        wrong.fetch_add(usize::from(!right), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(wrong.into_inner(), 0);
    }

    fn a_batch_in_another_order_has_the_same_answers_in_that_order(database: &Database) {
        let stage = stage(database);
        let (questions, mut dice) = (questions(), Dice::new());
        for _ in 0..if is_long() { 2_000 } else { 20 } {
            let asked: Vec<usize> = (0..=dice.below(30)).map(|_| dice.below(questions.len())).collect();
            let batch = json!({ "evaluations": asked.iter().map(|at| &questions[*at].0).collect::<Vec<_>>() });
            let answer = stage.pep.post("/access/v1/evaluations", &batch).expect(200).json();
            let given: Vec<bool> = answer["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect();
            assert_eq!(given, asked.iter().map(|at| questions[*at].1).collect::<Vec<_>>(), "{asked:?}");
        }
        for (question, expected) in &questions {
            assert_eq!(decides(&stage.pep, question), *expected, "{question}");
        }
    }

    fn a_batch_at_the_limit_is_answered_whole_and_one_beyond_it_not_at_all(database: &Database) {
        let stage = stage(database);
        let batch = |count: usize| json!({ "subject": { "type": "user", "id": "bob" }, "action": { "name": "build:view" },
            "evaluations": vec![json!({ "resource": { "type": "organization", "id": "/" } }); count] });
        let whole = stage.pep.post("/access/v1/evaluations", &batch(limits::EVALUATIONS)).expect(200).json();
        let allowed = whole["evaluations"].as_array().unwrap().iter().filter(|one| one["decision"] == true).count();
        assert_eq!(allowed, limits::EVALUATIONS);
        assert_eq!(stage.on_record(), limits::EVALUATIONS);
        stage.pep.post("/access/v1/evaluations", &batch(limits::EVALUATIONS + 1)).expect(400);
        // A body beyond the limit is not judged by what of it was read.
        let mut large = question("bob", "build:view", ("organization", "/"), None);
        large["context"] = json!({ "branch": "x".repeat(limits::EVALUATION_BYTES) });
        for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
            stage.pep.post(&format!("/access/v1/{path}"), &large).expect(413);
        }
        let first = &stage.admin.get("/decisions?limit=1").expect(200).json()["items"][0];
        assert_eq!(first["id"], whole["evaluations"][limits::EVALUATIONS - 1]["context"]["decision_id"], "nothing since");
    }

    fn names_that_mean_to_be_something_else_are_denied(database: &Database) {
        let stage = stage(database);
        assert!(decides(&stage.pep, &question("ada", "deploy:run", PRODUCTION, Some("main"))));
        for id in ["//billing/production", "/billing//production", "/billing/production/", "/billing/./production", "/billing/../billing/production",
            "/%62illing/production", "/billing%2fproduction", "/billing/production%00", "/billing/production\u{0}", "/billing/production\"", "/Billing/production",
            " /billing/production", "/billing/production\n", "billing/production", "/billing/production#x", "/billing/production|/", "", "/billing\\production"] {
            assert!(!decides(&stage.pep, &question("ada", "deploy:run", ("environment", id), Some("main"))), "{id:?}");
        }
        for (kind, id) in [("project", PRODUCTION.1), ("Environment", PRODUCTION.1), ("organization", PRODUCTION.1), ("environment", "/billing"), ("", PRODUCTION.1)] {
            assert!(!decides(&stage.pep, &question("ada", "deploy:run", (kind, id), Some("main"))), "{kind} {id}");
        }
        for who in ["ada\u{0}", "ad", "adaa", "ada%20", "ada\"", "", "*", "group", "Ada\u{301}"] {
            assert!(!decides(&stage.pep, &question(who, "deploy:run", PRODUCTION, Some("main"))), "{who:?}");
        }
        for permission in ["deploy:*", "*", "deploy", "DEPLOY:RUN", "deploy:run ", "organization:*", ""] {
            assert!(!decides(&stage.pep, &question("ada", permission, PRODUCTION, Some("main"))), "{permission:?}");
        }
    }

    fn long_names_are_told_apart_by_their_last_letter(database: &Database) {
        let stage = stage(database);
        let acme = stage.server.administration().organizations().unwrap().into_iter().find(|one| one.slug == "acme").unwrap();
        let scim = Client { base: format!("{}/scim/v2", stage.server.url), token: stage.server.token(acme.id, "first") };
        for length in [71, 72, 73, 127, 128, 255, 256, 900] {
            let [one, other] = ["a", "b"].map(|last| format!("{}{last}", "x".repeat(length - 1)));
            let (id, _) = (scim.create_user(&one), scim.create_user(&other));
            stage.assign(&id, "viewer", "/billing");
            assert!(decides(&stage.pep, &question(&one, "build:view", PRODUCTION, None)), "{length}");
            assert!(!decides(&stage.pep, &question(&other, "build:view", PRODUCTION, None)), "{length}");
        }
    }

    fn what_the_caller_says_of_itself_neither_helps_nor_is_remembered(database: &Database) {
        let stage = stage(database);
        let denied = question("bob", "deploy:run", PRODUCTION, Some("main"));
        for (member, said) in [
            ("subject", json!({ "type": "user", "id": "bob", "properties": { "role": "admin", "groups": ["deployers"], "roles": ["deployer"], "admin": true } })),
            ("action", json!({ "name": "deploy:run", "properties": { "roles": ["deployer"], "production": false } })),
            ("resource", json!({ "type": "environment", "id": PRODUCTION.1, "properties": { "production": false, "path": "/" } })),
            ("context", json!({ "branch": "main", "roles": ["deployer"], "now": "1970-01-01T00:00:00Z", "time": "1970-01-01T00:00:00Z" })),
        ] {
            let mut elevating = denied.clone();
            elevating[member] = said;
            assert!(!decides(&stage.pep, &elevating), "{elevating}");
        }
        let record = stage.admin.get("/decisions?limit=10").expect(200).text;
        for canary in ["deployers", "1970", "\"roles\""] {
            assert!(!record.contains(canary), "{canary} stands on record: {record}");
        }
    }
}
