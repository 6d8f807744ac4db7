//! Names that clients choose never become the server's own.

use serde_json::json;

use crate::support::{Server, percent_encoded};

on_both_databases! {
    // Requirements 3, 4
    fn an_external_id_never_leads_to_another_person(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let stranger = server.organization("bravo").client.post("/Users", &json!({ "userName": "x" })).expect(201).id();
        let victim = client.post("/Users", &json!({ "userName": "victim", "externalId": "1", "title": "the victim" })).expect(201).id();
        let before = client.get(&format!("/Users/{victim}")).expect(200).text;
        let odd = [victim.clone(), victim.to_uppercase(), victim.replace('-', ""), format!("{{{victim}}}"), format!("urn:uuid:{victim}"), stranger,
            "0".into(), "-1".into(), " 1".into(), "1 ".into(), "１".into(), "01".into(), "1.0".into(), "+1".into(), "1e0".into(), "true".into(),
            "null".into(), "victim".into(), "%31".into(), "1/../2".into(), "00000000-0000-0000-0000-000000000000".into()];
        for (number, external) in odd.iter().enumerate() {
            let user = json!({ "userName": format!("attacker {number}"), "externalId": external, "title": "an attacker" });
            let made = client.post("/Users", &user).expect(201);
            let id = made.id();
            assert_ne!(id, victim);
            assert_eq!(made.json()["externalId"], *external);
            let found = client.filter("/Users", &format!("externalId eq {}", json!(external))).expect(200).json();
            assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)), "{external}");
            let encoded = percent_encoded(external);
            let read = client.get(&format!("/Users/{encoded}"));
            if *external == victim {
                assert_eq!(read.text, before, "an id leads to whom it was issued for");
            } else {
                read.expect_error(404, "");
            }
            for (method, body) in [("PUT", json!({ "userName": "gone" })), ("DELETE", json!(null))] {
                if *external != victim {
                    client.send(method, &format!("/Users/{encoded}"), &[], Some(&body.to_string())).expect_error(404, "");
                }
            }
            let member = json!({ "displayName": format!("group {number}"), "members": [{ "value": external }] });
            let group = client.post("/Groups", &member);
            if group.status == 201 {
                assert_eq!(group.json()["members"][0]["value"], json!(victim), "only an id names a member: {external}");
            }
            client.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
            client.delete(&format!("/Users/{id}")).expect(204);
            let answer = client.get(&format!("/Users/{victim}?excludedAttributes=groups")).expect(200).json();
            assert_eq!((&answer["title"], &answer["active"]), (&json!("the victim"), &json!(true)));
        }
        assert_eq!(client.filter("/Users", "externalId eq \"1\"").expect(200).json()["Resources"][0]["id"], json!(victim));
    }

    fn whoever_comes_again_under_a_name_is_somebody_else(database: &Database) {
        let server = Server::start(database);
        let (acme, bravo) = (server.organization("acme").client, server.organization("bravo").client);
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..3 {
            for (endpoint, body) in [("/Users", json!({ "userName": "ana", "externalId": "1" })), ("/Groups", json!({ "displayName": "crew" }))] {
                let id = acme.post(endpoint, &body).expect(201).id();
                assert!(ids.insert(id.clone()), "{id} was given twice");
                acme.delete(&format!("{endpoint}/{id}")).expect(204);
                for client in [&acme, &bravo] {
                    client.get(&format!("{endpoint}/{id}")).expect_error(404, "");
                    client.send("PUT", &format!("{endpoint}/{id}"), &[], Some(&body.to_string())).expect_error(404, "");
                }
            }
        }
    }

    // Requirement 20
    fn an_answer_tells_nobody_apart_that_is_not_there(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let deleted = client.post("/Users", &json!({ "userName": "gone" })).expect(201).id();
        client.delete(&format!("/Users/{deleted}")).expect(204);
        let group = client.post("/Groups", &json!({ "displayName": "gone" })).expect(201).id();
        let never = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        let ask = |id: &str| -> Vec<_> {
            ["GET", "PUT", "PATCH", "DELETE"].map(|method| {
                let body = "{\"userName\":\"x\",\"Operations\":[{\"op\":\"remove\",\"path\":\"title\"}]}";
                let answer = client.send(method, &format!("/Users/{id}"), &[], (method != "GET").then_some(body));
                // A connection is closed after a body nobody read.
                let names = answer.headers.keys().map(ToString::to_string).filter(|name| name != "connection");
                let mut names: Vec<String> = names.collect();
                names.sort();
                (answer.status, names, answer.text.replace(id, "ID"))
            }).into()
        };
        let expected = ask(never);
        for id in [&deleted, &group] {
            assert_eq!(ask(id), expected, "{id}");
        }
        let taken = client.post("/Users", &json!({ "userName": "taken", "displayName": "canary", "emails": [{ "value": "canary@x" }] })).expect(201).id();
        let conflict = client.post("/Users", &json!({ "userName": "TAKEN" })).expect_error(409, "uniqueness");
        assert!(conflict.text.contains("userName"), "{}", conflict.text);
        assert!(!conflict.text.contains("canary") && !conflict.text.contains(&taken), "{}", conflict.text);
    }
}
