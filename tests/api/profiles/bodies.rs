//! What a body may look like.

use serde_json::{Value, json};

use super::{decide, each_profile};
use crate::support::{Client, ENTERPRISE, USER};

/// A user with these members besides.
fn with(user_name: &str, members: Value) -> Value {
    let mut body = json!({ "schemas": [USER, ENTERPRISE], "userName": user_name, (ENTERPRISE): { "division": "D" } });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

/// Posts it; the user as stored, or null if it is refused.
#[track_caller]
fn posted(client: &Client, body: &Value, taken: bool, scim_type: &str) -> Value {
    let answer = decide(client.post("/Users", body), taken, scim_type);
    if taken { answer.json() } else { Value::Null }
}

// Requirements 1, 13
on_both_databases! {
    fn schemas_are_checked_where_the_profile_checks_them(database: &Database) {
        each_profile(database, |switches, client| {
            let taken = switches.incomplete_schemas;
            posted(client, &json!({ "userName": "a" }), taken, "invalidSyntax");
            posted(client, &json!({ "schemas": [ENTERPRISE], "userName": "b" }), taken, "invalidSyntax");
            let unlisted = json!({ "schemas": [USER], "userName": "c", (ENTERPRISE): { "division": "D" } });
            posted(client, &unlisted, taken, "invalidSyntax");
            let id = client.create_user("d");
            let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
            let bare = json!({ "Operations": operations }).to_string();
            decide(client.send("PATCH", &format!("/Users/{id}"), &[], Some(&bare)), taken, "invalidSyntax");

            let taken = switches.unknown_schemas_ignored;
            let legacy = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
            posted(client, &json!({ "schemas": [USER, legacy], "userName": "e" }), taken, "invalidSyntax");
            let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp", USER],
                "Operations": operations }).to_string();
            decide(client.send("PATCH", &format!("/Users/{id}"), &[], Some(&patch)), taken, "invalidSyntax");
        });
    }

    fn unknown_attributes_are_ignored_or_refused(database: &Database) {
        each_profile(database, |switches, client| {
            let taken = switches.unknown_attributes_ignored;
            posted(client, &with("a", json!({ "nick": "x" })), taken, "invalidSyntax");
            posted(client, &with("b", json!({ "name": { "nick": "x" } })), taken, "invalidSyntax");
            posted(client, &with("c", json!({ (ENTERPRISE): { "nick": "x" } })), taken, "invalidSyntax");
            posted(client, &with("d", json!({ "urn:x:y": { "nick": "x" } })), taken, "invalidSyntax");
            let id = client.create_user("e");
            let path = format!("/Users/{id}");
            let operation = |path: &str| json!([{ "op": "add", "path": path, "value": "x" }]);
            let scim_type = if taken { "invalidPath" } else { "invalidSyntax" };
            client.patch(&path, &operation("nick")).expect_error(400, scim_type);
            client.patch(&path, &operation("name.nick")).expect_error(400, scim_type);
            let group = client.create_group("G", &[]);
            let member = json!([{ "op": "add", "path": "members", "value": [{ "value": id, "nick": "x" }] }]);
            decide(client.patch(&format!("/Groups/{group}"), &member), taken, "invalidSyntax");
        });
    }

    fn keys_may_be_paths_or_are_unknown_attributes(database: &Database) {
        each_profile(database, |switches, client| {
            let body = with("a", json!({ "name.givenName": "G", (format!("{ENTERPRISE}:department")): "E" }));
            let stored = posted(client, &body, switches.unknown_attributes_ignored, "invalidSyntax");
            assert_eq!(stored["name"]["givenName"] == "G", switches.paths_as_keys);
            assert_eq!(stored[ENTERPRISE]["department"] == "E", switches.paths_as_keys);
            let body = with("b", json!({ (USER): { "title": "T" } }));
            let stored = posted(client, &body, switches.unknown_attributes_ignored, "invalidSyntax");
            assert_eq!(stored["title"] == "T", switches.core_attributes_under_urn);
            let body = with("c", json!({ "department": "E" }));
            let stored = posted(client, &body, switches.unknown_attributes_ignored, "invalidSyntax");
            assert_eq!(stored[ENTERPRISE]["department"] == "E", switches.extension_attributes_without_urn);
        });
    }
}

