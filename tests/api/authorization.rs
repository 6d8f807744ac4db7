//! The Authorization API 1.0 (AuthZEN), as enforcement points talk to it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::model::{AssignmentSource, CredentialKind, OrganizationId};
use muster::service::access::{NewAssignment, NewScope, WantedPrincipal};
use muster::service::administration::NewToken;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Database, Organization, Server, group, user};

/// A server with one organization: ada deploys billing, bob looks at builds, nobody else has anything.
struct Stage {
    server: Server,
    acme: Organization,
    pep: Client,
    ids: [String; 3],
}

fn stage(database: &Database) -> Stage {
    let server = Server::start(database);
    let acme = server.organization("acme");
    let ids = ["ada", "bob", "cyd"].map(|name| acme.client.post("/Users", &user(name)).expect(201).id());
    acme.client.post("/Groups", &group("deployers", &[&ids[0]])).expect(201);
    acme.client.post("/Groups", &group("viewers", &[&ids[0], &ids[1]])).expect(201);
    for path in ["/billing/production", "/billing/staging", "/search/production"] {
        let production = path.ends_with("production");
        let scope = NewScope { path: path.parse().unwrap(), production, description: None };
        server.administration().create_scope(acme.id, &scope).unwrap();
    }
    for (name, role, scope) in [("deployers", "deployer", "/billing"), ("viewers", "viewer", "/")] {
        let mapping = NewAssignment {
            principal: WantedPrincipal::Group(name.to_owned()),
            role: role.parse().unwrap(),
            scope: scope.parse().unwrap(),
            from: None,
            until: None,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        server.administration().assign(acme.id, &mapping).unwrap();
    }
    let pep = enforcement_point(&server, acme.id);
    Stage { server, acme, pep, ids }
}

fn enforcement_point(server: &Server, organization: OrganizationId) -> Client {
    client(server, organization, CredentialKind::Pep)
}

fn client(server: &Server, organization: OrganizationId, kind: CredentialKind) -> Client {
    let wanted = NewToken { organization, kind, connection: None, valid_micros: 86_400_000_000 };
    let token = server.administration().issue_token(&wanted).unwrap().to_string();
    Client { base: server.url.clone(), token }
}

fn kind(scope: &str) -> &'static str {
    match scope.split('/').filter(|part| !part.is_empty()).count() {
        0 => "organization",
        1 => "project",
        _ => "environment",
    }
}

fn question(who: &str, permission: &str, scope: &str) -> Value {
    json!({ "subject": { "type": "user", "id": who }, "action": { "name": permission },
        "resource": { "type": kind(scope), "id": scope } })
}

fn ask(client: &Client, path: &str, body: &str) -> Answer {
    client.send("POST", path, &[("Content-Type", "application/json")], Some(body))
}

impl Stage {
    fn evaluate(&self, who: &str, permission: &str, scope: &str) -> Value {
        ask(&self.pep, "/access/v1/evaluation", &question(who, permission, scope).to_string()).expect(200).json()
    }

    fn allowed(&self, who: &str, permission: &str, scope: &str) -> bool {
        self.evaluate(who, permission, scope)["decision"].as_bool().unwrap()
    }

    fn search(&self, what: &str, body: &Value) -> Value {
        ask(&self.pep, &format!("/access/v1/search/{what}"), &body.to_string()).expect(200).json()
    }
}

