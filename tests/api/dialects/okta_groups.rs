//! Okta's group push, over PUT and over PATCH.

use muster::model::Profile;
use serde_json::{Value, json};

use super::{GROUP, OKTA, Provider};
use crate::support::Server;

const LOOK_UP: &str = "/Groups?filter=displayName%20eq%20%22Test%20SCIMv2%22&startIndex=1&count=100";

fn okta(server: &Server) -> Provider {
    Provider::over(server, Profile::Okta, OKTA)
}

fn new_group(members: &Value) -> Value {
    json!({ "schemas": [GROUP], "displayName": "Test SCIMv2", "members": members })
}

on_both_databases! {
    fn okta_pushes_a_group_by_changes(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let people = okta.users(3);
        assert!(okta.found(LOOK_UP).is_empty());
        let group = okta.post("/Groups", &new_group(&json!([]))).expect(201).id();
        let path = format!("/Groups/{group}");
        let rename = json!({ "op": "replace", "value": { "id": group, "displayName": "Test SCIMv2" } });
        okta.patch(&path, &json!([rename])).expect(200);
        assert_eq!(okta.found(LOOK_UP), [group.as_str()]);
        let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id, "display": "somebody@okta.local" }] });
        okta.patch(&path, &json!([add(&people[0]), add(&people[1])])).expect(200);
        assert_eq!(okta.members(&group), people[..2]);

        let remove = json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", people[0]) });
        let answer = okta.patch(&path, &json!([rename, remove, add(&people[2])])).expect(200).json();
        assert_eq!(answer["displayName"], "Test SCIMv2");
        assert_eq!(okta.members(&group), people[1..]);

        let all: Vec<Value> = people.iter().map(|id| json!({ "value": id, "display": "x" })).collect();
        okta.patch(&path, &json!([{ "op": "replace", "path": "members", "value": all[..2] }])).expect(200);
        assert_eq!(okta.members(&group), people[..2]);
        okta.patch(&path, &json!([{ "op": "replace", "value": { "members": all } }])).expect(200);
        assert_eq!(okta.members(&group), people);
        okta.patch(&path, &json!([{ "op": "replace", "value": { "displayName": "Renamed" } }])).expect(200);
        assert_eq!(okta.members(&group), people, "a change without `members` leaves them alone");
        okta.delete(&path).expect(204);
        okta.get(&path).expect_error(404, "");
    }

    fn okta_pushes_a_group_whole(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let people = okta.users(3);
        let group = okta.post("/Groups", &new_group(&json!([{ "value": people[0], "display": null }]))).expect(201).id();
        let path = format!("/Groups/{group}");
        assert_eq!(okta.members(&group), people[..1]);
        for wanted in [&people[..], &people[2..], &people[..0], &people[..2]] {
            let members: Vec<Value> = wanted.iter().map(|id| json!({ "value": id, "display": null })).collect();
            let mut body = new_group(&json!(members));
            body["id"] = json!(group);
            okta.put(&path, &body).expect(200);
            assert_eq!(okta.members(&group), wanted);
        }
        okta.delete(&path).expect(204);
    }

    fn okta_pushes_an_empty_group_now(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let people = okta.users(2);
        let members = json!([{ "value": people[0] }, { "value": people[1] }]);
        let group = okta.post("/Groups", &new_group(&members)).expect(201).id();
        let push = json!([{ "op": "replace", "path": "members", "value": [] }]);
        for _twice in 0..2 {
            okta.patch(&format!("/Groups/{group}"), &push).expect(200);
            assert!(okta.members(&group).is_empty());
        }
    }

    fn one_unknown_member_among_good_ones_is_named_and_nobody_joins(database: &Database) {
        let server = Server::start(database);
        let okta = okta(&server);
        let people = okta.users(2);
        let group = okta.post("/Groups", &new_group(&json!([{ "value": people[0] }]))).expect(201).id();
        let path = format!("/Groups/{group}");
        let before = okta.get(&path).expect(200);
        let stranger = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        let members = json!([{ "value": people[1] }, { "value": stranger }]);
        let whole = new_group(&members);
        for answer in [
            okta.patch(&path, &json!([{ "op": "add", "path": "members", "value": members }])),
            okta.patch(&path, &json!([{ "op": "replace", "value": { "displayName": "Other", "members": members } }])),
            okta.put(&path, &whole),
        ] {
            let refused = answer.expect_error(400, "invalidValue").json();
            assert!(refused["detail"].as_str().unwrap().contains(stranger), "{refused}");
        }
        let after = okta.get(&path).expect(200);
        assert_eq!((&after.text, after.header("ETag")), (&before.text, before.header("ETag")));
    }
}
