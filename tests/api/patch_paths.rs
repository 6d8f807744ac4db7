//! Paths of PATCH that reach for what a client must not change.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::rows::{lines, rows_of};

/// Columns, properties and other things that are no attributes, and attributes that are not the client's.
const FORBIDDEN: [&str; 44] = [
    "id",
    "ID",
    "meta",
    "meta.version",
    "meta.created",
    "meta.lastModified",
    "meta.location",
    "meta.resourceType",
    "groups",
    "groups.value",
    "groups[value eq \"x\"]",
    "organization.id",
    "tenant",
    "connection",
    "user_name_key",
    "userNameKey",
    "external_id",
    "version",
    "created_at",
    "modified_at",
    "deleted_at",
    "person_key",
    "document",
    "secret_hash",
    "revision",
    "__proto__",
    "constructor",
    "prototype",
    "__proto__.admin",
    "$ref",
    "urn:ietf:params:scim:schemas:core:2.0:User:id",
    "urn:ietf:params:scim:schemas:core:2.0:User:meta.version",
    "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:groups",
    "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization_id",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.id",
    "urn:muster:roles",
    "effectiveRoles",
    "permissions",
    "isAdmin",
    "members",
    "schemas[value eq \"x\"]",
    "../id",
    "emails.id",
];

/// Columns a change of one's own attributes may change.
const CHANGEABLE: [&str; 7] =
    ["user_name_key", "external_id", "active", "version", "modified_at", "document", "connection"];

on_both_databases! {
    // Requirement 52
    fn no_path_reaches_beyond_what_the_schema_lets_a_client_change(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let id = client.post("/Users", &json!({ "userName": "ada", "title": "kept" })).expect(201).id();
        let path = format!("/Users/{id}");
        let before = rows_of(database, organization.id);
        for forbidden in FORBIDDEN {
            for verb in ["add", "replace", "remove"] {
                for value in [json!("changed"), json!(true), json!({ "value": "changed" }), json!([{ "value": "changed" }])] {
                    let answer = client.patch(&path, &json!([{ "op": verb, "path": forbidden, "value": value }]));
                    assert_eq!(answer.status, 400, "{verb} {forbidden}: {}", answer.text);
                    let scim_type = answer.json()["scimType"].as_str().unwrap_or_default().to_owned();
                    assert!(["invalidPath", "invalidFilter", "mutability"].contains(&scim_type.as_str()), "{verb} {forbidden}: {}", answer.text);
                }
            }
        }
        assert_eq!(rows_of(database, organization.id), before);
    }

    fn names_in_a_value_without_a_path_reach_no_further(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let id = client.post("/Users", &json!({ "userName": "ada", "title": "kept" })).expect(201).id();
        let path = format!("/Users/{id}");
        let (whole, before) = (client.get(&path).expect(200).text, rows_of(database, organization.id));
        for forbidden in FORBIDDEN {
            for value in [json!("changed"), json!({ "value": "changed" })] {
                for verb in ["add", "replace"] {
                    let answer = client.patch(&path, &json!([{ "op": verb, "value": { (forbidden): value } }]));
                    assert!([200, 400].contains(&answer.status), "{forbidden}: {}", answer.text);
                }
                let answer = client.put(&path, &json!({ "userName": "ada", "title": "kept", (forbidden): value }));
                assert!([200, 400].contains(&answer.status), "{forbidden}: {}", answer.text);
            }
        }
        assert_eq!(client.get(&path).expect(200).text, whole);
        assert_eq!(rows_of(database, organization.id), before, "nothing that is not the client's was changed");
        let body = json!({ "userName": "eve", "id": id, "meta": { "version": "x", "created": "2000-01-01T00:00:00Z" }, "organization": "x",
            "groups": [{ "value": "admins" }], "__proto__": { "admin": true } });
        let made = client.post("/Users", &body).expect(201).json();
        assert_ne!(made["id"], json!(id));
        assert_eq!(made["groups"], json!([]));
        assert!(!made.to_string().contains("admin") && !made["meta"]["created"].as_str().unwrap().starts_with("2000"));
    }

    fn a_change_touches_the_columns_of_its_attributes_only(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let id = client.post("/Users", &json!({ "userName": "ada" })).expect(201).id();
        let other = client.post("/Users", &json!({ "userName": "bob" })).expect(201).id();
        let fixed = ["organization", "hex(id)", "created_at", "deleted_at IS NULL", "hex(person_key)"];
        let fixed = fixed.map(|column| match database.backend() {
            crate::support::Backend::Sqlite => format!("coalesce(CAST({column} AS TEXT), '')"),
            crate::support::Backend::Postgres => {
                let column = column.strip_prefix("hex(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(column);
                format!("coalesce(({column})::text, '')")
            }
        });
        let fixed = fixed.join(" || '|' || ").replace("CAST(organization AS TEXT)", "hex(organization)");
        let rows = || lines(database, &format!("SELECT {fixed} AS line FROM scim_user ORDER BY 1"));
        let (before, neighbour) = (rows(), client.get(&format!("/Users/{other}")).expect(200).text);
        let everything = json!({ "userName": "ada2", "externalId": "e", "active": false, "title": "t", "name": { "givenName": "g" },
            "emails": [{ "value": "a@x" }], "roles": [{ "value": "r" }], "entitlements": [{ "value": "e" }], "password": "p",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "d" } });
        let changed = client.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "value": everything }])).expect(200).json();
        for (name, value) in everything.as_object().unwrap().iter().filter(|(name, _)| *name != "password") {
            assert_eq!(changed[name], *value, "{name}");
        }
        assert_eq!(rows(), before, "beyond {CHANGEABLE:?} nothing changes");
        assert_eq!(client.get(&format!("/Users/{other}")).expect(200).text, neighbour);
        assert_eq!(changed.get("password"), None::<&Value>);
    }
}
