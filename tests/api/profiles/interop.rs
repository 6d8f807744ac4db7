//! The interoperability profile and IPSIE AL1 and AL2, as far as the switches do not show them; `docs/ipsie.md` lists
//! them item by item.

use muster::model::Profile;
use serde_json::{Value, json};

use crate::support::{Client, ENTERPRISE, GROUP, Server, USER, group, user};

fn interop(server: &Server) -> Client {
    server.connection(server.organization("acme").id, "interop", Profile::Interop)
}

fn attributes(client: &Client, schema: &str) -> Vec<Value> {
    client.get(&format!("/Schemas/{schema}")).expect(200).json()["attributes"].as_array().unwrap().clone()
}

on_both_databases! {
    fn discovery_says_what_is_there_and_nothing_else(database: &Database) {
        let server = Server::start(database);
        let client = interop(&server);
        let types = client.get("/ResourceTypes").expect(200).json();
        for resource_type in types["Resources"].as_array().unwrap() {
            assert_eq!(resource_type["id"], resource_type["name"]);
            client.get(&format!("/Schemas/{}", resource_type["schema"].as_str().unwrap())).expect(200);
            for extension in resource_type["schemaExtensions"].as_array().unwrap() {
                client.get(&format!("/Schemas/{}", extension["schema"].as_str().unwrap())).expect(200);
            }
        }
        for schema in [USER, ENTERPRISE, GROUP] {
            for attribute in attributes(&client, schema) {
                let kind = attribute["subAttributes"].as_array().into_iter().flatten().find(|sub| sub["name"] == "type");
                let values = kind.map(|kind| kind["canonicalValues"].as_array().map_or(0, Vec::len));
                assert_ne!(values, Some(0), "{attribute}");
            }
        }
        for (schema, name) in [(USER, "userName"), (USER, "displayName"), (USER, "active"), (GROUP, "displayName"), (GROUP, "members")] {
            assert!(attributes(&client, schema).iter().any(|attribute| attribute["name"] == name), "{name}");
        }
    }

    fn what_is_filtered_exactly_is_unique_exactly(database: &Database) {
        let server = Server::start(database);
        let client = interop(&server);
        let mut body = user("Ada");
        body["externalId"] = json!("E1");
        let id = client.post("/Users", &body).expect(201).id();
        client.post("/Users", &user("ADA")).expect_error(409, "uniqueness");
        assert_eq!(client.found("/Users", "userName eq \"aDA\""), [id.as_str()]);
        assert_eq!(client.found("/Users", "externalId eq \"E1\""), [id.as_str()]);
        assert!(client.found("/Users", "externalId eq \"e1\"").is_empty());
        assert!(client.found("/Users", &format!("id eq \"{}\"", id.to_uppercase())).is_empty());
        client.get(&format!("/Users/{}", id.to_uppercase())).expect_error(404, "");
        let bob = client.create_user("bob");
        let rename = json!([{ "op": "replace", "path": "userName", "value": "ada" }]);
        client.patch(&format!("/Users/{bob}"), &rename).expect_error(409, "uniqueness");
    }

    fn the_look_ups_of_ipsie_find_people_and_groups(database: &Database) {
        let server = Server::start(database);
        let client = interop(&server);
        let mut body = user("ada@example.com");
        (body["externalId"], body["emails"]) = (json!("1"), json!([{ "type": "work", "value": "ada@example.com" }]));
        let ada = client.post("/Users", &body).expect(201).id();
        for filter in ["username eq \"ada@example.com\"", "externalId eq \"1\"", "emails[value eq \"ada@example.com\"]",
            "emails[type eq \"work\" and value eq \"ada@example.com\"]"] {
            assert_eq!(client.found("/Users", filter), [ada.as_str()], "{filter}");
        }
        let mut body = group("Builders", &[&ada]);
        body["externalId"] = json!("g1");
        let builders = client.post("/Groups", &body).expect(201).id();
        for filter in ["displayName eq \"Builders\"", "externalId eq \"g1\"", &format!("members[value eq \"{ada}\"]")] {
            assert_eq!(client.found("/Groups", filter), [builders.as_str()], "{filter}");
        }
    }

    fn fifty_members_come_and_go_in_one_patch(database: &Database) {
        let server = Server::start(database);
        let client = interop(&server);
        let people: Vec<String> = (0..50).map(|number| client.create_user(&format!("person {number}"))).collect();
        let path = format!("/Groups/{}", client.create_group("Builders", &[]));
        let add: Vec<Value> =
            people.iter().map(|id| json!({ "op": "add", "path": "members", "value": [{ "value": id }] })).collect();
        client.patch(&path, &json!(add)).expect(200);
        assert_eq!(client.get(&path).expect(200).json()["members"].as_array().unwrap().len(), 50);
        let remove: Vec<Value> =
            people.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })).collect();
        client.patch(&path, &json!(remove)).expect(200);
        assert_eq!(client.get(&path).expect(200).json()["members"], json!([]));
    }

    fn somebody_is_turned_off_and_on_again_and_then_really_deleted(database: &Database) {
        let server = Server::start(database);
        let client = interop(&server);
        let path = format!("/Users/{}", client.create_user("ada"));
        for active in [false, true] {
            let turn = json!([{ "op": "replace", "path": "active", "value": active }, { "op": "add", "path": "title", "value": "x" }]);
            assert_eq!(client.patch(&path, &turn).expect(200).json()["active"], active);
        }
        client.delete(&path).expect(204);
        client.get(&path).expect_error(404, "");
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 0);
        client.create_user("ada");
    }
}