on_both_databases_and_several_servers! {
    fn what_is_assigned_is_allowed_where_it_is_and_nowhere_else(database: &Database) {
        let stage = stage(database);
        let answer = stage.evaluate("Ada", "deploy:run", "/billing/production");
        assert_eq!((&answer["decision"], &answer["context"]["code"]), (&json!(true), &json!("assigned")), "{answer}");
        for member in ["decision_id", "valid_until", "reason"] {
            assert!(answer["context"][member].is_string(), "{answer}");
        }
        assert!(answer["context"]["revision"].is_u64());
        for (who, permission, scope, code) in [
            ("ada", "deploy:run", "/search/production", "not-assigned"),
            ("bob", "deploy:run", "/billing/production", "not-assigned"),
            ("cyd", "build:view", "/", "not-assigned"),
            ("nobody", "build:view", "/", "unknown-subject"),
            ("ada", "deploy:fly", "/", "unknown-permission"),
            ("ada", "deploy:run", "/nowhere/production", "unknown-resource"),
            ("ada", "deploy:run", "/billing/production/", "unknown-resource"),
            ("ada", "deploy:run", "/billing//production", "unknown-resource"),
            ("' OR 1=1 --", "deploy:run", "/billing", "unknown-subject"),
        ] {
            let answer = stage.evaluate(who, permission, scope);
            assert_eq!((&answer["decision"], &answer["context"]["code"]), (&json!(false), &json!(code)), "{who} {permission} {scope}");
        }
        assert!(stage.allowed(&stage.ids[0], "deploy:run", "/billing/staging"), "by id as by userName");
        stage.acme.client.patch(&format!("/Users/{}", stage.ids[0]), &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
        assert_eq!(stage.evaluate("ada", "deploy:run", "/billing/production")["context"]["code"], "not-active");
    }

    fn answers_on_production_are_not_to_be_used_again_and_others_for_a_minute_at_most(database: &Database) {
        let stage = stage(database);
        let until = |scope: &str| {
            let text = stage.evaluate("ada", "deploy:run", scope)["context"]["valid_until"].as_str().unwrap().to_owned();
            chrono::DateTime::parse_from_rfc3339(&text).unwrap().timestamp_micros()
        };
        let before = stage.server.clock.now().as_micros();
        let (production, staging) = (until("/billing/production"), until("/billing/staging"));
        let after = stage.server.clock.now().as_micros();
        assert!((before..=after).contains(&production));
        assert!((before + 60_000_000..=after + 60_000_000).contains(&staging));
    }

    fn requests_that_are_none_are_400_with_a_text_and_denials_are_not(database: &Database) {
        let stage = stage(database);
        let whole = question("ada", "build:view", "/").to_string();
        for (content_type, body) in [
            ("text/plain", whole.as_str()),
            ("", whole.as_str()),
            ("application/json", ""),
            ("application/json", "{"),
            ("application/json", "[]"),
            ("application/json", "{\"subject\":\"alice\"}"),
            ("application/json", "{\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"a\",\"id\":\"b\"}}"),
        ] {
            for path in ["/access/v1/evaluation", "/access/v1/evaluations", "/access/v1/search/subject"] {
                let answer = stage.pep.send("POST", path, &[("Content-Type", content_type)], Some(body)).expect(400);
                assert!(answer.header("Content-Type").starts_with("text/plain"), "{path} {body}");
                assert!(!answer.text.is_empty() && !answer.text.contains("struct"), "{}", answer.text);
            }
        }
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(1_100_000));
        ask(&stage.pep, "/access/v1/evaluation", &large).expect(413);
        assert_eq!(stage.pep.send("GET", "/access/v1/evaluation", &[], None).expect(405).header("Allow"), "POST");
        ask(&stage.pep, "/access/v1/evaluation/", "{}").expect(404);
        ask(&stage.pep, "/ACCESS/v1/evaluation", "{}").expect(404);
        let stranger = Client { token: "x".to_owned(), ..stage.pep.clone() };
        let refused = ask(&stranger, "/access/v1/evaluation", &whole).expect(401);
        assert!(refused.header("WWW-Authenticate").starts_with("Bearer"));
        let scim = Client { token: stage.acme.client.token.clone(), ..stage.pep.clone() };
        ask(&scim, "/access/v1/evaluation", &whole).expect(401);
    }

    fn the_name_a_caller_gives_a_request_comes_back(database: &Database) {
        let stage = stage(database);
        let body = question("ada", "build:view", "/").to_string();
        for name in ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any text, of theirs"] {
            let headers = [("Content-Type", "application/json"), ("X-Request-ID", name)];
            let answer = stage.pep.send("POST", "/access/v1/evaluation", &headers, Some(&body)).expect(200);
            assert_eq!(answer.header("X-Request-ID"), name);
            let answer = stage.pep.send("POST", "/access/v1/evaluation", &headers, Some("{")).expect(400);
            assert_eq!(answer.header("X-Request-ID"), name);
        }
    }

    fn a_batch_answers_in_order_and_ends_where_its_semantic_says(database: &Database) {
        let stage = stage(database);
        let batch = |semantic: &str, scopes: &[&str]| {
            let evaluations: Vec<Value> = scopes.iter().map(|scope| json!({ "resource": { "type": kind(scope), "id": scope } })).collect();
            let body = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "deploy:run" },
                "options": { "evaluations_semantic": semantic }, "evaluations": evaluations });
            let answer = ask(&stage.pep, "/access/v1/evaluations", &body.to_string()).expect(200).json();
            answer["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect::<Vec<_>>()
        };
        let scopes = ["/billing/staging", "/search/production", "/billing/production", "/"];
        assert_eq!(batch("execute_all", &scopes), [true, false, true, false]);
        assert_eq!(batch("deny_on_first_deny", &scopes), [true, false]);
        assert_eq!(batch("permit_on_first_permit", &scopes), [true]);
        assert_eq!(batch("permit_on_first_permit", &["/", "/search", "/billing", "/"]), [false, false, true]);
        let mut body = question("ada", "deploy:run", "/billing");
        body["evaluations"] = json!([]);
        assert_eq!(ask(&stage.pep, "/access/v1/evaluations", &body.to_string()).expect(200).json()["decision"], true);
        let holes = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "deploy:run" },
            "evaluations": [{ "resource": { "type": "project", "id": "/billing" } }, {}] });
        let answer = ask(&stage.pep, "/access/v1/evaluations", &holes.to_string()).expect(200).json();
        assert_eq!(answer["evaluations"][0]["decision"], true);
        assert_eq!((&answer["evaluations"][1]["decision"], &answer["evaluations"][1]["context"]["error"]["status"]), (&json!(false), &json!(400)));
        let wrong = json!({ "options": { "evaluations_semantic": "first_come" }, "evaluations": [{}] });
        ask(&stage.pep, "/access/v1/evaluations", &wrong.to_string()).expect(400);
    }

    fn searches_find_whatever_evaluations_allow(database: &Database) {
        let stage = stage(database);
        let ids = |found: &Value| found["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap_or_else(|| one["name"].as_str().unwrap()).to_owned()).collect::<Vec<_>>();
        for scope in ["/", "/billing", "/billing/production", "/search/production"] {
            for permission in ["build:view", "deploy:run", "deploy:approve"] {
                let body = json!({ "subject": { "type": "user", "id": "ignored" }, "action": { "name": permission }, "resource": { "type": kind(scope), "id": scope } });
                let expected: Vec<&String> = stage.ids.iter().filter(|id| stage.allowed(id, permission, scope)).collect();
                assert_eq!(ids(&stage.search("subject", &body)).iter().collect::<Vec<_>>(), expected, "{permission} {scope}");
            }
            let body = json!({ "subject": { "type": "user", "id": "ada" }, "resource": { "type": kind(scope), "id": scope } });
            for name in ids(&stage.search("action", &body)) {
                assert!(stage.allowed("ada", &name, scope), "{name} {scope}");
            }
        }
        let body = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "deploy:run" }, "resource": { "type": "environment" } });
        assert_eq!(ids(&stage.search("resource", &body)), ["/billing/production", "/billing/staging"]);
        for unknown in [
            json!({ "subject": { "type": "robot" }, "action": { "name": "x" }, "resource": { "type": "y", "id": "z" } }),
            json!({ "subject": { "type": "user" }, "action": { "name": "build:view" }, "resource": { "type": "environment", "id": "/no/where" } }),
        ] {
            assert_eq!(stage.search("subject", &unknown)["results"], json!([]));
        }
    }

    fn a_search_is_read_page_by_page_and_its_tokens_serve_no_other(database: &Database) {
        let stage = stage(database);
        let body = |permission: &str, page: Value| json!({ "subject": { "type": "user" }, "action": { "name": permission }, "resource": { "type": "organization", "id": "/" }, "page": page });
        let first = stage.search("subject", &body("build:view", json!({ "limit": 1 })));
        let token = first["page"]["next_token"].as_str().unwrap();
        assert_eq!((first["results"].as_array().unwrap().len(), token.is_empty()), (1, false));
        let second = stage.search("subject", &body("build:view", json!({ "token": token })));
        assert_eq!((second["results"].as_array().unwrap().len(), &second["page"]["next_token"]), (1, &json!("")));
        assert_ne!(first["results"], second["results"]);
        for wrong in [
            body("build:view", json!({ "token": token, "limit": 2 })),
            body("deploy:run", json!({ "token": token })),
            body("build:view", json!({ "token": format!("{token}A") })),
            body("build:view", json!({ "token": "x" })),
        ] {
            ask(&stage.pep, "/access/v1/search/subject", &wrong.to_string()).expect(400);
        }
        // Of a page that holds nothing the next one begins where it began; the end is where nothing follows.
        for (permission, ends) in [("build:view", false), ("deploy:configure", true)] {
            let none = stage.search("subject", &body(permission, json!({ "limit": 0 })));
            assert_eq!((&none["results"], none["page"]["next_token"] == ""), (&json!([]), ends), "{none}");
            if !ends {
                let next = stage.search("subject", &body(permission, json!({ "token": none["page"]["next_token"] })));
                assert_eq!((&next["results"], next["page"]["next_token"] == ""), (&json!([]), false), "{next}");
            }
        }
        let other = stage.server.organization("other");
        let foreign = enforcement_point(&stage.server, other.id);
        ask(&foreign, "/access/v1/search/subject", &body("build:view", json!({ "token": token })).to_string()).expect(400);
    }

    fn an_organization_is_asked_about_its_own_alone(database: &Database) {
        let stage = stage(database);
        let other = stage.server.organization("other");
        other.client.post("/Users", &user("zed")).expect(201);
        let foreign = enforcement_point(&stage.server, other.id);
        for who in [stage.ids[0].as_str(), "ada", "made up"] {
            let answer = ask(&foreign, "/access/v1/evaluation", &question(who, "build:view", "/").to_string()).expect(200).json();
            assert_eq!((&answer["decision"], &answer["context"]["code"]), (&json!(false), &json!("unknown-subject")));
        }
        assert!(!stage.allowed("zed", "build:view", "/"));
    }

    fn the_metadata_names_what_is_offered_by_the_public_address(database: &Database) {
        let stage = stage(database);
        let headers = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Authorization", "")];
        let answer = stage.pep.send("GET", "/.well-known/authzen-configuration", &headers, None).expect(200);
        assert_eq!(answer.header("Content-Type"), "application/json");
        let document = answer.json();
        assert_eq!(document["policy_decision_point"], stage.server.url);
        for (member, path) in [
            ("access_evaluation_endpoint", "evaluation"),
            ("access_evaluations_endpoint", "evaluations"),
            ("search_subject_endpoint", "search/subject"),
            ("search_resource_endpoint", "search/resource"),
            ("search_action_endpoint", "search/action"),
        ] {
            assert_eq!(document[member], format!("{}/access/v1/{path}", stage.server.url));
        }
    }

    fn every_decision_is_found_on_record_by_whom_what_where_when_and_how(database: &Database) {
        let stage = stage(database);
        let auditor = client(&stage.server, stage.acme.id, CredentialKind::Auditor);
        let began = stage.server.clock.now();
        let asked = [
            ("ada", "deploy:run", "/billing/production", true),
            ("bob", "deploy:run", "/billing/production", false),
            ("bob", "build:view", "/", true),
            ("nobody", "build:view", "/search", false),
            ("ada", "secret:read", "/billing", false),
        ];
        let ids: Vec<Value> = asked.iter().map(|(who, permission, scope, _)| stage.evaluate(who, permission, scope)["context"]["decision_id"].clone()).collect();
        let ended = stage.server.clock.now().plus_micros(1);
        let list = |query: &str| auditor.get(&format!("/api/v1/decisions?{query}")).expect(200).json();
        // Those of several servers stand server by server.
        let told = |mut ids: Vec<Value>| {
            if database.servers() > 1 {
                ids.sort_by_key(ToString::to_string);
            }
            ids
        };
        let found = |query: &str| told(list(query)["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect());
        let expected = |keep: fn(&(&str, &str, &str, bool)) -> bool| told(ids.iter().zip(&asked).filter(|(_, one)| keep(one)).map(|(id, _)| id.clone()).rev().collect());
        assert_eq!(found(""), expected(|_| true), "newest first");
        assert_eq!(found(&format!("subject={}", stage.ids[1])), expected(|one| one.0 == "bob"));
        assert_eq!(found("permission=build:view"), expected(|one| one.1 == "build:view"));
        assert_eq!(found("resource=/billing"), expected(|one| one.2.starts_with("/billing")));
        assert_eq!(found("resource=/bill"), Vec::<Value>::new(), "a scope, not the beginning of a text");
        assert_eq!(found("resource=/"), expected(|_| true));
        assert_eq!(found("decision=true"), expected(|one| one.3));
        assert_eq!(found(&format!("from={began}&until={ended}")), expected(|_| true));
        assert_eq!(found(&format!("until={began}")), Vec::<Value>::new());
        assert_eq!(found(&format!("from={ended}")), Vec::<Value>::new());
        let (mut cursor, mut paged) = (String::new(), Vec::new());
        loop {
            let page = list(&format!("limit=2{cursor}"));
            paged.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(told(paged), expected(|_| true), "page by page");
        let one = auditor.get(&format!("/api/v1/decisions/{}", ids[0].as_str().unwrap())).expect(200).json();
        assert_eq!((&one["decision"], &one["subject"], &one["resource"]), (&json!(true), &json!(stage.ids[0]), &json!("/billing/production")));
        for query in ["from=yesterday", "decision=perhaps", "cursor=x", "limit=0", "subject=ada", "unknown=1"] {
            auditor.get(&format!("/api/v1/decisions?{query}")).expect(400);
        }
        let other = stage.server.organization("other");
        let foreign = client(&stage.server, other.id, CredentialKind::Auditor);
        assert_eq!(foreign.get("/api/v1/decisions").expect(200).json()["items"], json!([]));
        foreign.get(&format!("/api/v1/decisions/{}", ids[0].as_str().unwrap())).expect(404);
    }

    fn names_of_people_do_not_stand_in_the_decision_log(database: &Database) {
        let stage = stage(database);
        stage.evaluate("ada", "build:view", "/");
        stage.evaluate("canary-name-of-nobody", "build:view", "/");
        let auditor = client(&stage.server, stage.acme.id, CredentialKind::Auditor);
        let text = auditor.get("/api/v1/decisions").expect(200).text;
        assert!(!text.contains("\"ada\"") && !text.contains("canary-name-of-nobody"), "{text}");
    }
}

on_both_databases! {
    fn the_metadata_is_signed_anew_when_a_minute_has_passed(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let server = Server::start_at(database, 0, clock.clone());
        let anybody = Client { base: server.url.clone(), token: String::new() };
        let signed_at = || {
            let document = anybody.get("/.well-known/authzen-configuration").expect(200).json();
            let claims = document["signed_metadata"].as_str().unwrap().split('.').nth(1).unwrap();
            let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
            claims["iat"].as_i64().unwrap()
        };
        let first = signed_at();
        clock.advance(59_000_000);
        assert_eq!(signed_at(), first, "nobody makes the server sign as often as they ask");
        clock.advance(1_000_000);
        assert_eq!(signed_at(), first + 60);
        clock.advance(-30_000_000);
        assert_eq!(signed_at(), first + 30, "never from the future");
    }
}
