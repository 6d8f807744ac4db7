//! Two organizations with the same people: whatever one does, the other is neither changed, nor seen, nor guessed.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::support::rows::{number, rows_of};
use crate::support::{Answer, Client, Server};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// An id of the form this server issues, which it never issued.
const RANDOM: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

/// A client that keeps every answer.
struct Witness {
    client: Client,
    answers: RefCell<Vec<Answer>>,
}

impl Witness {
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let answer = self.client.send(method, path, &[], body.map(Value::to_string).as_deref());
        self.answers.borrow_mut().push(answer.clone());
        answer
    }

    fn filter(&self, endpoint: &str, filter: &str) -> Answer {
        let answer = self.client.filter(endpoint, filter);
        self.answers.borrow_mut().push(answer.clone());
        answer
    }

    fn patch(&self, path: &str, operations: Value) -> Answer {
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
        self.send("PATCH", path, Some(&json!({ "schemas": schemas, "Operations": operations })))
    }
}

/// A user that both organizations have, but for `mark`.
fn user(name: &str, mark: &str) -> Value {
    json!({ "schemas": [USER], "userName": format!("{name}@example.com"), "externalId": format!("00u-{name}"), "title": mark,
        "displayName": name, "active": true, "emails": [{ "value": format!("{name}@example.com"), "type": "work" }] })
}

/// Makes two people and two groups, one in the other; their ids, users first.
fn fill(client: &Client, mark: &str) -> Vec<String> {
    let ada = client.post("/Users", &user("ada", mark)).expect(201).id();
    let bob = client.post("/Users", &user("bob", mark)).expect(201).id();
    let group = |name: &str, member: &str| {
        json!({ "schemas": [GROUP], "displayName": name, "externalId": name,
        "members": [{ "value": member }] })
    };
    let inner = client.post("/Groups", &group("inner", &ada)).expect(201).id();
    let outer = client.post("/Groups", &group("outer", &inner)).expect(201).id();
    vec![ada, bob, inner, outer]
}

/// Everything an identity provider does, and much that it should not.
fn tour(witness: &Witness) {
    let ada = witness.send("POST", "/Users", Some(&user("ada", "ours"))).expect(201).id();
    let bob = witness.send("POST", "/Users", Some(&user("bob", "ours"))).expect(201).id();
    witness.send("POST", "/Users", Some(&user("ada", "ours"))).expect(409);
    let (ada_path, bob_path) = (format!("/Users/{ada}"), format!("/Users/{bob}"));
    let group =
        |name: &str, member: &str| json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": member }] });
    let inner = witness.send("POST", "/Groups", Some(&group("inner", &ada))).expect(201).id();
    let outer = witness.send("POST", "/Groups", Some(&group("outer", &inner))).expect(201).id();
    let outer_path = format!("/Groups/{outer}");
    for (endpoint, filter, total) in [
        ("/Users", "userName eq \"ada@example.com\"", 1),
        ("/Users", "externalId eq \"00u-ada\"", 1),
        ("/Users", "emails[type eq \"work\" and value eq \"ada@example.com\"]", 1),
        ("/Users", "emails eq \"ada@example.com\"", 1),
        ("/Users", "title pr", 2),
        ("/Users", "title co \"o\"", 2),
        ("/Users", "not (title eq \"ours\")", 0),
        ("/Users", "userName sw \"a\" or userName ew \"com\"", 2),
        ("/Users", "meta.created gt \"2000-01-01T00:00:00Z\"", 2),
        ("/Users", "groups pr", 1),
        ("/Groups", "displayName eq \"inner\"", 1),
        ("/Groups", "externalId pr", 0),
        ("/Groups", "members pr", 2),
        ("/Groups", "displayName co \"er\"", 2),
    ] {
        assert_eq!(witness.filter(endpoint, filter).expect(200).json()["totalResults"], total, "{filter}");
    }
    for path in [
        "/Users",
        "/Groups",
        "/Users?count=0",
        "/Users?startIndex=2&count=1",
        "/Groups?excludedAttributes=members",
        "/Users?attributes=userName,groups",
        "/Schemas",
        "/ResourceTypes",
        "/ServiceProviderConfig",
    ] {
        let list = witness.send("GET", path, None).expect(200).json();
        assert!(list.get("totalResults").is_none_or(|total| total.as_u64().unwrap() <= 3), "{path}");
    }
    let renamed = json!([{ "op": "replace", "path": "userName", "value": "bob@example.com" }]);
    witness.patch(&ada_path, renamed).expect(409);
    witness.patch(&ada_path, json!([{ "op": "replace", "value": { "active": false, "title": "ours" } }])).expect(200);
    witness.send("PUT", &bob_path, Some(&user("bob", "ours"))).expect(200);
    witness.patch(&outer_path, json!([{ "op": "add", "path": "members", "value": [{ "value": bob }] }])).expect(200);
    witness.patch(&outer_path, json!([{ "op": "remove", "path": "members" }])).expect(200);
    witness.send("PUT", &outer_path, Some(&group("inner", &bob))).expect(409);
    witness.send("PUT", &outer_path, Some(&group("other", &bob))).expect(200);
    for path in [&ada_path, &bob_path, &outer_path, "/Users/x", "/Nothing"] {
        witness.send("GET", path, None);
    }
    witness.filter("/Users", "nothing eq 1").expect(400);
    witness.send("POST", "/Users", Some(&json!({}))).expect(400);
    for path in [&format!("/Groups/{inner}"), &outer_path, &ada_path, &bob_path] {
        witness.send("DELETE", path, None).expect(204);
        witness.send("DELETE", path, None).expect(404);
    }
    assert_eq!(witness.send("GET", "/Users", None).expect(200).json()["totalResults"], 0);
}