// Requirements 14, 55
on_both_databases! {
    fn values_of_another_shape_are_read_where_the_profile_reads_them(database: &Database) {
        each_profile(database, |switches, client| {
            let active = posted(client, &with("a", json!({ "active": "False" })), switches.booleans_as_text, "invalidValue");
            assert!(!switches.booleans_as_text || active["active"] == false);
            let manager = with("b", json!({ (ENTERPRISE): { "manager": "271" } }));
            let stored = posted(client, &manager, switches.text_for_objects, "invalidValue");
            assert!(!switches.text_for_objects || stored[ENTERPRISE]["manager"]["value"] == "271");
            let name = with("c", json!({ "name": [{ "givenName": "G" }] }));
            let stored = posted(client, &name, switches.lists_for_objects, "invalidValue");
            assert!(!switches.lists_for_objects || stored["name"]["givenName"] == "G");
            let email = with("d", json!({ "emails": { "value": "a@x" } }));
            let stored = posted(client, &email, switches.single_values_for_lists, "invalidValue");
            assert!(!switches.single_values_for_lists || stored["emails"] == json!([{ "value": "a@x" }]));
            let null = with("e", json!({ "name": null, "emails": [], "title": null, "active": null }));
            assert!(posted(client, &null, true, "").get("name").is_none());
        });
    }

    fn entras_app_roles_are_unpacked_where_the_profile_knows_them(database: &Database) {
        each_profile(database, |switches, client| {
            let packed = r#"{"id":"06b0","value":"25","displayName":"Role"}"#;
            let stored = posted(client, &with("a", json!({ "roles": [{ "value": packed }] })), true, "");
            assert_eq!(stored["roles"][0]["value"] == "25", switches.objects_packed_in_text);
            assert_eq!(stored["roles"][0]["value"] == packed, !switches.objects_packed_in_text);
            let body = with("b", json!({ "roles": [{ "value": "25", "displayName": "Role" }] }));
            let taken = switches.display_called_display_name || switches.unknown_attributes_ignored;
            let stored = posted(client, &body, taken, "invalidSyntax");
            assert_eq!(stored["roles"][0]["display"] == "Role", switches.display_called_display_name);
        });
    }

    fn ids_of_members_are_read_in_any_letter_case_or_exactly(database: &Database) {
        each_profile(database, |switches, client| {
            let ada = client.create_user("ada");
            for (number, id) in [format!(" {ada} "), ada.to_uppercase()].into_iter().enumerate() {
                let group = crate::support::group(&format!("G{number}"), &[&id]);
                decide(client.post("/Groups", &group), switches.member_ids_in_any_case, "invalidValue");
            }
            client.create_group("G", &[&ada]);
        });
    }
}

// Requirement 67
on_both_databases! {
    fn a_password_is_thrown_away_or_no_attribute_at_all(database: &Database) {
        each_profile(database, |switches, client| {
            let taken = switches.password_thrown_away;
            let stored = posted(client, &with("a", json!({ "password": "secret-canary" })), taken, "invalidSyntax");
            assert!(stored.get("password").is_none());
            let id = client.create_user("b");
            let set = json!([{ "op": "replace", "path": "password", "value": "secret-canary" }]);
            decide(client.patch(&format!("/Users/{id}"), &set), taken, "invalidSyntax");
            let schema = client.get(&format!("/Schemas/{USER}")).expect(200).json();
            let mut names = schema["attributes"].as_array().unwrap().iter().map(|attribute| &attribute["name"]);
            assert_eq!(names.any(|name| name == "password"), taken);
        });
    }
}
