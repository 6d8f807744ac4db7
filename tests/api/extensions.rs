//! Schemas an organization adds to its users and groups.

use muster::db::ResourceKind;
use muster::model::Profile;
use muster::service::administration::AdministrationError;
use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{GROUP, Program, Server, USER, ids, user};

const BADGE: &str = "urn:example:params:badge:1.0:User";

/// A schema with attributes of every shape.
fn badge() -> String {
    json!({
        "id": BADGE, "name": "Badge", "description": "What opens doors", "meta": { "resourceType": "Schema" },
        "attributes": [
            { "name": "number", "type": "integer", "description": "On the badge" },
            { "name": "colour", "description": "Of the badge", "canonicalValues": ["red", "blue"] },
            { "name": "printed", "type": "dateTime", "mutability": "immutable", "description": "When" },
            { "name": "note", "returned": "request", "description": "Only when asked for" },
            { "name": "doors", "type": "complex", "multiValued": true, "description": "What it opens", "subAttributes": [
                { "name": "value", "description": "Which" }, { "name": "type", "description": "Which kind" } ] },
        ],
    })
    .to_string()
}

fn with_badge(name: &str, badge: &Value) -> Value {
    json!({ "schemas": [USER, BADGE], "userName": name, BADGE: badge })
}

on_both_databases! {
    // Requirements 1, 15
    fn a_schema_is_in_force_for_its_organization_and_for_no_other(database: &Database) {
        let server = Server::start(database);
        let (acme, other) = (server.organization("acme"), server.organization("other"));
        let beside = server.connection(acme.id, "second", Profile::Default);
        let plain = other.client.get("/Schemas").expect(200).text;
        let added = server.administration().add_schema(acme.id, ResourceKind::User, &badge()).unwrap();
        assert_eq!(added.schema.id, BADGE);
        for client in [&acme.client, &beside] {
            let schemas = client.get("/Schemas").expect(200).json();
            assert_eq!(schemas["totalResults"], 4);
            let described = client.get(&format!("/Schemas/{BADGE}")).expect(200).json();
            assert_eq!(described["attributes"][0]["type"], "integer");
            assert_eq!(described["attributes"][1]["canonicalValues"], json!(["red", "blue"]));
            assert_eq!(described["attributes"][4]["subAttributes"][0]["uniqueness"], "none");
            let extensions = client.get("/ResourceTypes/User").expect(200).json()["schemaExtensions"].clone();
            assert!(extensions.as_array().unwrap().contains(&json!({ "schema": BADGE, "required": false })));
            assert!(!client.get("/ResourceTypes/Group").expect(200).text.contains(BADGE));
        }
        assert_eq!(other.client.get("/Schemas").expect(200).text, plain);
        other.client.get(&format!("/Schemas/{BADGE}")).expect_error(404, "");
        assert!(!other.client.get("/ResourceTypes").expect(200).text.contains(BADGE));
        let ignored = other.client.post("/Users", &with_badge("ada", &json!({ "number": 1 }))).expect(201).json();
        assert!(ignored.get(BADGE).is_none() && ignored["schemas"] == json!([USER]), "{ignored}");
        other.client.filter("/Users", &format!("{BADGE}:number eq 1")).expect_error(400, "invalidFilter");
        let path = format!("/Users/{}", ignored["id"].as_str().unwrap());
        let set = json!([{ "op": "add", "path": format!("{BADGE}:number"), "value": 1 }]);
        other.client.patch(&path, &set).expect_error(400, "invalidPath");
    }

    // Requirements 1, 2, 40, 63
    fn its_attributes_work_in_bodies_patches_filters_projections_and_bulk(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let client = &acme.client;
        server.administration().add_schema(acme.id, ResourceKind::User, &badge()).unwrap();
        let sent = json!({ "NUMBER": 7, "colour": "red", "note": "n", "doors": [{ "value": "a", "type": "x" }, { "value": "b", "type": "y" }] });
        let ada = client.post("/Users", &with_badge("ada", &sent)).expect(201).json();
        assert_eq!(ada["schemas"], json!([USER, BADGE]));
        assert_eq!((&ada[BADGE]["number"], &ada[BADGE]["note"]), (&json!(7), &json!("n")));
        let path = format!("/Users/{}", ada["id"].as_str().unwrap());
        let read = client.get(&path).expect(200).json();
        assert_eq!((&read[BADGE]["number"], read[BADGE].get("note")), (&json!(7), None));
        assert_eq!(client.get(&format!("{path}?attributes={BADGE}:note")).expect(200).json()[BADGE], json!({ "note": "n" }));
        let without = client.get(&format!("{path}?excludedAttributes={}", BADGE.to_uppercase())).expect(200).json();
        assert!(without.get(BADGE).is_none(), "{without}");
        let only = client.get(&format!("{path}?attributes={BADGE}:number")).expect(200).json();
        assert_eq!(only[BADGE], json!({ "number": 7 }));
        client.create_user("bob");
        for (filter, found) in [
            (format!("{BADGE}:number eq 7"), 1),
            (format!("{}:NUMBER gt 6", BADGE.to_uppercase()), 1),
            (format!("{BADGE}:colour co \"RE\""), 1),
            (format!("{BADGE}:doors[value eq \"a\" and type eq \"y\"]"), 0),
            (format!("{BADGE}:doors[value eq \"a\" and type eq \"x\"]"), 1),
            (format!("not ({BADGE}:number pr)"), 1),
        ] {
            assert_eq!(ids(&client.filter("/Users", &filter).expect(200).json()).len(), found, "{filter}");
        }
        client.filter("/Users", &format!("{BADGE}:size eq 1")).expect_error(400, "invalidFilter");
        client.filter("/Groups", &format!("{BADGE}:number eq 7")).expect_error(400, "invalidFilter");
        let changed = client.patch(&path, &json!([
            { "op": "replace", "path": format!("{BADGE}:colour"), "value": "blue" },
            { "op": "remove", "path": format!("{BADGE}:doors[type eq \"x\"]") },
            { "op": "add", "path": format!("{BADGE}:printed"), "value": "2026-01-01T00:00:00Z" },
        ])).expect(200).json();
        assert_eq!(changed[BADGE]["colour"], "blue");
        assert_eq!(changed[BADGE]["doors"], json!([{ "value": "b", "type": "y" }]));
        client.patch(&path, &json!([{ "op": "replace", "path": format!("{BADGE}:printed"), "value": "2027-01-01T00:00:00Z" }])).expect_error(400, "mutability");
        client.patch(&path, &json!([{ "op": "add", "path": format!("{BADGE}:number"), "value": "seven" }])).expect_error(400, "invalidValue");
        client.post("/Users", &with_badge("eve", &json!({ "number": true }))).expect_error(400, "invalidValue");
        let created = client.bulk(&json!([
            { "method": "POST", "path": "/Users", "bulkId": "1", "data": with_badge("eve", &json!({ "number": 8 })) },
            { "method": "PATCH", "path": path, "data": [{ "op": "remove", "path": format!("{BADGE}:number") }] },
        ])).expect(200).json();
        assert_eq!((&created["Operations"][0]["status"], &created["Operations"][1]["status"]), (&json!("201"), &json!("200")));
        assert_eq!(client.found("/Users", &format!("{BADGE}:number pr")).len(), 1);
        assert_eq!(client.get(&path).expect(200).json()[BADGE].get("number"), None);
    }

    // Requirement 13
    fn attributes_under_the_wrong_urn_are_unknown(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let client = &acme.client;
        server.administration().add_schema(acme.id, ResourceKind::User, &badge()).unwrap();
        for urn in ["urn:example:params:badge:2.0:User", "urn:example:params:badge:1.0", USER] {
            let body = json!({ "schemas": [USER], "userName": urn, urn: { "number": 7 } });
            let created = client.post("/Users", &body).expect(201).json();
            assert!(!created.to_string().contains("\"number\""), "{created}");
            let path = format!("/Users/{}", created["id"].as_str().unwrap());
            let set = json!([{ "op": "add", "path": format!("{urn}:number"), "value": 7 }]);
            client.patch(&path, &set).expect_error(400, "invalidPath");
            client.filter("/Users", &format!("{urn}:number eq 7")).expect_error(400, "invalidFilter");
        }
        let misplaced = json!({ "schemas": [USER], "userName": "x", BADGE: 7 });
        client.post("/Users", &misplaced).expect_error(400, "invalidValue");
    }

    fn groups_can_be_extended_too(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let urn = "urn:example:params:team:1.0:Group";
        let document = json!({ "id": urn, "name": "Team", "description": "", "attributes": [{ "name": "cost", "type": "decimal", "description": "" }] });
        server.administration().add_schema(acme.id, ResourceKind::Group, &document.to_string()).unwrap();
        let body = json!({ "schemas": [GROUP, urn], "displayName": "g", urn: { "cost": 1.5 } });
        let group = acme.client.post("/Groups", &body).expect(201).json();
        assert_eq!(group[urn], json!({ "cost": 1.5 }));
        assert_eq!(acme.client.found("/Groups", &format!("{urn}:cost lt 2")).len(), 1);
        assert!(!acme.client.post("/Users", &json!({ "userName": "u", urn: { "cost": 1 } })).expect(201).text.contains("cost"));
        let in_use = server.administration().remove_schema(acme.id, urn).unwrap_err();
        assert!(in_use.to_string().contains(group["id"].as_str().unwrap()), "{in_use}");
    }

    fn a_schema_is_removed_when_nothing_has_values_of_it(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let client = &acme.client;
        let administration = server.administration();
        administration.add_schema(acme.id, ResourceKind::User, &badge()).unwrap();
        assert!(matches!(administration.add_schema(acme.id, ResourceKind::User, &badge()), Err(AdministrationError::Taken(_))));
        let ada = client.post("/Users", &with_badge("ada", &json!({ "number": 7 }))).expect(201).id();
        // One that merely speaks of it does not count.
        client.post("/Users", &json!({ "userName": "bob", "title": format!("\"{BADGE}\":{{") })).expect(201);
        let before = all_rows(database);
        let in_use = administration.remove_schema(acme.id, &BADGE.to_uppercase()).unwrap_err().to_string();
        assert!(in_use.contains(&ada) && in_use.contains("in use"), "{in_use}");
        assert_eq!(all_rows(database), before);
        client.put(&format!("/Users/{ada}"), &user("ada")).expect(200);
        administration.remove_schema(acme.id, &BADGE.to_uppercase()).unwrap();
        assert!(administration.schemas(acme.id).unwrap().is_empty());
        assert!(!client.get("/Schemas").expect(200).text.contains(BADGE));
        assert!(client.post("/Users", &with_badge("eve", &json!({ "number": 7 }))).expect(201).json().get(BADGE).is_none());
        assert!(matches!(administration.remove_schema(acme.id, BADGE), Err(AdministrationError::NotFound(_))));
    }

    fn a_document_that_cannot_be_honoured_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let before = all_rows(database);
        let schema = |urn: &str, name: &str| json!({ "id": urn, "name": "X", "description": "", "attributes": [{ "name": name, "description": "" }] }).to_string();
        for document in ["", "[]", "{}", "null", &schema(BADGE, "userName"), &schema(BADGE, "a b"), &schema(USER, "x"), &schema("x", "x"), &badge().replace("none", "server").replace("immutable", "readOnly")] {
            let refused = server.administration().add_schema(acme.id, ResourceKind::User, document);
            assert!(matches!(refused, Err(AdministrationError::Unfitting(_))), "{document}: {refused:?}");
        }
        assert_eq!(all_rows(database), before);
        // Two schemas must not have one name for two things either.
        server.administration().add_schema(acme.id, ResourceKind::User, &schema("urn:a:User", "shared")).unwrap();
        let refused = server.administration().add_schema(acme.id, ResourceKind::User, &schema("urn:b:User", "SHARED"));
        assert!(matches!(refused, Err(AdministrationError::Unfitting(_))), "{refused:?}");
    }

    fn a_running_server_follows_what_the_command_line_adds_and_removes(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        assert!(!server.get("/scim/v2/Schemas", &token).body.contains(BADGE));
        std::fs::write(program.folder().join("badge.json"), badge()).unwrap();
        assert_eq!(program.done(&["schema", "add", "badge.json"]).trim(), BADGE);
        assert!(server.get("/scim/v2/Schemas", &token).body.contains(BADGE));
        assert!(program.done(&["schema", "list"]).contains(&format!("{BADGE}  users  Badge")));
        let ended = program.run(&["schema", "add", "badge.json", "--for", "users"]);
        assert_eq!((ended.code, ended.stderr.contains("exists already")), (Some(1), true), "{ended:?}");
        let ended = program.run(&["schema", "add", "missing.json"]);
        assert_eq!((ended.code, ended.stderr.contains("missing.json")), (Some(1), true), "{ended:?}");
        program.done(&["schema", "remove", BADGE]);
        assert!(!server.get("/scim/v2/Schemas", &token).body.contains(BADGE));
    }
}
