//! Okta and people: as an integration that replaces (PUT) and as one that changes (PATCH).

use muster::model::Profile;
use serde_json::{Value, json};

use super::{OKTA, Provider, USER};
use crate::support::Server;

const LOOK_UP: &str = "/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100";

fn okta(server: &Server) -> Provider {
    Provider::over(server, Profile::Okta, OKTA)
}

fn new_user() -> Value {
    json!({
        "schemas": [USER], "userName": "test.user@okta.local", "name": { "givenName": "Test", "familyName": "User" },
        "emails": [{ "primary": true, "value": "test.user@okta.local", "type": "work" }], "displayName": "Test User",
        "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true,
    })
}

/// Reads a user, changes what was read, and puts all of it back.
fn read_and_put_back(okta: &Provider, id: &str, change: impl Fn(&mut Value)) -> Value {
    let mut body = okta.get(&format!("/Users/{id}")).expect(200).json();
    body["groups"] = json!([]);
    body["meta"] = json!({ "resourceType": "User" });
    change(&mut body);
    okta.put(&format!("/Users/{id}"), &body).expect(200).json()
}

on_both_databases! {
    fn okta_replaces_a_person_from_joining_to_leaving(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        assert!(okta.found("/Users?startIndex=1&count=2").is_empty());
        assert!(okta.found("/Groups?startIndex=1&count=100").is_empty());
        assert!(okta.found(LOOK_UP).is_empty());

        let made = okta.post("/Users", &new_user()).expect(201);
        let id = made.id();
        for (name, value) in new_user().as_object().unwrap() {
            match name.as_str() {
                "password" | "groups" => assert!(made.json().get(name).is_none_or(|found| *found == json!([]))),
                _ => assert_eq!(made.json()[name], *value, "{name}"),
            }
        }

        let moved = read_and_put_back(&okta, &id, |user| {
            user["name"]["familyName"] = json!("Mover");
            user["name"]["middleName"] = json!("");
            user["title"] = Value::Null;
            user["emails"][0]["display"] = json!("test.user@okta.local");
            user["phoneNumbers"] = json!([{ "primary": true, "value": "(555) 012-3456", "type": "work" }]);
        });
        assert_eq!(moved["name"], json!({ "givenName": "Test", "familyName": "Mover", "middleName": "" }));
        assert_eq!(moved["phoneNumbers"][0]["value"], "(555) 012-3456");
        assert_eq!(moved["emails"][0]["display"], "test.user@okta.local");
        assert!(moved.get("title").is_none());

        let gone = read_and_put_back(&okta, &id, |user| user["active"] = json!(false));
        assert_eq!(gone["active"], false);
        assert_eq!(gone["name"], moved["name"]);
        assert_eq!(okta.found(LOOK_UP), [id.as_str()], "an inactive person is found, or is made again for ever");
        let back = read_and_put_back(&okta, &id, |user| user["active"] = json!(true));
        assert_eq!(back["active"], true);
        assert_eq!(back["emails"], moved["emails"]);
    }

    fn okta_changes_a_person_from_joining_to_coming_back(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let id = okta.post("/Users", &new_user()).expect(201).id();
        let before = okta.get(&format!("/Users/{id}")).expect(200).json();
        let switch = |active: bool| {
            let operations = json!([{ "op": "replace", "value": { "active": active } }]);
            okta.patch(&format!("/Users/{id}"), &operations).expect(200).json()
        };
        assert_eq!(switch(false)["active"], false);
        assert_eq!(okta.found(LOOK_UP), [id.as_str()]);
        assert_eq!(switch(true)["active"], true);
        let put = read_and_put_back(&okta, &id, |user| user["displayName"] = json!("Test Again"));
        assert_eq!(put["displayName"], "Test Again");
        let after = okta.get(&format!("/Users/{id}")).expect(200).json();
        for name in ["schemas", "id", "userName", "name", "emails", "locale", "externalId", "active"] {
            assert_eq!(after[name], before[name], "{name}");
        }
        let password = json!([{ "op": "replace", "value": { "password": "2nd" } }]);
        let answer = okta.patch(&format!("/Users/{id}"), &password).expect(200);
        assert!(!answer.text.contains("2nd") && answer.json().get("password").is_none());
    }

    fn okta_finds_the_person_it_could_not_make_and_takes_over(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let mut earlier = new_user();
        earlier["userName"] = json!("Test.User@OKTA.local");
        earlier["active"] = json!(false);
        let id = okta.post("/Users", &earlier).expect(201).id();
        let refused = okta.post("/Users", &new_user()).expect_error(409, "uniqueness");
        assert_eq!(refused.header("Content-Type"), "application/scim+json");
        assert_eq!(okta.found(LOOK_UP), [id.as_str()]);
        let on = json!([{ "op": "replace", "value": { "active": true } }]);
        okta.patch(&format!("/Users/{id}"), &on).expect(200);
        let linked = okta.put(&format!("/Users/{id}"), &new_user()).expect(200).json();
        assert_eq!((&linked["userName"], &linked["active"]), (&json!("test.user@okta.local"), &json!(true)));
        assert_eq!(linked["id"], json!(id));
    }
}
