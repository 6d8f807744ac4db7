//! Methods, types, statuses, and bodies that are none.

use serde_json::json;

use crate::support::{Server, group, user};

// Requirements 16, 18
on_both_databases! {
    fn both_types_are_read_and_one_is_answered(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for (number, content_type) in [
            "application/scim+json",
            "application/json",
            "Application/JSON; CharSet=UTF-8",
            "application/scim+json;a=b",
        ]
        .iter()
        .enumerate()
        {
            let headers = [
                ("Content-Type", *content_type),
                ("Accept", "application/json"),
                ("Host", "evil.example"),
                ("X-Forwarded-Host", "evil.example"),
                ("Forwarded", "host=evil.example"),
            ];
            let body = user(&format!("u{number}")).to_string();
            let created = client.send("POST", "/Users", &headers, Some(&body)).expect(201);
            assert_eq!(created.header("Content-Type"), "application/scim+json");
            let location = format!("{}/scim/v2/Users/{}", server.url, created.id());
            assert_eq!(created.header("Location"), location);
            assert_eq!(created.json()["meta"]["location"], location);
        }
        for wrong in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
            client.send("POST", "/Users", &[("Content-Type", wrong)], Some("{}")).expect_error(415, "");
        }
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 4);
    }
}

// Requirements 17, 26
on_both_databases! {
    fn every_refusal_has_the_protocols_form(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let unknown = client.send("GET", "/Users", &[("Authorization", "Bearer nonsense")], None).expect_error(401, "");
        assert!(unknown.header("WWW-Authenticate").starts_with("Bearer"), "{unknown:?}");
        let none = client.send("GET", "/Nowhere", &[("Authorization", "")], None).expect_error(401, "");
        assert!(none.header("WWW-Authenticate").starts_with("Bearer"), "{none:?}");
        for path in ["/Nowhere", "/Users/1/2", "/Users/none", "/Groups/none", "/users", "/Users/%00"] {
            let refused = client.get(path).expect_error(404, "");
            assert_eq!(refused.header("Content-Type"), "application/scim+json", "{path}");
        }
        for (method, path) in [("PUT", "/Users"), ("DELETE", "/Groups"), ("POST", "/Users/x"), ("TRACE", "/Users")] {
            let refused = client.send(method, path, &[], None).expect_error(405, "");
            assert!(refused.header("Allow").contains("GET"), "{method} {path}");
        }
        let large = format!("{{\"userName\":\"{}\"}}", "a".repeat(8 * 1024 * 1024));
        client.send("POST", "/Users", &[], Some(&large)).expect_error(413, "");
    }
}

// Requirements 19, 20
on_both_databases! {
    fn what_is_not_there_is_404_to_every_method_and_deletion_is_final(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        let builders = client.create_group("Builders", &[&ada]);
        let touch = json!([{ "op": "replace", "path": "externalId", "value": "x" }]);
        let absent = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        let gone = |endpoint: &str, id: &str, body: &serde_json::Value| {
            let path = format!("{endpoint}/{id}");
            client.get(&path).expect_error(404, "");
            client.put(&path, body).expect_error(404, "");
            client.patch(&path, &touch).expect_error(404, "");
            client.delete(&path).expect_error(404, "");
        };
        gone("/Users", absent, &user("bob"));
        gone("/Groups", absent, &group("Breakers", &[]));
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 1);

        for (endpoint, id, body) in [("/Users", &ada, user("ada")), ("/Groups", &builders, group("Builders", &[]))] {
            let answer = client.delete(&format!("{endpoint}/{id}")).expect(204);
            assert_eq!(answer.text, "");
            gone(endpoint, id, &body);
            assert!(client.found(endpoint, &format!("id eq \"{id}\"")).is_empty());
            assert_eq!(client.get(endpoint).expect(200).json()["totalResults"], 0);
            client.post(endpoint, &body).expect(201);
        }
    }
}

// Requirements 21, 22
on_both_databases! {
    fn put_replaces_ignores_what_is_read_only_and_demands_what_is_required(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut body = user("ada");
        (body["title"], body["externalId"]) = (json!("Countess"), json!("1"));
        let path = format!("/Users/{}", client.post("/Users", &body).expect(201).id());
        let mut replacement = user("ada");
        (replacement["groups"], replacement["nickName"]) = (json!([{ "value": "x" }]), json!("Al"));
        let replaced = client.put(&path, &replacement).expect(200);
        assert_eq!(replaced.json(), client.get(&path).expect(200).json());
        assert_eq!(replaced.json()["groups"], json!([]));
        assert_eq!(replaced.json()["nickName"], "Al");
        assert!(replaced.json().get("title").is_none() && replaced.json().get("externalId").is_none());
        for nameless in [json!({}), user(""), user("  ")] {
            client.put(&path, &nameless).expect_error(400, "invalidValue");
        }
        assert_eq!(client.get(&path).expect(200).json(), replaced.json());
        // Nobody comes back, and nobody loses a group's members, by what a client leaves out.
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        client.patch(&path, &off).expect(200);
        assert_eq!(client.put(&path, &replacement).expect(200).json()["active"], false);
    }
}

on_both_databases! {
    fn what_is_no_json_object_is_refused_and_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.post("/Users", &user("ada")).expect(201);
        let path = format!("/Users/{}", ada.id());
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            "",
            "{",
            "nonsense",
            "{\"userName\":\"b\",}",
            "{\"userName\":\"b\"}{}",
            "\"x\"",
            "[]",
            "null",
            "7",
            "{\"userName\":\"b\",\"userName\":\"c\"}",
            "{\"userName\":\"b\",\"username\":\"c\"}",
            &deep,
        ] {
            for (method, path) in [("POST", "/Users"), ("PUT", path.as_str()), ("PATCH", path.as_str())] {
                let refused = client.send(method, path, &[], Some(body));
                assert!((400..500).contains(&refused.status), "{method} {body:.60}: {}", refused.text);
                let scim_type = refused.json()["scimType"].as_str().unwrap_or_default().to_owned();
                assert!(
                    ["invalidSyntax", "invalidValue"].contains(&scim_type.as_str()),
                    "{method} {body:.60}: {}",
                    refused.text
                );
                refused.expect_error(400, &scim_type);
            }
        }
        for name in ["a\u{0}b", "\u{0}"] {
            client.post("/Users", &user(name)).expect_error(400, "invalidValue");
            client.filter("/Users", &format!("userName eq \"{name}\"")).expect_error(400, "invalidFilter");
        }
        let huge = "{\"userName\":\"b\",\"title\":1e999999}";
        assert_eq!(client.send("POST", "/Users", &[], Some(huge)).status, 400);
        let long = user(&"x".repeat(16_385));
        client.post("/Users", &long).expect_error(400, "invalidValue");
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 1);
        assert_eq!(client.get(&path).expect(200).text, ada.text);
    }
}
