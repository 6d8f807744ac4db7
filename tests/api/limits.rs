//! One more than is allowed: refused by name, and nothing changed.

use muster::model::limits;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::rows::all_rows;

/// A name that no other user of the test has.
fn name(number: usize) -> String {
    format!("user {number}")
}

on_both_databases! {
    fn every_text_has_a_limit(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let user = client.post("/Users", &json!({ "userName": "kept" })).expect(201).id();
        let with = |path: &[&str], text: &str| {
            let inner = path[1..].iter().rev().fold(json!(text), |value, name| if *name == "0" { json!([value]) } else { json!({ (*name): value }) });
            let mut body = json!({ "userName": "kept" });
            body[path[0]] = inner;
            body
        };
        // Characters count, not bytes: the longest text is of characters of four bytes.
        let (most, over) = ("𝔘".repeat(limits::STRING_CHARACTERS), "𝔘".repeat(limits::STRING_CHARACTERS + 1));
        for path in [&["displayName"][..], &["title"], &["externalId"], &["userName"], &["name", "formatted"], &["emails", "0", "value"],
            &["addresses", "0", "streetAddress"], &["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "department"], &["unknownThing"]] {
            let before = all_rows(database);
            for (method, place) in [("POST", "/Users".to_owned()), ("PUT", format!("/Users/{user}"))] {
                client.send(method, &place, &[], Some(&with(path, &over).to_string())).expect_error(400, "invalidValue");
            }
            let operations = json!([{ "op": "replace", "value": with(path, &over) }]);
            client.patch(&format!("/Users/{user}"), &operations).expect_error(400, "invalidValue");
            assert_eq!(all_rows(database), before);
            let answer = client.send("PUT", &format!("/Users/{user}"), &[], Some(&with(path, &most).to_string()));
            // What stands in an index has a limit of its own.
            let indexed = [&["externalId"][..], &["userName"], &["emails", "0", "value"]].contains(&path);
            assert_eq!(answer.status, if indexed { 400 } else { 200 }, "{path:?}");
        }
    }

    fn every_count_has_a_limit(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let user = client.post("/Users", &json!({ "userName": "kept" })).expect(201).id();
        let path = format!("/Users/{user}");
        let emails = |count: usize| -> Vec<Value> { (0..count).map(|number| json!({ "value": format!("{number}@x") })).collect() };
        let most = json!({ "userName": "kept", "emails": emails(limits::VALUES_PER_ATTRIBUTE) });
        client.put(&path, &most).expect(200);
        let before = all_rows(database);
        let over = json!({ "userName": "kept", "emails": emails(limits::VALUES_PER_ATTRIBUTE + 1) });
        assert!([400, 413].contains(&client.put(&path, &over).status));
        assert!([400, 413].contains(&client.patch(&path, &json!([{ "op": "add", "path": "emails", "value": [{ "value": "one@more" }] }])).status));
        let operations = |count: usize| -> Value { (0..count).map(|_| json!({ "op": "remove", "path": "title" })).collect() };
        client.patch(&path, &operations(limits::PATCH_OPERATIONS + 1)).expect_error(413, "");
        let deep = (0..=limits::JSON_DEPTH).fold(json!(1), |value, _| json!([value]));
        client.put(&path, &json!({ "userName": "kept", "unknownThing": deep })).expect_error(400, "invalidSyntax");
        let document: Vec<Value> = (0..40).map(|number| json!({ "value": format!("{number}{}", "x".repeat(16_000)) })).collect();
        assert!([400, 413].contains(&client.put(&path, &json!({ "userName": "kept", "photos": document })).status));
        assert_eq!(all_rows(database), before);
        let page = client.get("/Users?count=100000000").expect(200).json();
        assert_eq!(page["itemsPerPage"], 1);
    }

    fn a_body_over_the_limit_is_refused_and_the_server_goes_on(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        let body = format!("{{\"userName\":\"eve\",\"unknownThing\":\"{}\"}}", "x".repeat(limits::BODY_BYTES));
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        let announced = crate::support::socket::request(&client, "POST /scim/v2/Users", &head, "");
        let answer = crate::support::socket::exchange(&server, &announced);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{answer}");
        let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let head = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
        let answer = crate::support::socket::exchange(&server, &crate::support::socket::request(&client, "POST /scim/v2/Users", head, &chunked));
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(all_rows(database), before);
        client.post("/Users", &json!({ "userName": name(1) })).expect(201);
    }

    fn members_named_twice_are_members_once(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ids: Vec<String> = (0..3).map(|number| client.post("/Users", &json!({ "userName": name(number) })).expect(201).id()).collect();
        let twice: Vec<Value> = ids.iter().chain(&ids).map(|id| json!({ "value": id })).collect();
        let group = json!({ "displayName": "g", "members": twice });
        let id = client.post("/Groups", &group).expect(201).id();
        let path = format!("/Groups/{id}");
        let count = || client.get(&path).expect(200).json()["members"].as_array().unwrap().len();
        assert_eq!(count(), 3);
        client.put(&path, &group).expect(200);
        assert_eq!(count(), 3);
        client.patch(&path, &json!([{ "op": "add", "path": "members", "value": twice }])).expect(200);
        client.patch(&path, &json!([{ "op": "replace", "path": "members", "value": twice }])).expect(200);
        assert_eq!(count(), 3);
        let one = json!([{ "value": ids[0] }, { "value": ids[0] }]);
        client.patch(&path, &json!([{ "op": "remove", "path": "members", "value": one }])).expect(200);
        assert_eq!(count(), 2, "a list of values removes those and nobody else");
        client.patch(&path, &json!([{ "op": "add", "path": "members", "value": { "value": ids[0] } }])).expect(200);
        assert_eq!(count(), 3, "adding keeps whoever is there");
    }
}
