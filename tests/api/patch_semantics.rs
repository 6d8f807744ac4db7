//! What PATCH does, seen from outside.

use serde_json::{Value, json};

use crate::support::{Client, ENTERPRISE, Server, user};

fn ada(client: &Client) -> String {
    let mut body = user("ada");
    body["name"] = json!({ "givenName": "Ada", "familyName": "King" });
    body["emails"] = json!([{ "value": "a@x.io", "type": "work" }, { "value": "b@x.io", "type": "work" }]);
    format!("/Users/{}", client.post("/Users", &body).expect(201).id())
}

// Requirement 45
on_both_databases! {
    fn the_message_is_read_in_any_letter_case(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let path = ada(&client);
        for (op, operations) in [("replace", "Operations"), ("Replace", "operations"), ("ADD", "OPERATIONS")] {
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                operations: [{ "op": op, "path": "title", "value": op }] });
            assert_eq!(client.send("PATCH", &path, &[], Some(&body.to_string())).expect(200).json()["title"], op);
        }
        for (wrong, scim_type) in [
            (
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [] }),
                "invalidSyntax",
            ),
            (json!({ "Operations": [] }), "invalidSyntax"),
            (json!({ "Operations": [{ "op": "move", "path": "title" }] }), "invalidSyntax"),
            (json!({ "Operations": [{ "op": "add", "path": "title" }] }), "invalidValue"),
            (json!({ "Operations": [{ "op": "add", "path": 7, "value": "x" }] }), "invalidPath"),
            (json!({ "Operations": [{ "op": "add", "path": "emails..value", "value": "x" }] }), "invalidPath"),
            (json!({ "Operations": [{ "op": "add", "path": "emails[", "value": "x" }] }), "invalidFilter"),
        ] {
            client.send("PATCH", &path, &[], Some(&wrong.to_string())).expect_error(400, scim_type);
        }
    }
}

// Requirement 46
on_both_databases! {
    fn all_operations_happen_or_none(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let path = ada(&client);
        let group = client.create_group("G", &[]);
        let before = client.get(&path).expect(200).text;
        let group_before = client.get(&format!("/Groups/{group}")).expect(200).text;
        let id = path.trim_start_matches("/Users/");
        for (last, scim_type) in [
            (json!({ "op": "replace", "path": "shoeSize", "value": 1 }), "invalidPath"),
            (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
            (json!({ "op": "remove" }), "noTarget"),
        ] {
            let operations = json!([{ "op": "replace", "path": "displayName", "value": "New" }, last]);
            client.patch(&path, &operations).expect_error(400, scim_type);
            let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }, last]);
            client.patch(&format!("/Groups/{group}"), &operations).expect_error(400, scim_type);
        }
        let stranger = json!([{ "op": "replace", "path": "displayName", "value": "New" },
            { "op": "add", "path": "members", "value": [{ "value": id }, { "value": "nobody" }] }]);
        client.patch(&format!("/Groups/{group}"), &stranger).expect_error(400, "invalidValue");
        assert_eq!(client.get(&path).expect(200).text, before);
        assert_eq!(client.get(&format!("/Groups/{group}")).expect(200).text, group_before);
    }
}

// Requirements 47, 48, 52
on_both_databases! {
    fn what_cannot_be_changed_or_found_is_refused_by_its_type(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let path = ada(&client);
        let before = client.get(&path).expect(200).text;
        for (operation, scim_type) in [
            (json!({ "op": "remove" }), "noTarget"),
            (json!({ "op": "remove", "path": "userName" }), "mutability"),
            (json!({ "op": "remove", "path": "groups" }), "mutability"),
            (json!({ "op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z" }), "mutability"),
            (json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }), "mutability"),
            (json!({ "op": "replace", "path": "userName", "value": "" }), "invalidValue"),
            (json!({ "op": "remove", "path": "emails[type eq \"home\"]" }), "noTarget"),
            (json!({ "op": "replace", "path": "emails[value sw \"z\"].display", "value": "x" }), "noTarget"),
            (json!({ "op": "replace", "path": "active", "value": "maybe" }), "invalidValue"),
        ] {
            client.patch(&path, &json!([operation])).expect_error(400, scim_type);
        }
        assert_eq!(client.get(&path).expect(200).text, before);
        // Without a path, what is read-only is passed over; a remove of what is not there is no error.
        let operations = json!([{ "op": "replace", "value": { "id": "x", "groups": [], "meta": {}, "title": "Countess" } },
            { "op": "remove", "path": "nickName" }]);
        assert_eq!(client.patch(&path, &operations).expect(200).json()["title"], "Countess");
        let home = json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@x.io" }]);
        let emails = client.patch(&path, &home).expect(200).json()["emails"].clone();
        assert!(emails.as_array().unwrap().contains(&json!({ "type": "home", "value": "h@x.io" })), "{emails}");
        assert_eq!(client.found("/Users", "emails.value eq \"h@x.io\"").len(), 1);
    }
}

// Requirements 50, 51, 55, 58
on_both_databases! {
    fn values_are_merged_split_and_spread(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let path = ada(&client);
        let changed = |operation: Value| client.patch(&path, &json!([operation])).expect(200).json();
        let merged = changed(json!({ "op": "replace", "path": "name", "value": { "givenName": "Augusta" } }));
        assert_eq!(merged["name"], json!({ "givenName": "Augusta", "familyName": "King" }));
        let dotted = changed(json!({ "op": "replace", "value": {
            "name.givenName": "Ada", (format!("{ENTERPRISE}:employeeNumber")): "7", "displayName": "Ada K." } }));
        assert_eq!(dotted["name"]["givenName"], "Ada");
        assert_eq!(dotted[ENTERPRISE]["employeeNumber"], "7");
        let managed = changed(json!({ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "77" }));
        assert_eq!(managed[ENTERPRISE]["manager"]["value"], "77");
        let one = changed(json!({ "op": "add", "path": "emails", "value": { "value": "c@x.io", "type": "home" } }));
        assert_eq!(one["emails"].as_array().unwrap().len(), 3);
        let spread = changed(json!({ "op": "replace", "path": "emails[type eq \"work\"].display", "value": "Office" }));
        let with = |text: &str| spread["emails"].as_array().unwrap().iter().filter(|e| e["display"] == text).count();
        assert_eq!(with("Office"), 2, "{spread}");
    }
}

