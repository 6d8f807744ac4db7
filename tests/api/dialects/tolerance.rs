//! What one server has to tolerate from all identity providers together, one test a row.

use muster::model::Profile;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, OKTA, Provider, USER};
use crate::support::Server;

fn provider(server: &Server) -> Provider {
    Provider::over(server, Profile::Default, OKTA)
}

/// Makes a user and changes it; the user as the change answers it.
fn changed(provider: &Provider, operations: &Value) -> Value {
    let name = format!("user {}", provider.found("/Users?count=1000").len());
    let user = json!({ "schemas": [USER], "userName": name, "active": true, "title": "kept" });
    let id = provider.post("/Users", &user).expect(201).id();
    provider.patch(&format!("/Users/{id}"), operations).expect(200).json()
}

on_both_databases! {
    fn verbs_and_booleans_come_in_every_spelling(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        for (verb, value) in [("Replace", json!("False")), ("REPLACE", json!("false")), ("add", json!("FALSE")), ("Add", json!(false))] {
            let user = changed(&provider, &json!([{ "op": verb, "path": "active", "value": value }]));
            assert_eq!((&user["active"], &user["title"]), (&json!(false), &json!("kept")), "{verb} {value}");
        }
        for (number, active) in [json!("True"), json!("true"), json!(true)].into_iter().enumerate() {
            let body = json!({ "schemas": [USER], "userName": format!("on {number}"), "active": active });
            let id = provider.post("/Users", &body).expect(201).id();
            let put = json!({ "schemas": [USER], "userName": format!("on {number}"), "active": "False" });
            assert_eq!(provider.put(&format!("/Users/{id}"), &put).expect(200).json()["active"], false);
        }
    }

    fn a_change_without_a_path_takes_read_only_and_dotted_names(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let number = format!("{ENTERPRISE}:employeeNumber");
        let value = json!({ "id": "no", "schemas": [USER], "meta": { "version": "no" }, "groups": [], "unknownThing": 1,
            "name.givenName": "G", (number): "7", "emails[type eq \"work\"].value": "w@x", "displayName": "D" });
        for verb in ["replace", "add"] {
            let user = changed(&provider, &json!([{ "op": verb, "value": value }]));
            assert_ne!(user["id"], "no");
            assert_eq!((&user["name"]["givenName"], &user["displayName"]), (&json!("G"), &json!("D")));
            assert_eq!((&user[ENTERPRISE]["employeeNumber"], &user["title"]), (&json!("7"), &json!("kept")));
            assert_eq!(user["emails"], json!([{ "type": "work", "value": "w@x" }]));
            assert!(user.get("unknownThing").is_none());
        }
    }

    fn a_read_only_attribute_with_an_explicit_path_is_refused(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let id = provider.users(1).remove(0);
        for path in ["id", "meta", "meta.version", "groups", "groups[value eq \"x\"]"] {
            let operations = json!([{ "op": "replace", "path": path, "value": "x" }]);
            provider.patch(&format!("/Users/{id}"), &operations).expect_error(400, "mutability");
        }
    }

    fn members_are_removed_in_all_three_ways(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let people = provider.users(3);
        let members: Vec<Value> = people.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "schemas": [GROUP], "displayName": "G", "members": members });
        let group = provider.post("/Groups", &group).expect(201).id();
        let remove = |operation: Value| {
            provider.patch(&format!("/Groups/{group}"), &json!([operation])).expect(200);
            provider.members(&group)
        };
        assert_eq!(remove(json!({ "op": "remove", "path": "members", "value": [{ "value": people[0] }] })), people[1..]);
        assert_eq!(remove(json!({ "op": "remove", "path": "members", "value": [{ "value": people[0] }] })), people[1..]);
        assert_eq!(remove(json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", people[1]) })), people[2..]);
        assert!(remove(json!({ "op": "remove", "path": "members" })).is_empty());
    }

    fn schemas_may_be_old_misspelt_or_missing(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        for (number, schemas) in [json!(["urn:scim:schemas:core:2.0"]), json!(["urn:scim:schemas:core:1.0", "urn:x:custom"]), json!([]),
            Value::Null, json!(["urn:ietf:params:scim:schemas:core:2.0:user"])].into_iter().enumerate() {
            let mut body = json!({ "userName": format!("legacy {number}"), "displayName": "D" });
            if !schemas.is_null() {
                body["schemas"] = schemas;
            }
            let made = provider.post("/Users", &body).expect(201).json();
            assert_eq!((&made["schemas"], &made["displayName"]), (&json!([USER]), &json!("D")));
            let patch = json!({ "Operations": [{ "op": "replace", "value": { "displayName": "E" } }] });
            let path = format!("/Users/{}", made["id"].as_str().unwrap());
            provider.client.send("PATCH", &path, OKTA, Some(&patch.to_string())).expect(200);
        }
    }

    fn a_query_is_read_however_it_is_encoded(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let user = json!({ "schemas": [USER], "userName": "John Doe", "externalId": "E 1", "displayName": "J",
            "emails": [{ "value": "john+x@y.io", "type": "work" }] });
        let id = provider.post("/Users", &user).expect(201).id();
        for query in [
            "filter=userName+eq+%22john+doe%22",
            "filter=userName%20eq%20%22JOHN%20DOE%22&",
            "&filter=userName%20eq+%22john+doe%22&unknown=1&page=",
            "filter=externalId%20eq%20%22E%201%22",
            "filter=displayName+eq+%22j%22",
            "filter=emails%20eq%20%22john%2Bx@y.io%22",
            "filter=emails.value%20eq%20%22john+x@y.io%22",
            "filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22john%2Bx%40y.io%22",
            "filter=emails%5Btype%20eq%20%22work%22%20and%20value%20eq%20%22john%2Bx%40y.io%22%5D",
            "filter=USERNAME%20EQ%20%22john%20doe%22%20AND%20active%20Eq%20true",
            "startIndex=1&count=10&attributes=id",
            "",
            "&",
        ] {
            assert_eq!(provider.found(&format!("/Users?{query}")), [id.as_str()], "{query}");
        }
        assert!(provider.found("/Users?filter=externalId%20eq%20%22e%201%22").is_empty(), "externalId is compared exactly");
        provider.get("/Users/?").expect(200);
        provider.get(&format!("//Users/{id}?")).expect(200);
    }

    fn bodies_come_as_either_type_of_json(database: &Database) {
        let server = Server::start(database);
        let client = provider(&server).client;
        let types = ["application/scim+json", "application/scim+json; charset=utf-8", "application/json",
            "APPLICATION/JSON;charset=UTF-8"];
        for (number, kind) in types.into_iter().enumerate() {
            for (accepted, accept) in ["", "*/*", "application/scim+json", "application/json, text/plain, */*"].into_iter().enumerate() {
                let body = json!({ "schemas": [USER], "userName": format!("typed {number} {accepted}") }).to_string();
                let headers = [("Content-Type", kind), ("Accept", accept), ("User-Agent", "")];
                let made = client.send("POST", "/Users", &headers, Some(&body)).expect(201);
                assert_eq!(made.header("Content-Type"), "application/scim+json");
            }
        }
    }

    fn an_inactive_person_is_read_found_and_counted_as_any_other(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let user = json!({ "schemas": [USER], "userName": "gone", "externalId": "x1", "active": false });
        let id = provider.post("/Users", &user).expect(201).id();
        provider.get(&format!("/Users/{id}")).expect(200);
        for path in ["/Users", "/Users?filter=userName%20eq%20%22gone%22", "/Users?filter=externalId%20eq%20%22x1%22"] {
            assert_eq!(provider.found(path), [id.as_str()], "{path}");
        }
        provider.post("/Users", &user).expect_error(409, "uniqueness");
    }

    fn every_refusal_is_an_error_object(database: &Database) {
        let server = Server::start(database);
        let provider = provider(&server);
        let client = &provider.client;
        client.send("GET", "/Users", &[("Authorization", "Bearer wrong")], None).expect_error(401, "");
        client.get("/Nothing").expect_error(404, "");
        client.get("/Users/nobody").expect_error(404, "");
        client.delete("/Users").expect_error(405, "");
        client.send("POST", "/Users", &[("Content-Type", "text/plain")], Some("{}")).expect_error(415, "");
        client.post("/Users", &json!({})).expect_error(400, "invalidValue");
        client.get("/Me").expect_error(501, "");
    }
}
