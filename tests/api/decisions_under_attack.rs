//! Decisions asked for by many at once, in any order, at the limits, and with names that mean to be something else.
//!
//! 6,144 decisions by 64 at once in each place, 1,024,000 with `MUSTER_TEST_LONG`; 16 credentials that ask four times each,
//! 200 that ask for a minute; 20 batches in random order, 2,000. `MUSTER_TEST_SEED` repeats the order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use muster::clock::Clock;

use muster::model::{CredentialKind, limits};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::{Client, Database, Dice, Server, in_parallel, is_long};

/// Who ask at once.
const ASKERS: usize = 64;
/// Questions they put into one batch.
const BATCH: usize = 15;

/// A server with an organization in which `ada` deploys to production from `main` alone, and `bob` looks at builds.
struct Stage {
    server: Server,
    pep: Client,
    admin: Client,
    scim: String,
}

fn stage(database: &Database) -> Stage {
    let server = Server::start(database);
    let acme = server.organization("acme");
    let ids = ["ada", "bob", "cyd"].map(|name| acme.client.create_user(name));
    let admin = administrator(&server, acme.id, CredentialKind::Admin);
    let stage = Stage { pep: enforcement_point(&server, acme.id), admin, scim: acme.client.token, server };
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

/// Every decision on record, by id, with the credential that asked for it.
fn on_record(admin: &Client) -> BTreeMap<String, String> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = admin.get(&format!("/decisions?limit=1000{cursor}")).expect(200).json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.extend(page["items"].as_array().unwrap().iter().map(|one| (text(&one["id"]), text(&one["credential"]))));
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
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

on_both_databases_and_several_servers! {
    fn many_who_ask_at_once_each_get_the_answer_to_their_own_question(database: &Database) {
        let stage = stage(database);
        // Names of another organization, where the answers are others.
        let bravo = stage.server.organization("bravo");
        bravo.client.create_user("ada");
        let other = enforcement_point(&stage.server, bravo.id);
        let (questions, rounds, began) = (questions(), if is_long() { 1_000 } else { 6 }, Clock::monotonic());
        let (wrong, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..ASKERS {
                let (questions, wrong, asked, stage, other) = (&questions, &wrong, &asked, &stage, &other);
                scope.spawn(move || {
                    for round in 0..rounds {
                        let elsewhere = (number + round) % 5 == 0;
                        let client = if elsewhere { other } else { &stage.pep };
                        let about = |at: usize| &questions[(number + round + at) % questions.len()];
                        let expected = |at: usize| about(at).1 && !elsewhere;
                        let mine = format!("{number}-{round}");
                        let headers = [("X-Request-ID", mine.as_str()), ("Content-Type", "application/json")];
                        let send = |path: &str, body: &Value| client.send("POST", path, &headers, Some(&body.to_string()));
                        let answer = send("/access/v1/evaluation", &about(0).0);
                        let right = answer.header("X-Request-ID") == mine && answer.json()["decision"] == expected(0);
                        let batch: Vec<&Value> = (0..BATCH).map(|at| &about(at).0).collect();
                        let answers = send("/access/v1/evaluations", &json!({ "evaluations": batch })).json();
                        let given: Vec<bool> = answers["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect();
                        let all = (0..BATCH).map(expected).collect::<Vec<_>>();
                        wrong.fetch_add(usize::from(!right) + usize::from(given != all), Ordering::SeqCst);
                        asked.fetch_add(1 + BATCH, Ordering::SeqCst);
                    }
                });
            }
        });
        let (backend, servers, asked) = (database.backend(), database.servers(), asked.into_inner());
        println!("{asked} decisions by {ASKERS} at once on {backend:?}, {servers} servers, {:?}", began.elapsed());
        assert_eq!(wrong.into_inner(), 0);
    }

    fn a_decision_is_on_record_under_the_credential_that_asked_for_it(database: &Database) {
        let stage = stage(database);
        let acme = stage.server.administration().organizations().unwrap().into_iter().find(|one| one.slug == "acme").unwrap().id;
        let (count, lasts) = if is_long() { (200, Duration::from_mins(1)) } else { (16, Duration::ZERO) };
        let points: Vec<Client> = (0..count).map(|_| enforcement_point(&stage.server, acme)).collect();
        let known: Vec<String> = stage.server.administration().tokens(acme).unwrap().into_iter()
            .filter(|stored| stored.credential.kind == CredentialKind::Pep).map(|stored| stored.credential.id.to_string()).collect();
        let began = Clock::monotonic();
        let asked = in_parallel(points.len(), points.len(), |at| {
            let mut decisions = Vec::new();
            while decisions.len() < 4 || began.elapsed() < lasts {
                let answer = points[at].post("/access/v1/evaluation", &question("ada", "build:view", PRODUCTION, None)).expect(200).json();
                decisions.push(answer["context"]["decision_id"].as_str().unwrap().to_owned());
            }
            decisions
        });
        println!("{} decisions asked for by {count} credentials in {:?}", asked.iter().map(Vec::len).sum::<usize>(), began.elapsed());
        let credentials: BTreeMap<String, String> = on_record(&stage.admin);
        let mut different = BTreeSet::new();
        for decisions in &asked {
            let own: BTreeSet<&String> = decisions.iter().map(|decision| &credentials[decision]).collect();
            assert!(own.len() == 1 && own.iter().all(|credential| known.contains(credential)), "{own:?}");
            different.extend(own);
        }
        assert_eq!(different.len(), points.len(), "each its own");
    }

    fn whoever_wrote_a_commit_does_not_deploy_it_whatever_the_author_is_called(database: &Database) {
        let stage = stage(database);
        let ready = json!({ "ready": "author-may-not-deploy", "name": "authors", "reason": "r", "control": "c", "permissions": ["deploy:run"], "scope": "/" });
        stage.call("POST", "/guardrails", &json!({ "ready": ready, "confirm": true }));
        let digest = "@id(\"digest\")\n@reason(\"r\")\n@control(\"c\")\nforbid (principal, action == Action::\"deploy:run\", resource) when { context.artifact_digest != \"sha256:1\" || context.commit != \"c0ffee\" || context.run != \"17\" };";
        stage.call("POST", "/guardrails", &json!({ "text": digest, "confirm": true }));
        let scim = Client { base: format!("{}/scim/v2", stage.server.url), token: stage.scim.clone() };
        let id = scim.found("/Users", "userName eq \"ada\"").remove(0);
        let identifiers = json!([{ "op": "add", "value": { "externalId": "00u-ada", "emails": [{ "value": "Ada@Example.com" }] } }]);
        scim.patch(&format!("/Users/{id}"), &identifiers).expect(200);
        let built = json!({ "branch": "main", "artifact_digest": "sha256:1", "commit": "c0ffee", "run": "17", "commit_authors": ["bob"] });
        let deploys = |context: &Value| {
            let mut question = question("ada", "deploy:run", PRODUCTION, None);
            question["context"] = context.clone();
            decides(&stage.pep, &question)
        };
        assert!(deploys(&built));
        for authors in [json!([id]), json!(["ada"]), json!(["ADA"]), json!(["ada@example.com"]), json!(["00u-ada"]), json!(["bob", "ada"]),
            json!("ada"), json!(["bob", 7]), json!([["bob"]]), json!({ "0": "bob" }), json!(7), json!(null), json!([])] {
            let mut context = built.clone();
            context["commit_authors"] = authors.clone();
            assert!(!deploys(&context), "{authors}");
        }
        for (name, other) in [("artifact_digest", json!("sha256:2")), ("commit", json!("c0ffef")), ("run", json!("18")), ("run", json!(17)), ("branch", json!("pull/1"))] {
            let mut context = built.clone();
            context[name] = other.clone();
            assert!(!deploys(&context), "{name} {other}");
        }
        for name in ["branch", "artifact_digest", "commit", "run", "commit_authors"] {
            let mut context = built.clone();
            context.as_object_mut().unwrap().remove(name);
            assert!(!deploys(&context), "without {name}");
        }
        // Said of the action instead, it goes over the context, and a stranger to the list counts for nothing.
        let mut question = question("ada", "deploy:run", PRODUCTION, None);
        question["context"] = built.clone();
        question["action"]["properties"] = json!({ "commit_authors": ["ada"] });
        assert!(!decides(&stage.pep, &question));
        question["action"]["properties"] = json!({ "is_author": false, "commit_authors": ["bob"], "now": "1970-01-01T00:00:00Z" });
        assert!(decides(&stage.pep, &question));
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
        let answered = |count: usize| {
            let whole = stage.pep.post("/access/v1/evaluations", &batch(count)).expect(200).json();
            let allowed = whole["evaluations"].as_array().unwrap().iter().filter(|one| one["decision"] == true).count();
            assert_eq!(allowed, count);
            whole
        };
        answered(limits::EVALUATIONS - 1);
        assert_eq!(stage.on_record(), limits::EVALUATIONS - 1);
        let whole = answered(limits::EVALUATIONS);
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

    fn what_is_said_of_one_question_has_a_limit_and_denies_that_question_alone(database: &Database) {
        let stage = stage(database);
        let with = |context: Value| {
            let mut question = question("ada", "deploy:run", PRODUCTION, None);
            question["context"] = context;
            question
        };
        let authors = |count: usize| json!({ "branch": "main", "commit_authors": vec!["grace@example.com"; count] });
        let (fits, too_much) = (with(authors(500)), with(authors(1_000)));
        assert!(decides(&stage.pep, &fits));
        let before = stage.on_record();
        assert!(stage.pep.post("/access/v1/evaluation", &too_much).expect(400).text.contains("16384 bytes"));
        stage.pep.post("/access/v1/search/action", &too_much).expect(400);
        // What nobody believes has no weight.
        assert!(decides(&stage.pep, &with(json!({ "branch": "main", "diff": "x".repeat(900_000) }))));
        let answer = stage.pep.post("/access/v1/evaluations", &json!({ "evaluations": [fits, too_much, fits] })).expect(200).json();
        let given: Vec<&Value> = answer["evaluations"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
        assert_eq!(given, [&json!(true), &json!(false), &json!(true)]);
        assert_eq!(answer["evaluations"][1]["context"]["error"]["status"], 400);
        // Said once for all of a batch, it is not kept once for each.
        let mut batch = with(json!({ "branch": "main", "commit": "x".repeat(900_000) }));
        batch["evaluations"] = vec![json!({}); limits::EVALUATIONS].into();
        let answer = stage.pep.post("/access/v1/evaluations", &batch).expect(200).json();
        let all = answer["evaluations"].as_array().unwrap();
        assert!(all.len() == limits::EVALUATIONS && all.iter().all(|one| one["decision"] == false && one["context"]["error"]["status"] == 400));
        assert_eq!(stage.on_record(), before + 3);
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
        // Longer than any name can be: nobody, whoever bears its beginning.
        for length in [1_024, 65_535, 65_536, 65_537] {
            let long = |beginning: &str| format!("{beginning}{}", "x".repeat(length - beginning.len()));
            assert!(decides(&stage.pep, &question("bob", "build:view", PRODUCTION, None)));
            assert!(!decides(&stage.pep, &question(&long("bob"), "build:view", PRODUCTION, None)), "{length}");
            assert!(!decides(&stage.pep, &question("bob", &long("build:view"), PRODUCTION, None)), "{length}");
            assert!(!decides(&stage.pep, &question("bob", "build:view", ("environment", &long(PRODUCTION.1)), None)), "{length}");
            assert!(!decides(&stage.pep, &question("bob", "build:view", (&long("environment"), PRODUCTION.1), None)), "{length}");
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
        for canary in ["deployers", "1970-01-01", "\"roles\""] {
            assert!(!record.contains(canary), "{canary} stands on record: {record}");
        }
    }
}
