//! What no honest client sends: each gets the right refusal, and nothing is changed.

use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{Client, Organization, Server};

/// An organization with a person and a group, and the paths of both.
fn inhabited(server: &Server) -> (Organization, String, String) {
    let organization = server.organization("acme");
    let user = organization.client.post("/Users", &json!({ "userName": "ada", "title": "kept" })).expect(201).id();
    let group = json!({ "displayName": "builders", "members": [{ "value": user }] });
    let group = organization.client.post("/Groups", &group).expect(201).id();
    (organization, format!("/Users/{user}"), format!("/Groups/{group}"))
}

fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Bodies that are no JSON, or that two readers could read differently.
fn broken_bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let user = |inner: &str| body(&format!("{{\"userName\":\"eve\",\"displayName\":\"eve\",{inner}}}"));
    let utf16: Vec<u8> = "{\"userName\":\"eve\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = |open: &str, close: &str, times: usize| format!("\"x\":{}1{}", open.repeat(times), close.repeat(times));
    vec![
        ("nothing", Vec::new(), "invalidSyntax"),
        ("blanks", body("  \n"), "invalidSyntax"),
        ("half an object", body("{\"userName\":\"eve\""), "invalidSyntax"),
        ("two objects", body("{\"userName\":\"eve\"}{}"), "invalidSyntax"),
        ("a list", body("[]"), "invalidSyntax"),
        ("a text", body("\"x\""), "invalidSyntax"),
        ("null", body("null"), "invalidSyntax"),
        ("a trailing comma", user("\"title\":\"x\","), "invalidSyntax"),
        ("a comment", user("/* x */ \"title\":\"x\""), "invalidSyntax"),
        ("single quotes", body("{'userName':'eve'}"), "invalidSyntax"),
        ("not a number", user("\"x\":NaN"), "invalidSyntax"),
        ("a member twice", user("\"title\":\"a\",\"title\":\"b\""), "invalidSyntax"),
        ("a member in two spellings", user("\"active\":true,\"Active\":false"), "invalidSyntax"),
        ("a member twice, deep inside", user("\"name\":{\"givenName\":\"a\",\"GIVENNAME\":\"b\"}"), "invalidSyntax"),
        ("a NUL byte", user("\"title\":\"a\0b\""), "invalidSyntax"),
        ("an escaped NUL", user("\"title\":\"a\\u0000b\""), "invalidValue"),
        ("half a surrogate pair", user("\"title\":\"\\ud800\""), "invalidSyntax"),
        ("invalid UTF-8", [body("{\"userName\":\"ev"), vec![0xff, 0xfe], body("\"}")].concat(), "invalidSyntax"),
        ("overlong UTF-8", [body("{\"userName\":\"ev"), vec![0xc0, 0xaf], body("\"}")].concat(), "invalidSyntax"),
        ("a byte order mark", [vec![0xef, 0xbb, 0xbf], body("{\"userName\":\"eve\"}")].concat(), "invalidSyntax"),
        ("UTF-16", utf16, "invalidSyntax"),
        ("lists in lists", user(&deep("[", "]", 100_000)), "invalidSyntax"),
        ("objects in objects", user(&deep("{\"a\":", "}", 50_000)), "invalidSyntax"),
        ("brackets that never close", body(&"[".repeat(1_000_000)), "invalidSyntax"),
        ("a number beyond all bounds", user("\"x\":1e999999"), "invalidSyntax"),
    ]
}

/// Bodies of users that are JSON and wrong.
fn wrong_users() -> Vec<Value> {
    let user = |name: &str, value: Value| json!({ "userName": "eve", (name): value });
    vec![
        json!({}),
        json!({ "userName": "" }),
        json!({ "userName": null }),
        json!({ "userName": 7 }),
        json!({ "userName": ["eve"] }),
        json!({ "userName": { "value": "eve" } }),
        user("active", json!("maybe")),
        user("active", json!(1)),
        user("active", json!([true])),
        user("title", json!(7)),
        user("title", json!(1e308)),
        user("title", json!({ "a": 1 })),
        user("name", json!("eve")),
        user("name", json!({ "givenName": 5 })),
        user("emails", json!([[{ "value": "x" }]])),
        user("emails", json!([{ "value": 5 }])),
        user("emails", json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }])),
        user("emails", json!([{ "value": "a", "primary": "perhaps" }])),
        user("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", json!("x")),
        user("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", json!({ "department": { "x": 1 } })),
    ]
}

