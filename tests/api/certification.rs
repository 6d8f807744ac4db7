//! The certification scenario of the Authorization API 1.0, level by level: every request it sends and everything it
//! looks at in the answers, against the fixture as an outside suite would find it.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use muster::model::CredentialKind;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Database, Program, Server};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/authzen.toml");

/// A server with the fixture.
struct Suite {
    server: Server,
    client: Client,
}

fn suite(database: &Database) -> Suite {
    let server = Server::start(database);
    let slug = "certification";
    server.administration().create_certification(&slug.parse().unwrap(), &slug.parse().unwrap()).unwrap();
    loaded(server, &Program::on(database))
}

fn loaded(server: Server, program: &Program) -> Suite {
    program.done(&["apply", "--org", "certification", FIXTURE]);
    let token = program.done(&["token", "issue", "--org", "certification", "--kind", "pep"]).trim().to_owned();
    let client = Client { base: server.url.clone(), token };
    Suite { server, client }
}

fn user(id: &str) -> Value {
    json!({ "type": "user", "id": id })
}

fn admin(id: &str) -> Value {
    json!({ "type": "user", "id": id, "properties": { "role": "admin" } })
}

fn record(id: &str) -> Value {
    json!({ "type": "record", "id": id })
}

fn with_status(id: &str, status: &str) -> Value {
    json!({ "type": "record", "id": id, "properties": { "status": status } })
}

fn name(name: &str) -> Value {
    json!({ "name": name })
}

fn soft(soft: bool) -> Value {
    json!({ "name": "delete", "properties": { "soft": soft } })
}

fn question(subject: Value, action: Value, resource: Value) -> Value {
    json!({ "subject": subject, "action": action, "resource": resource })
}

fn with(mut request: Value, member: &str, value: Value) -> Value {
    request[member] = value;
    request
}

fn without(mut request: Value, pointer: &str) -> Value {
    let (around, member) = pointer.rsplit_once('/').unwrap();
    request.pointer_mut(around).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    request
}

fn context() -> Value {
    json!({ "time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1" })
}

impl Suite {
    fn send(&self, path: &str, body: &Value) -> Answer {
        self.client.post(&format!("/access/v1/{path}"), body)
    }

    /// 200 and JSON, as every success is (§5.2).
    #[track_caller]
    fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(path, body);
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        assert_eq!(answer.header("Content-Type"), "application/json");
        answer.json()
    }

    #[track_caller]
    fn decides(&self, request: &Value, expected: bool) {
        let answer = self.ask("evaluation", request);
        assert_eq!(answer["decision"], expected, "{request}: {answer}");
        assert!(answer.get("context").is_none_or(Value::is_object), "{answer}");
    }

    /// The decisions of a batch, each with a boolean.
    #[track_caller]
    fn batch(&self, request: &Value) -> Vec<bool> {
        let answer = self.ask("evaluations", request);
        assert!(answer.get("decision").is_none(), "{answer}");
        let decisions = answer["evaluations"].as_array().unwrap().iter();
        decisions.map(|one| one["decision"].as_bool().unwrap_or_else(|| panic!("{answer}"))).collect()
    }

    /// What a search finds, each of the type asked for.
    #[track_caller]
    fn finds(&self, kind: &str, request: &Value, at_least: &[&str]) -> Vec<Value> {
        let answer = self.ask(&format!("search/{kind}"), request);
        let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        let member = if kind == "action" { "name" } else { "id" };
        for result in &results {
            assert!(result[member].is_string(), "{answer}");
            assert!(kind == "action" || result["type"] == request[kind]["type"], "{answer}");
        }
        for wanted in at_least {
            assert!(results.iter().any(|result| result[member] == *wanted), "{wanted} is not in {answer}");
        }
        if let Some(page) = answer.get("page") {
            assert!(page["next_token"].is_string(), "{answer}");
        }
        results
    }

    #[track_caller]
    fn refuses(&self, path: &str, body: &Value) {
        let answer = self.send(path, body);
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text);
        assert!(!answer.text.is_empty(), "{path} {body}");
    }
}

