//! The identity providers that have no profile of their own, over a connection without one.

use muster::model::Profile;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, PATCH, Provider, USER};
use crate::support::Server;

const SCIM_JSON: &[(&str, &str)] = &[("Content-Type", "application/scim+json"), ("Accept", "application/scim+json")];
const PLAIN_JSON: &[(&str, &str)] = &[("Content-Type", "application/json"), ("Accept", "*/*")];
/// A client that names itself with nothing.
const NAMELESS: &[(&str, &str)] = &[("Content-Type", "application/scim+json"), ("User-Agent", "")];

fn provider(server: &Server, headers: &'static [(&'static str, &'static str)]) -> Provider {
    Provider::over(server, Profile::Default, headers)
}

fn add_member(id: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
}

on_both_databases! {
    fn onelogin_replaces_people_by_its_template_and_adds_them_to_each_group(database: &Database) {
        let server = Server::start(database);
        let onelogin = provider(&server, NAMELESS);
        assert!(onelogin.found("/Users?filter=userName+eq+%22onelogin-test-user01%22&").is_empty());
        let body = json!({ "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
            "userName": "onelogin-test-user01", "name": { "familyName": " User 01", "givenName": "Test" } });
        let id = onelogin.post("/Users", &body).expect(201).id();
        let user = onelogin.put(&format!("/Users/{id}?"), &body).expect(200).json();
        assert_eq!((&user["schemas"], &user["name"]["familyName"]), (&json!([USER]), &json!(" User 01")));
        for name in ["One", "Two"] {
            let group = onelogin.post("/Groups", &json!({ "schemas": [GROUP], "displayName": name })).expect(201).id();
            onelogin.patch(&format!("/Groups/{group}?"), &add_member(&id)).expect(200);
            assert_eq!(onelogin.members(&group), [id.as_str()]);
        }
        onelogin.delete(&format!("/Users/{id}")).expect(204);
    }

    fn google_names_the_schema_of_1_0_and_asks_without_a_count(database: &Database) {
        let server = Server::start(database);
        let google = provider(&server, SCIM_JSON);
        assert!(google.found("/Users").is_empty());
        let look_up = "/Users?filter=userName%20eq%20%22u%40d.com%22&startIndex=1";
        assert!(google.found(look_up).is_empty());
        let body = json!({ "schemas": ["urn:scim:schemas:core:1.0", USER], "userName": "u@d.com",
            "emails": [{ "primary": true, "value": "u@d.com", "type": "work" }], "displayName": "User Name",
            "name": { "givenName": "User", "familyName": "Name" }, "active": true });
        let id = google.post("/Users", &body).expect(201).id();
        assert_eq!(google.found(look_up), [id.as_str()]);
        google.post("/Users", &body).expect_error(409, "uniqueness");
    }

    fn jumpcloud_tests_its_activation_twice(database: &Database) {
        let server = Server::start(database);
        let jumpcloud = provider(&server, SCIM_JSON);
        for _ in 0..2 {
            assert!(jumpcloud.found("/Users?filter=userName%20eq%20%22test%40example.com%22").is_empty());
            let body = json!({ "schemas": [USER], "userName": "test@example.com", "active": true });
            let id = jumpcloud.post("/Users", &body).expect(201).id();
            let group = json!({ "schemas": [GROUP], "displayName": "Test Group", "members": [{ "value": id }] });
            let group = jumpcloud.post("/Groups", &group).expect(201).id();
            let removal = json!([{ "op": "remove", "path": "members", "value": [{ "value": id }] }]);
            jumpcloud.patch(&format!("/Groups/{group}"), &removal).expect(200);
            assert!(jumpcloud.members(&group).is_empty());
            jumpcloud.delete(&format!("/Groups/{group}")).expect(204);
            jumpcloud.delete(&format!("/Users/{id}")).expect(204);
        }
    }

    fn pingfederate_asks_by_address_and_reads_all_groups_behind_a_double_slash(database: &Database) {
        let server = Server::start(database);
        let ping = provider(&server, SCIM_JSON);
        let body = json!({ "schemas": [USER], "userName": "ada", "emails": [{ "type": "work", "value": "ada@example.com" }] });
        let id = ping.post("//Users", &body).expect(201).id();
        for number in 0..3 {
            ping.post("//Groups", &json!({ "schemas": [GROUP], "displayName": format!("G{number}") })).expect(201);
        }
        assert_eq!(ping.found("//Users?filter=emails%20eq%20%22ada%40example.com%22"), [id.as_str()]);
        assert_eq!(ping.found("//Groups?startIndex=1&count=2").len() + ping.found("//Groups?startIndex=3&count=2").len(), 3);
    }

    fn sailpoint_turns_people_off_by_adding_without_a_path(database: &Database) {
        let server = Server::start(database);
        let sailpoint = provider(&server, SCIM_JSON);
        let id = sailpoint.users(1).remove(0);
        let off = json!([{ "op": "add", "value": { "active": false } }]);
        assert_eq!(sailpoint.patch(&format!("/Users/{id}"), &off).expect(200).json()["active"], false);
    }

    fn authentik_reads_the_configuration_and_sends_one_operation_a_member(database: &Database) {
        let server = Server::start(database);
        let authentik = provider(&server, SCIM_JSON);
        let configuration = authentik.get("/ServiceProviderConfig").expect(200).json();
        for feature in ["patch", "bulk", "filter", "changePassword", "sort"] {
            assert!(configuration[feature]["supported"].is_boolean(), "{feature}");
        }
        assert!(configuration["authenticationSchemes"].is_array());
        let chunk = usize::try_from(configuration["bulk"]["maxOperations"].as_u64().unwrap()).unwrap();
        assert!(chunk > 0, "0 means that everything comes in one request");

        let alice = json!({ "schemas": [USER], "userName": "alice", "externalId": "1", "active": true,
            "name": { "formatted": "Alice", "givenName": "Alice", "familyName": "" },
            "emails": [{ "value": "alice@example.com", "type": "other", "primary": true }] });
        let id = authentik.post("/Users", &alice).expect(201).id();
        authentik.post("/Users", &alice).expect_error(409, "uniqueness");
        assert_eq!(authentik.found("/Users?filter=userName+eq+alice"), [id.as_str()]);
        let mut again = alice;
        again["id"] = json!(id);
        assert_eq!(authentik.put(&format!("/Users/{id}"), &again).expect(200).json()["emails"], again["emails"]);

        let people = authentik.users(120);
        let group = json!({ "schemas": [GROUP], "displayName": "All", "externalId": "g" });
        let group = authentik.post("/Groups", &group).expect(201).json()["id"].as_str().unwrap().to_owned();
        let path = format!("/Groups/{group}");
        let rename = json!([{ "op": "replace", "value": { "id": group, "schemas": [GROUP], "displayName": "Everybody", "externalId": "g" } }]);
        authentik.patch(&path, &rename).expect(200);
        for (verb, expected) in [("add", people.clone()), ("remove", Vec::new())] {
            let operation = |id: &String| json!({ "op": verb, "path": "members", "value": [{ "value": id }] });
            for chunk in people.chunks(chunk.min(100)) {
                let answer = authentik.patch(&path, &chunk.iter().map(operation).collect());
                assert!([200, 204].contains(&answer.status), "{}", answer.text);
            }
            assert_eq!(authentik.members(&group), expected, "{verb}");
        }
        assert_eq!(authentik.get(&path).expect(200).json()["members"], json!([]), "an empty list, and not none");
    }

    fn rauthy_puts_addresses_into_urls_as_they_are_and_reads_groups_off_people(database: &Database) {
        let server = Server::start(database);
        let rauthy = provider(&server, SCIM_JSON);
        let body = json!({ "schemas": [USER], "externalId": "r1", "userName": "john+x@y.io", "active": true,
            "emails": [{ "value": "john+x@y.io", "primary": true }], "custom": { "anything": 1 } });
        let made = rauthy.post("/Users", &body).expect(201).json();
        let id = made["id"].as_str().unwrap();
        assert_eq!(made["groups"], json!([]));
        for filter in ["userName%20eq%20%22john+x@y.io%22", "externalId%20eq%20%22r1%22"] {
            assert_eq!(rauthy.found(&format!("/Users?filter={filter}")), [id], "{filter}");
        }
        let group = rauthy.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "admin", "externalId": "g1" })).expect(201).id();
        let path = format!("/Groups/{group}");
        let member = json!([{ "value": id, "display": "john+x@y.io" }]);
        rauthy.patch(&path, &json!([{ "op": "add", "path": "members", "value": member }])).expect(200);
        let groups = rauthy.get(&format!("/Users/{id}")).expect(200).json()["groups"].clone();
        assert_eq!((&groups[0]["value"], &groups[0]["display"]), (&json!(group), &json!("admin")));
        let cleared = json!([{ "op": "replace", "value": { "displayName": "admins", "externalId": null } }]);
        let answer = rauthy.patch(&path, &cleared).expect(200).json();
        assert_eq!((&answer["displayName"], answer.get("externalId")), (&json!("admins"), None));
        rauthy.patch(&path, &json!([{ "op": "remove", "path": "members", "value": member }])).expect(200);
        assert_eq!(rauthy.get(&format!("/Users/{id}")).expect(200).json()["groups"], json!([]));
    }

    fn keycloaks_extension_empties_groups_without_a_value_and_writes_truth_as_text(database: &Database) {
        let server = Server::start(database);
        let keycloak = provider(&server, SCIM_JSON);
        let body = json!({ "schemas": [USER], "externalId": "k1", "userName": "ada", "displayName": "Ada", "active": true,
            "name": { "givenName": "Ada" }, "emails": [{ "value": "ada@example.com" }], "roles": [{ "value": "admin" }] });
        let id = keycloak.post("/Users", &body).expect(201).id();
        let operations = json!([
            { "op": "replace", "path": "active", "value": "true" },
            { "op": "replace", "path": "userName", "value": "ada" },
            { "op": "replace", "path": "displayName", "value": "Ada L." },
        ]);
        assert_eq!(keycloak.patch(&format!("/Users/{id}"), &operations).expect(200).json()["active"], true);
        let group = json!({ "schemas": [GROUP], "externalId": "g1", "displayName": "G",
            "members": [{ "value": id, "$ref": format!("Users/{id}") }] });
        let made = keycloak.post("/Groups", &group).expect(201).id();
        keycloak.put(&format!("/Groups/{made}"), &group).expect(200);
        assert_eq!(keycloak.members(&made), [id.as_str()]);
        keycloak.patch(&format!("/Groups/{made}"), &json!([{ "op": "remove", "path": "members" }])).expect(200);
        assert!(keycloak.members(&made).is_empty());
    }

    fn canaille_sends_a_hash_for_a_password_and_absolute_references(database: &Database) {
        let server = Server::start(database);
        let canaille = provider(&server, PLAIN_JSON);
        for path in ["/ResourceTypes", "/Schemas", "/ServiceProviderConfig"] {
            canaille.get(path).expect(200);
        }
        assert!(canaille.found("/Users?filter=externalId+eq+%22c1%22").is_empty());
        let body = json!({ "schemas": [USER, ENTERPRISE], "externalId": "c1", "userName": "ada", "active": true,
            "password": "$pbkdf2-sha512$25000$canary", "emails": [{ "value": "ada@example.com" }],
            (ENTERPRISE): { "department": "Engines" } });
        let made = canaille.post("/Users", &body).expect(201);
        assert!(!made.text.contains("canary"));
        let (id, location) = (made.id(), made.json()["meta"]["location"].clone());
        let group = json!({ "schemas": [GROUP], "externalId": "cg", "displayName": "G",
            "members": [{ "value": id, "$ref": location, "type": "User" }] });
        let group_id = canaille.post("/Groups", &group).expect(201).id();
        canaille.put(&format!("/Groups/{group_id}"), &group).expect(200);
        assert_eq!(canaille.members(&group_id), [id.as_str()]);
        canaille.put(&format!("/Users/{id}"), &body).expect(200);
        canaille.delete(&format!("/Groups/{group_id}")).expect(204);
        canaille.delete(&format!("/Users/{id}")).expect(204);
    }

    fn a_refusal_tells_the_administrator_what_would_be_taken(database: &Database) {
        let server = Server::start(database);
        let strict = Provider::over(&server, Profile::Rfc, SCIM_JSON);
        let id = strict.users(1).remove(0);
        let detail = |answer: crate::support::Answer| answer.expect(400).json()["detail"].as_str().unwrap().to_owned();
        assert!(detail(strict.get("/Users?filter=userName+eq+alice")).contains("text in double quotes"));
        let patch = |operation: Value| detail(strict.patch(&format!("/Users/{id}"), &json!([operation])));
        assert!(patch(json!({ "op": "Replace", "path": "title", "value": "x" })).contains("`replace`"));
        assert!(patch(json!({ "op": "replace", "path": "active", "value": "False" })).contains("true or false"));
        let bare = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }).to_string();
        assert!(detail(strict.client.send("PATCH", &format!("/Users/{id}"), SCIM_JSON, Some(&bare))).contains(PATCH));
    }
}