/// Every request that may name an id, in a path, in a body and in a filter.
fn requests(id: &str, own_group: &str, own_user: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let patch = |operation: Value| {
        Some(json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] }))
    };
    let mut requests = Vec::new();
    for kind in ["Users", "Groups"] {
        let path = format!("/{kind}/{id}");
        requests.extend([
            ("GET", path.clone(), None),
            ("HEAD", path.clone(), None),
            ("DELETE", path.clone(), None),
            ("GET", format!("{path}?attributes=id"), None),
            ("PUT", path.clone(), Some(user("eve", "ours"))),
            ("PUT", path.clone(), Some(json!({ "schemas": [GROUP], "displayName": "eve" }))),
            ("PATCH", path.clone(), patch(json!({ "op": "replace", "value": { "displayName": "eve" } }))),
            ("PATCH", path.clone(), patch(json!({ "op": "replace", "path": "nothing", "value": 1 }))),
            ("OPTIONS", path, None),
        ]);
    }
    for (kind, attribute) in [
        ("Users", "id"),
        ("Users", "groups.value"),
        ("Users", "manager"),
        ("Groups", "id"),
        ("Groups", "members"),
        ("Groups", "members.value"),
    ] {
        for operator in ["eq", "sw", "co"] {
            let filter = format!("{attribute}%20{operator}%20%22{id}%22");
            requests.push(("GET", format!("/{kind}?filter={filter}"), None));
        }
    }
    let member = json!([{ "value": id }]);
    let group = format!("/Groups/{own_group}");
    requests.extend([
        ("POST", "/Groups".to_owned(), Some(json!({ "schemas": [GROUP], "displayName": "eve", "members": member }))),
        ("PUT", group.clone(), Some(json!({ "schemas": [GROUP], "displayName": "own", "members": member }))),
        ("PATCH", group.clone(), patch(json!({ "op": "add", "path": "members", "value": member }))),
        ("PATCH", group.clone(), patch(json!({ "op": "replace", "path": "members", "value": member }))),
        ("PATCH", group.clone(), patch(json!({ "op": "remove", "path": "members", "value": member }))),
        ("PATCH", group, patch(json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))),
        (
            "PATCH",
            format!("/Users/{own_user}"),
            patch(json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": id })),
        ),
    ]);
    requests
}

/// What an answer tells, but for the id that was asked for and what differs between any two answers.
fn told(answer: &Answer, id: &str) -> (u16, Vec<(String, String)>, String) {
    // A connection is closed after a body nobody read.
    let changing = ["date", "x-request-id", "etag", "connection"];
    let headers = answer.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    let mut text = answer.text.replace(id, "ID");
    if let Ok(mut body) = serde_json::from_str::<Value>(&answer.text)
        && body.get("meta").is_some()
    {
        // A change of our own took place: it bears its own version and moment.
        body["meta"] = Value::Null;
        text = body.to_string().replace(id, "ID");
    }
    (answer.status, headers, text)
}