// Requirements 49, 65
on_both_databases! {
    fn a_change_that_changes_nothing_leaves_version_and_time_alone(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let path = ada(&client);
        let id = path.trim_start_matches("/Users/");
        let group = format!("/Groups/{}", client.create_group("G", &[id]));
        let before = client.get(&path).expect(200);
        for operations in [
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "a@x.io", "type": "work" }] }]),
            json!([{ "op": "replace", "path": "name.givenName", "value": "Ada" }]),
            json!([{ "op": "remove", "path": "nickName" }]),
            json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "remove", "path": "title" }]),
            json!([{ "op": "replace", "value": { "active": "True", "userName": "ada" } }]),
        ] {
            assert_eq!(client.patch(&path, &operations).expect(200).text, before.text, "{operations}");
        }
        let put: Value = before.json();
        assert_eq!(client.put(&path, &put).expect(200).text, before.text);
        let group_before = client.get(&group).expect(200);
        for operations in [
            json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]),
            json!([{ "op": "replace", "path": "members", "value": [{ "value": id }] }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{group}\"]") }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") },
                { "op": "add", "path": "members", "value": id }]),
            json!([{ "op": "replace", "path": "displayName", "value": "G" }]),
        ] {
            assert_eq!(client.patch(&group, &operations).expect(200).text, group_before.text, "{operations}");
        }
        assert_eq!(client.put(&group, &group_before.json()).expect(200).text, group_before.text);
        assert_eq!(client.get(&path).expect(200).header("ETag"), before.header("ETag"));
    }
}

// Requirements 53, 54, 55
on_both_databases! {
    fn members_are_removed_one_by_one_and_named_in_every_form(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people: Vec<String> = ["a", "b", "c", "d"].iter().map(|name| client.create_user(name)).collect();
        let [a, b, c, d] = people.as_slice() else { panic!("four people") };
        let group = client.create_group("G", &[a, b, c, d]);
        let mut left: Vec<&String> = vec![a, b, c, d];
        for (gone, operation) in [
            (a, json!({ "op": "Remove", "path": "members", "value": [{ "value": a, "$ref": null }] })),
            (b, json!({ "op": "remove", "path": format!("members[value eq \"{b}\"]") })),
            (c, json!({ "op": "remove", "path": "members", "value": { "value": c, "display": "C" } })),
            (d, json!({ "op": "remove", "path": "members", "value": d })),
        ] {
            left.retain(|id| *id != gone);
            client.patch(&format!("/Groups/{group}"), &json!([operation])).expect(200);
            assert_eq!(client.members(&group).iter().collect::<Vec<_>>(), left, "{operation}");
        }
        for (operation, expected) in [
            (json!({ "op": "add", "path": "members", "value": a }), vec![a]),
            (json!({ "op": "add", "path": "members", "value": { "value": b } }), vec![a, b]),
            (json!({ "op": "add", "value": { "members": [{ "value": c }] } }), vec![a, b, c]),
            (json!({ "op": "replace", "path": "members", "value": [{ "value": d, "type": "User" }] }), vec![d]),
            (json!({ "op": "replace", "value": { "members": [{ "value": a }], "displayName": "H" } }), vec![a]),
            (json!({ "op": "remove", "path": "members" }), vec![]),
        ] {
            client.patch(&format!("/Groups/{group}"), &json!([operation])).expect(200);
            assert_eq!(client.members(&group).iter().collect::<Vec<_>>(), expected, "{operation}");
        }
        let put = json!({ "displayName": "H", "members": [{ "value": b, "display": "B" }, { "value": c }] });
        client.put(&format!("/Groups/{group}"), &put).expect(200);
        assert_eq!(client.members(&group).iter().collect::<Vec<_>>(), [b, c]);
    }
}

// Requirement 56
on_both_databases! {
    fn a_patch_is_answered_with_the_resource_unless_the_group_is_large(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = crate::support::in_parallel(8, 101, |number| client.create_user(&format!("u{number}")));
        let all: Vec<&str> = people.iter().map(String::as_str).collect();
        let group = format!("/Groups/{}", client.create_group("G", &all[..99]));
        let join = |id: &str, query: &str| {
            client.patch(&format!("{group}{query}"), &json!([{ "op": "add", "path": "members", "value": id }]))
        };
        assert_eq!(join(all[99], "").expect(200).json()["members"].as_array().unwrap().len(), 100);
        assert_eq!(join(all[100], "").expect(204).text, "");
        assert_eq!(join(all[100], "?attributes=displayName").expect(200).json()["displayName"], "G");
        assert_eq!(join(all[100], "?attributes=members").expect(200).json()["members"].as_array().unwrap().len(), 101);
        assert_eq!(join(all[100], "?excludedAttributes=members").expect(200).json()["displayName"], "G");
        let leave = json!([{ "op": "remove", "path": "members", "value": all[0] }]);
        assert_eq!(client.patch(&group, &leave).expect(200).json()["members"].as_array().unwrap().len(), 100);
    }
}
