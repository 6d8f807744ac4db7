//! The way of a person and a group through the server.

use serde_json::json;

use crate::support::{GROUP, Server, USER};

on_both_databases! {
    fn a_person_joins_moves_and_leaves(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let body = json!({ "schemas": [USER], "userName": "Ada@Example.com", "externalId": "00u1",
            "emails": [{ "value": "ada@example.com", "type": "work", "primary": true }], "active": true });
        let ada = client.post("/Users", &body).expect(201).id();
        client.post("/Users", &body).expect_error(409, "uniqueness");
        let group = json!({ "schemas": [GROUP], "displayName": "Builders", "members": [{ "value": ada }] });
        let builders = client.post("/Groups", &group).expect(201).id();

        let read = client.get(&format!("/Users/{ada}")).expect(200).json();
        assert_eq!(read["userName"], "Ada@Example.com");
        assert_eq!(read["groups"][0]["value"], builders);
        for filter in ["userName eq \"ADA@example.com\"", "externalId eq \"00u1\"",
            "emails[type eq \"work\" and value eq \"ada@example.com\"]", "userName sw \"ada\" and active eq true"] {
            let found = client.filter("/Users", filter).expect(200).json();
            assert_eq!(found["totalResults"], 1, "{filter}");
            assert_eq!(found["Resources"][0]["id"], ada, "{filter}");
        }
        let left = json!([{ "op": "Remove", "path": "members", "value": [{ "value": ada }] }]);
        let answer = client.patch(&format!("/Groups/{builders}"), &left).expect(200).json();
        assert_eq!(answer["members"], json!([]));

        let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        assert_eq!(client.patch(&format!("/Users/{ada}"), &off).expect(200).json()["active"], false);
        client.delete(&format!("/Users/{ada}")).expect(204);
        client.get(&format!("/Users/{ada}")).expect_error(404, "");
        client.delete(&format!("/Groups/{builders}")).expect(204);
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 0);
    }
}