on_both_databases_and_several_servers! {
    fn the_eight_decisions_of_the_fixture_are_given(database: &Database) {
        // By the three commands the fixture names.
        let (server, program) = (Server::start(database), Program::on(database));
        program.done(&["org", "create", "certification", "--certification"]);
        let suite = loaded(server, &program);
        for (subject, action, resource, expected) in [
            (user("alice"), name("read"), record("record-1"), true),
            (user("alice"), name("write"), record("record-1"), true),
            (user("bob"), name("read"), record("record-1"), true),
            (user("bob"), name("write"), record("record-1"), false),
            (user("alice"), name("write"), with_status("record-2", "archived"), false),
            (admin("bob"), name("write"), with_status("record-2", "archived"), true),
            (user("alice"), soft(true), record("record-1"), true),
            (user("alice"), soft(false), record("record-1"), false),
            // It is the status that is said that decides, and the role.
            (user("alice"), name("write"), with_status("record-1", "archived"), false),
            (admin("alice"), name("write"), with_status("record-2", "archived"), true),
        ] {
            let request = question(subject, action, resource);
            // The same each time (§2.6), with a context or without (§1.6).
            for _ in 0..3 {
                suite.decides(&request, expected);
            }
            suite.decides(&with(request, "context", context()), expected);
        }
    }

    fn basic_core_accepts_what_it_must_and_refuses_the_rest(database: &Database) {
        let suite = suite(database);
        let request = question(user("alice"), name("read"), record("record-1"));
        let rich = json!({
            "subject": { "type": "user", "id": "alice", "properties": { "department": "Sales", "role": "manager" } },
            "action": { "name": "read", "properties": { "method": "GET" } },
            "resource": { "type": "record", "id": "record-1", "properties": { "status": "active", "owner": "bob" } },
        });
        suite.decides(&rich, true);
        suite.decides(&with(with(request.clone(), "foo", json!("bar")), "futureField", json!({ "nested": true })), true);
        for pointer in ["/subject", "/action", "/resource", "/subject/type", "/subject/id", "/action/name", "/resource/type", "/resource/id"] {
            suite.refuses("evaluation", &without(request.clone(), pointer));
        }
        suite.refuses("evaluation", &with(request.clone(), "subject", json!("alice")));
        suite.refuses("evaluation", &with(request.clone(), "action", json!({ "name": 123 })));
        suite.refuses("evaluation", &with(request.clone(), "resource", json!([])));
        let text = request.to_string();
        for (content_type, body) in [
            ("text/plain", text.as_str()), ("application/x-www-form-urlencoded", &text), ("application/jsonx", &text),
            ("application/json", "{"), ("application/json", ""), ("application/json", "not JSON"), ("application/json", "[]"),
        ] {
            for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
                let answer = suite.client.send("POST", &format!("/access/v1/{path}"), &[("Content-Type", content_type)], Some(body));
                assert_eq!(answer.status, 400, "{path} {content_type} {body}: {}", answer.text);
            }
        }
        for json in ["application/json; charset=utf-8", "Application/JSON", "application/scim+json"] {
            suite.client.send("POST", "/access/v1/evaluation", &[("Content-Type", json)], Some(&text)).expect(200);
        }
    }

    fn the_callers_own_name_of_a_request_comes_back_from_every_endpoint(database: &Database) {
        let suite = suite(database);
        let request = question(user("alice"), name("read"), record("record-1")).to_string();
        for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
            for body in [request.as_str(), "{"] {
                let headers = [("X-Request-ID", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"), ("Content-Type", "application/json")];
                let answer = suite.client.send("POST", &format!("/access/v1/{path}"), &headers, Some(body));
                assert_eq!(answer.header("X-Request-ID"), headers[0].1, "{path}: {}", answer.text);
                let plain = suite.client.send("POST", &format!("/access/v1/{path}"), &headers[1..], Some(body));
                assert_eq!(plain.status, answer.status, "{path}");
            }
        }
    }

    fn batches_are_answered_one_by_one_and_in_order(database: &Database) {
        let suite = suite(database);
        let reads = json!({ "subject": user("alice"), "action": name("read"),
            "evaluations": [{ "resource": record("record-1") }, { "resource": record("record-2") }] });
        assert_eq!(suite.batch(&reads), [true, true]);
        let acts = json!({ "subject": user("bob"), "resource": record("record-1"),
            "evaluations": [{ "action": name("read") }, { "action": name("write") }] });
        assert_eq!(suite.batch(&acts), [true, false]);
        let status = json!({ "subject": user("alice"), "action": name("write"), "evaluations": [
            { "resource": with_status("record-1", "active") }, { "resource": with_status("record-2", "archived") }] });
        assert_eq!(suite.batch(&status), [true, false]);
        let roles = json!({ "action": name("write"), "resource": with_status("record-2", "archived"),
            "evaluations": [{ "subject": user("alice") }, { "subject": admin("bob") }] });
        assert_eq!(suite.batch(&roles), [false, true]);
        let full = json!({ "evaluations": [question(user("alice"), name("read"), record("record-1")),
            question(user("bob"), name("write"), record("record-1"))] });
        assert_eq!(suite.batch(&full), [true, false]);
        let contexts = json!({ "subject": user("alice"), "action": name("read"), "context": { "time": "2025-06-27T18:03-07:00" },
            "evaluations": [{ "resource": record("record-1") },
                { "resource": record("record-2"), "context": { "time": "2025-06-27T19:00-07:00", "source": "batch-override" } }] });
        assert_eq!(suite.batch(&contexts), [true, true]);
        let inherited = json!({ "subject": user("alice"), "action": name("write"), "resource": with_status("record-1", "active"),
            "evaluations": [{}, { "resource": with_status("record-2", "archived") }] });
        assert_eq!(suite.batch(&inherited), [true, false]);
        let failing = json!({ "subject": user("alice"), "action": name("read"), "options": { "evaluations_semantic": "execute_all" },
            "evaluations": [{ "resource": record("record-1") }, {}] });
        assert_eq!(suite.batch(&failing), [true, false]);
        let single = question(user("alice"), name("read"), record("record-1"));
        for request in [single.clone(), with(single, "evaluations", json!([]))] {
            assert_eq!(suite.ask("evaluations", &request)["decision"], true);
        }
    }

    fn searches_find_at_least_what_the_fixture_requires(database: &Database) {
        let suite = suite(database);
        let users = json!({ "type": "user" });
        let records = json!({ "type": "record" });
        for (kind, request, at_least) in [
            ("subject", question(users.clone(), name("read"), record("record-1")), &["alice", "bob"][..]),
            ("resource", question(user("alice"), name("read"), records.clone()), &["record-1"]),
            ("action", json!({ "subject": user("alice"), "resource": record("record-1") }), &["read", "write"]),
        ] {
            let found = suite.finds(kind, &request, at_least);
            assert_eq!(suite.finds(kind, &with(request.clone(), "context", context()), at_least), found);
            // An id where one is searched for is ignored.
            for id in ["alice", "record-1", "nobody"] {
                let mut named = request.clone();
                if kind != "action" {
                    named[kind]["id"] = id.into();
                }
                assert_eq!(suite.finds(kind, &named, at_least), found);
            }
        }
        suite.finds("subject", &question(users, name("write"), with_status("record-2", "archived")), &["bob"]);
        suite.finds("resource", &question(admin("bob"), name("write"), records), &["record-2"]);
        suite.finds("action", &json!({ "subject": admin("bob"), "resource": with_status("record-2", "archived") }), &["write"]);
        // What is found can be asked about as it is named.
        for found in suite.finds("subject", &question(json!({ "type": "user" }), name("read"), record("record-1")), &[]) {
            suite.decides(&question(found, name("read"), record("record-1")), true);
        }
    }

    fn searches_come_in_pages(database: &Database) {
        let suite = suite(database);
        let request = question(json!({ "type": "user" }), name("read"), record("record-1"));
        let first = suite.ask("search/subject", &with(request.clone(), "page", json!({ "limit": 1 })));
        assert_eq!(first["results"].as_array().unwrap().len(), 1);
        let token = first["page"]["next_token"].as_str().unwrap();
        assert!(!token.is_empty(), "{first}");
        let last = suite.ask("search/subject", &with(request, "page", json!({ "token": token })));
        assert_eq!(last["page"]["next_token"], "", "{last}");
        assert_eq!(last["results"].as_array().unwrap().len(), 1);
        assert_ne!(last["results"], first["results"]);
    }

    fn what_is_not_known_is_found_nowhere_and_what_is_not_said_is_refused(database: &Database) {
        let suite = suite(database);
        let (alice, read, one) = (user("alice"), name("read"), record("record-1"));
        for (kind, request) in [
            ("action", json!({ "subject": user("nonexistent-user"), "resource": one })),
            ("action", json!({ "subject": { "type": "spaceship", "id": "alice" }, "resource": one })),
            ("action", json!({ "subject": alice, "resource": record("nowhere") })),
            ("action", json!({ "subject": alice, "resource": { "type": "spaceship", "id": "record-1" } })),
            ("subject", question(json!({ "type": "spaceship" }), read.clone(), one.clone())),
            ("subject", question(json!({ "type": "user" }), name("fly"), one.clone())),
            ("subject", question(json!({ "type": "user" }), read.clone(), record("nowhere"))),
            ("resource", question(user("nonexistent-user"), read.clone(), json!({ "type": "record" }))),
            ("resource", question(alice.clone(), read.clone(), json!({ "type": "spaceship" }))),
            ("resource", question(alice.clone(), name("fly"), json!({ "type": "record" }))),
        ] {
            assert_eq!(suite.ask(&format!("search/{kind}"), &request)["results"], json!([]), "{kind} {request}");
        }
        let bare = question(json!({ "type": "user" }), read.clone(), json!({ "type": "record" }));
        for (kind, request) in [
            ("subject", json!({ "subject": { "type": "user" }, "resource": one })),
            ("subject", json!({ "action": read, "resource": one })),
            ("subject", json!({ "subject": {}, "action": read, "resource": one })),
            ("resource", json!({ "action": read, "resource": { "type": "record" } })),
            ("resource", json!({ "subject": alice, "resource": { "type": "record" } })),
            ("resource", json!({ "subject": alice, "action": read })),
            ("action", json!({ "subject": alice })),
            ("action", json!({ "resource": one })),
            ("action", json!({ "subject": { "type": "user" }, "resource": one })),
            ("subject", bare.clone()), ("resource", bare.clone()), ("action", bare),
        ] {
            suite.refuses(&format!("search/{kind}"), &request);
        }
    }

    fn the_metadata_names_every_endpoint_and_says_so_signed(database: &Database) {
        let suite = suite(database);
        let anybody = Client { base: suite.server.url.clone(), token: String::new() };
        let get = |path: &str| anybody.send("GET", path, &[("Authorization", "")], None).expect(200);
        let answer = get("/.well-known/authzen-configuration");
        assert_eq!(answer.header("Content-Type"), "application/json");
        assert!(answer.header("Cache-Control").contains("max-age"), "{:?}", answer.headers);
        let document = answer.json();
        assert_eq!(document["policy_decision_point"], suite.server.url);
        let endpoints = ["access_evaluation_endpoint", "access_evaluations_endpoint", "search_subject_endpoint",
            "search_resource_endpoint", "search_action_endpoint"];
        for endpoint in endpoints {
            let path = document[endpoint].as_str().unwrap().strip_prefix(&suite.server.url).unwrap();
            assert_ne!(suite.client.post(path, &json!({})).status, 404, "{endpoint}");
        }
        let signed = document["signed_metadata"].as_str().unwrap();
        let keys: JwkSet = serde_json::from_str(&get("/.well-known/jwks.json").text).unwrap();
        let header = decode_header(signed).unwrap();
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        let claims = decode::<Value>(signed, &key, &validation).unwrap().claims;
        assert_eq!(claims["iss"], suite.server.url);
        for member in endpoints.into_iter().chain(["policy_decision_point"]) {
            assert_eq!(claims[member], document[member]);
        }
        assert!(claims.get("signed_metadata").is_none());
    }

    fn outside_certification_nobody_is_believed_a_role_and_the_allow_list_is_the_credentials_own(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let program = Program::on(database);
        program.done(&["apply", "--org", "acme", FIXTURE]);
        let issue = |more: &[&str]| {
            let issued = program.done(&[&["token", "issue", "--org", "acme", "--kind", "pep"], more].concat());
            Client { base: server.url.clone(), token: issued.trim().to_owned() }
        };
        let decided = |client: &Client, request: &Value| client.post("/access/v1/evaluation", request).expect(200).json()["decision"].clone();
        let (usual, told) = (issue(&[]), issue(&["--believes", "soft,resource.status"]));
        let elevating = question(admin("alice"), name("write"), record("record-2"));
        let disguised = question(user("bob"), name("write"), with_status("record-1", "archived"));
        let deleting = question(user("alice"), soft(true), record("record-1"));
        for (client, expected) in [(&usual, [false, false, false]), (&told, [false, true, true])] {
            assert_eq!([decided(client, &elevating), decided(client, &disguised), decided(client, &deleting)], expected.map(Value::from));
        }
        for never in ["subject.role", "subject.groups", "subject.admin", "*", "soft,subject.roles"] {
            let refused = program.run(&["token", "issue", "--org", "acme", "--kind", "pep", "--believes", never]);
            assert_eq!(refused.code, Some(2), "{never}: {refused:?}");
        }
        assert_eq!(program.run(&["token", "issue", "--org", "acme", "--kind", "admin", "--believes", "soft"]).code, Some(2));
        let api = crate::administration::administrator(&server, acme.id, CredentialKind::Admin);
        let made = api.post("/credentials", &json!({ "kind": "pep", "believed": ["soft"] })).expect(201).json();
        assert_eq!(made["believed"], json!(["soft"]), "{made}");
        let client = Client { base: server.url.clone(), token: made["token"].as_str().unwrap().to_owned() };
        assert_eq!(decided(&client, &deleting), true);
        for body in [json!({ "kind": "pep", "believed": ["subject.role"] }), json!({ "kind": "admin", "believed": ["soft"] })] {
            crate::administration::problem(&api.post("/credentials", &body), 400, "believed");
        }
        // Subjects are answered by their ids, which stay theirs.
        let found = usual.post("/access/v1/search/subject", &question(json!({ "type": "user" }), name("read"), record("record-1"))).expect(200).json();
        assert!(found["results"].as_array().unwrap().iter().all(|one| one["id"].as_str().unwrap().len() == 36), "{found}");
    }
}