on_both_databases_and_several_servers! {
    // Requirement 66
    fn what_one_organization_does_neither_changes_nor_shows_another(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("bravo"));
        let ids = fill(&theirs.client, "canary-of-bravo");
        let before = rows_of(database, theirs.id);
        assert!(before.contains("canary-of-bravo"), "the dump must hold the rows:\n{before}");

        let witness = Witness { client: ours.client, answers: RefCell::default() };
        tour(&witness);
        let secrets: Vec<String> = ids.iter().cloned().chain(["canary-of-bravo".to_owned(), theirs.id.to_string(), "bravo".to_owned()]).collect();
        for answer in witness.answers.borrow().iter() {
            let all = format!("{:?}{}", answer.headers, answer.text);
            assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
        }
        assert_eq!(rows_of(database, theirs.id), before);
        for id in &ids[..2] {
            theirs.client.get(&format!("/Users/{id}")).expect(200);
        }
    }

    // Requirement 66
    fn an_id_of_another_organization_is_answered_like_one_that_never_was(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("bravo"));
        let ids = fill(&theirs.client, "canary-of-bravo");
        let gone = theirs.client.post("/Users", &user("gone", "x")).expect(201).id();
        theirs.client.delete(&format!("/Users/{gone}")).expect(204);
        let own_user = ours.client.post("/Users", &user("own", "ours")).expect(201).id();
        let own = json!({ "schemas": [GROUP], "displayName": "own", "members": [{ "value": own_user }] });
        let own_group = ours.client.post("/Groups", &own).expect(201).id();
        let before = rows_of(database, theirs.id);
        let ask = |id: &str| -> Vec<_> {
            let send = |(method, path, body): (&str, String, Option<Value>)| {
                let answer = ours.client.send(method, &path, &[], body.map(|body| body.to_string()).as_deref());
                assert!(!answer.text.contains("canary-of-bravo"), "{method} {path}: {}", answer.text);
                (format!("{method} {}", path.replace(id, "ID")), told(&answer, id))
            };
            requests(id, &own_group, &own_user).into_iter().map(send).collect()
        };
        let expected = ask(RANDOM);
        assert_eq!(expected[0].1.0, 404);
        for id in ids.iter().chain([&gone]) {
            for (found, expected) in ask(id).iter().zip(&expected) {
                assert_eq!(found, expected);
            }
        }
        assert_eq!(rows_of(database, theirs.id), before);
    }

    fn a_version_of_one_organization_means_nothing_in_another(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("bravo"));
        let path = |client: &Client| format!("/Users/{}", client.post("/Users", &user("ada", "x")).expect(201).id());
        let (our_path, their_path) = (path(&ours.client), path(&theirs.client));
        let tag = theirs.client.get(&their_path).header("ETag").to_owned();
        assert_ne!(ours.client.get(&our_path).header("ETag"), tag, "a version is bound to its resource");
        let conditional = |name: &str, method: &str, body: Option<&str>| ours.client.send(method, &our_path, &[(name, &tag)], body);
        conditional("If-None-Match", "GET", None).expect(200);
        conditional("If-Match", "DELETE", None).expect_error(412, "");
        let answer = ours.client.get(&our_path);
        assert_eq!((answer.header("Cache-Control"), answer.header("Vary")), ("no-store", "Authorization"));
    }

    fn no_host_slug_or_header_leads_to_another_organization(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("default"));
        fill(&theirs.client, "canary-of-bravo");
        let (theirs_before, counts) = (rows_of(database, theirs.id), "SELECT count(*) FROM scim_user");
        let id = theirs.id.to_string();
        for (name, value) in [("Host", "default.example.com"), ("X-Forwarded-Host", "default"), ("X-Organization", &id), ("X-Tenant", "default"),
            ("Cookie", "organization=default"), ("X-Original-URL", "/scim/v2/Users"), ("Forwarded", "host=default")] {
            let list = ours.client.send("GET", "/Users?organization=default&tenant=default", &[(name, value)], None).expect(200);
            assert_eq!(list.json()["totalResults"], 0, "{name}");
            assert!(!list.text.contains("canary"), "{name}");
        }
        let before = number(database, counts);
        let unknown = ours.client.token.replace("muster_scim_", "muster_scim_A");
        for token in [unknown.as_str(), "default", "", "null", "undefined"] {
            let headers = [("Authorization", format!("Bearer {token}"))];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = user("nobody", "x").to_string();
            ours.client.send("POST", "/Users", &headers, Some(&body)).expect_error(401, "");
        }
        assert_eq!(number(database, counts), before);
        assert_eq!(rows_of(database, theirs.id), theirs_before);
        for table in ["scim_user", "scim_group", "event", "credential", "connection", "membership", "user_email"] {
            let homeless = format!("SELECT count(*) FROM {table} WHERE organization NOT IN (SELECT id FROM organization)");
            assert_eq!(number(database, &homeless), 0, "{table}");
        }
    }
}