on_both_databases! {
    fn a_body_that_is_no_json_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let (Organization { client, .. }, user, group) = inhabited(&server);
        let before = all_rows(database);
        for (what, bytes, scim_type) in broken_bodies() {
            for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("PUT", &user), ("PUT", &group), ("PATCH", &user), ("PATCH", &group)] {
                let answer = client.send_bytes(method, path, &[], Some(&bytes));
                assert_eq!(answer.status, 400, "{what}: {method} {path}: {}", answer.text);
                assert!(answer.text.len() < 2_000, "{what}: {}", answer.text.len());
                answer.expect_error(400, scim_type);
            }
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_body_of_the_wrong_shape_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let (Organization { client, .. }, user, group) = inhabited(&server);
        let before = all_rows(database);
        for wrong in wrong_users() {
            for (method, path) in [("POST", "/Users"), ("PUT", &user)] {
                let answer = client.send(method, path, &[], Some(&wrong.to_string()));
                assert_eq!(answer.status, 400, "{method} {wrong}: {}", answer.text);
                answer.expect_error(400, "invalidValue");
            }
            let operations = json!([{ "op": "add", "path": "title", "value": "lost" }, { "op": "replace", "value": wrong }]);
            if wrong.as_object().is_some_and(|wrong| !wrong.is_empty()) {
                client.patch(&user, &operations).expect_error(400, "invalidValue");
            }
        }
        for wrong in [json!({}), json!({ "displayName": "" }), json!({ "displayName": 5 }), json!({ "displayName": "x", "members": "y" }),
            json!({ "displayName": "x", "members": [{ "value": 5 }] }),
            json!({ "displayName": "x", "members": [["y"]] }), json!({ "displayName": "x", "members": [{ "value": "ada" }] })] {
            for (method, path) in [("POST", "/Groups"), ("PUT", &group)] {
                let answer = client.send(method, path, &[], Some(&wrong.to_string()));
                assert_eq!(answer.status, 400, "{method} {wrong}: {}", answer.text);
                answer.expect_error(400, "invalidValue");
            }
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_patch_that_makes_no_sense_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let (Organization { client, .. }, user, group) = inhabited(&server);
        let before = all_rows(database);
        let first = json!({ "op": "replace", "path": "displayName", "value": "lost" });
        for (second, scim_type) in [
            (json!({ "op": "move", "path": "displayName", "value": 1 }), "invalidSyntax"),
            (json!({ "op": 5 }), "invalidSyntax"),
            (json!({}), "invalidSyntax"),
            (json!("add"), "invalidSyntax"),
            (json!({ "op": "add", "path": 5, "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": ".", "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": "nothing", "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": "displayName.nothing", "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": "urn:x:y:nothing", "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": "displayName[", "value": 1 }), "invalidFilter"),
            (json!({ "op": "add", "path": "((((", "value": 1 }), "invalidPath"),
            (json!({ "op": "add", "path": "displayName" }), "invalidValue"),
            (json!({ "op": "add", "path": "displayName", "value": { "x": 1 } }), "invalidValue"),
            (json!({ "op": "add" }), "invalidValue"),
            (json!({ "op": "add", "value": 5 }), "invalidValue"),
            (json!({ "op": "remove" }), "noTarget"),
            (json!({ "op": "remove", "path": "id" }), "mutability"),
        ] {
            for path in [&user, &group] {
                let answer = client.patch(path, &json!([first, second]));
                assert_eq!(answer.status, 400, "{second}: {}", answer.text);
                assert_eq!(answer.json()["scimType"], scim_type, "{second}: {}", answer.text);
            }
        }
        for operations in [json!([]), json!({}), json!("x"), Value::Null] {
            client.patch(&user, &operations).expect_error(400, "invalidSyntax");
        }
        let other = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [first] }).to_string();
        client.send("PATCH", &user, &[], Some(&other)).expect_error(400, "invalidSyntax");
        assert_eq!(all_rows(database), before);
    }

    fn routes_methods_and_types_there_are_not_change_nothing(database: &Database) {
        let server = Server::start(database);
        let (Organization { client, .. }, user, group) = inhabited(&server);
        let root = Client { base: server.url.clone(), token: client.token.clone() };
        let before = all_rows(database);
        for path in ["/Devices", "/Users/a/b", "/users", "/Users/%00", "/Users/..%2F..%2Fetc", "/ResourceTypes/Device", "/Schemas/urn:x"] {
            client.get(path).expect_error(404, "");
        }
        for path in ["/scim", "/scim/", "/scim/v1/Users", "/scim/v3/Users"] {
            root.get(path).expect_error(404, "");
        }
        for (method, path) in [("DELETE", "/Users"), ("PUT", "/Groups"), ("PATCH", "/Users"), ("POST", &user), ("BREW", &group), ("TRACE", "/Users"),
            ("POST", "/Schemas"), ("DELETE", "/ServiceProviderConfig"), ("PUT", "/ResourceTypes/User"), ("get", "/Users")] {
            let answer = client.send(method, path, &[], None);
            answer.clone().expect_error(405, "");
            assert!(answer.header("Allow").contains("GET"), "{method} {path}");
        }
        client.get("/Me").expect_error(501, "");
        for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/json", "x"] {
            for (method, path) in [("POST", "/Users"), ("PUT", &user), ("PATCH", &group)] {
                client.send(method, path, &[("Content-Type", kind)], Some("{\"userName\":\"eve\"}")).expect_error(415, "");
            }
        }
        client.send("POST", "/Users", &[("Content-Encoding", "gzip")], Some("{\"userName\":\"eve\"}")).expect_error(415, "");
        for query in ["count=x", "startIndex=1.5", "count=1&count=2", "filter=", "filter=a&filter=b", "attributes=id&excludedAttributes=id"] {
            assert_eq!(client.get(&format!("/Users?{query}")).status, 400, "{query}");
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_number_of_a_million_digits_is_no_burden(database: &Database) {
        let server = Server::start(database);
        let (Organization { client, .. }, user, _) = inhabited(&server);
        let before = all_rows(database);
        let digits = "9".repeat(1_000_000);
        let bodies = [format!("{{\"userName\":\"eve\",\"title\":{digits}}}"), format!("{{\"userName\":\"eve\",\"active\":{digits}}}"),
            format!("{{\"userName\":{digits}}}")];
        for body in bodies {
            let answer = client.send("PUT", &user, &[], Some(&body));
            assert_eq!(answer.status, 400);
            assert!(answer.text.len() < 2_000, "{}", answer.text.len());
        }
        let many = (0..200_000).fold(String::new(), |many, number| many + &format!("\"k{number}\":1,"));
        let body = format!("{{{many}\"userName\":\"\"}}");
        assert_eq!(client.send("POST", "/Users", &[], Some(&body)).status, 400);
        client.get(&format!("/Users?count={}", "9".repeat(5_000))).expect(200);
        assert_eq!(all_rows(database), before);
    }
}
