//! References between the operations of one bulk request.

use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{Answer, ENTERPRISE, Server, user};

fn create_user(bulk_id: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": user(bulk_id) })
}

fn create_group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|name| json!({ "value": format!("bulkId:{name}") })).collect();
    let data = json!({ "displayName": bulk_id, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
}

/// A user whose manager is another user of the request.
fn managed(bulk_id: &str, manager: &str) -> Value {
    let mut create = create_user(bulk_id);
    create["data"][ENTERPRISE] = json!({ "manager": { "value": format!("bulkId:{manager}") } });
    create
}

#[track_caller]
fn statuses(answer: &Answer) -> Vec<String> {
    let answer = answer.clone().expect(200).json();
    let done = answer["Operations"].as_array().unwrap().iter();
    done.map(|done| done["status"].as_str().unwrap().to_owned()).collect()
}

/// The identifier in the location of an operation.
#[track_caller]
fn id(answer: &Answer, index: usize) -> String {
    let location = answer.json()["Operations"][index]["location"].as_str().unwrap().to_owned();
    location.rsplit('/').next().unwrap().to_owned()
}

on_both_databases! {
    // Requirement 60
    fn references_are_resolved_in_values_and_paths_forward_too(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let answer = client.bulk(&json!([
            { "method": "PATCH", "path": "/Groups/bulkId:team", "data": { "Operations": [
                { "op": "remove", "path": "members[value eq \"bulkId:bob\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "bulkId:eve" }] } ] } },
            create_group("team", &["ada", "bob"]),
            create_user("ada"),
            create_user("bob"),
            create_user("eve"),
            { "method": "PUT", "path": "/Users/bulkId:eve", "data": { "userName": "eve", "title": "Spy" } },
            create_group("above", &["team"]),
        ]));
        assert_eq!(statuses(&answer), ["200", "201", "201", "201", "201", "200", "201"]);
        let expected = [id(&answer, 2), id(&answer, 4)];
        assert_eq!(client.members(&id(&answer, 1)), expected.into_iter().collect());
        assert_eq!(client.members(&id(&answer, 6)), [id(&answer, 1)].into_iter().collect());
        assert_eq!(id(&answer, 0), id(&answer, 1));
        assert_eq!(client.get(&format!("/Users/{}", id(&answer, 4))).json()["title"], "Spy");
        assert_eq!(answer.json()["Operations"][2]["bulkId"], "ada");
    }

    // Requirement 60
    fn a_circle_is_created_first_and_closed_afterwards(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let answer = client.bulk(&json!([
            managed("ada", "bob"),
            managed("bob", "eve"),
            managed("eve", "ada"),
            managed("own", "own"),
            { "method": "PATCH", "path": "/Users/bulkId:ada", "data": [{ "op": "add", "path": "title", "value": "later" }] },
        ]));
        assert_eq!(statuses(&answer), ["201", "201", "201", "201", "200"]);
        for (user, manager) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
            let read = client.get(&format!("/Users/{}", id(&answer, user)));
            assert_eq!(read.json()[ENTERPRISE]["manager"]["value"], id(&answer, manager));
            if user > 0 {
                assert_eq!(answer.json()["Operations"][user]["version"], read.header("ETag"));
            }
        }
        assert_eq!(client.get(&format!("/Users/{}", id(&answer, 0))).json()["title"], "later");
    }

    // Requirement 60
    fn a_circle_of_groups_cannot_be_closed_and_leaves_nothing_behind(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let answer = client.bulk(&json!([create_group("a", &["b"]), create_group("b", &["a"])]));
        assert_eq!(statuses(&answer), ["409", "201"]);
        let refused = &answer.json()["Operations"][0];
        assert!(refused.get("location").is_none() && refused["response"].get("scimType").is_none(), "{refused}");
        assert_eq!(client.found("/Groups", "displayName eq \"a\"").len(), 0);
        assert!(client.members(&id(&answer, 1)).is_empty());
    }

    // Requirement 60
    fn what_cannot_be_resolved_is_a_conflict_of_its_own_operation(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        let answer = client.bulk(&json!([
            create_group("g", &["nobody"]),
            create_group("h", &["broken"]),
            { "method": "POST", "path": "/Users", "bulkId": "broken", "data": { "userName": "" } },
            { "method": "DELETE", "path": "/Users/bulkId:broken" },
            { "method": "DELETE", "path": "/Groups/bulkId:zz" },
            managed("m", "broken"),
        ]));
        assert_eq!(statuses(&answer), ["409", "409", "400", "409", "409", "409"]);
        let detail = answer.json()["Operations"][0]["response"]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("bulkId:nobody"), "{detail}");
        assert_eq!(all_rows(database), before);
        client.bulk(&json!([create_user("twice"), create_user("twice")])).expect_error(400, "invalidValue");
        assert_eq!(all_rows(database), before);
    }

    fn a_reference_is_not_taken_for_what_merely_looks_like_one(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut named = create_user("ada");
        named["data"]["title"] = json!("keeper of bulkId:bob");
        let answer = client.bulk(&json!([named, create_user("bob")]));
        assert_eq!(statuses(&answer), ["201", "201"]);
        assert_eq!(client.get(&format!("/Users/{}", id(&answer, 0))).json()["title"], "keeper of bulkId:bob");
        // Outside of a bulk request it is a text like any other.
        client.post("/Users", &json!({ "userName": "bulkId:x" })).expect(201);
    }

    fn work_that_stops_in_a_circle_leaves_no_half_of_it(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let operations = json!([
            managed("ada", "bob"),
            { "method": "DELETE", "path": "/Users/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a" },
            managed("bob", "ada"),
        ]);
        let answer = client.post("/Bulk", &json!({ "failOnErrors": 1, "Operations": operations }));
        let statuses = statuses(&answer);
        assert_eq!(statuses.iter().filter(|status| *status == "404").count(), 1);
        let created = statuses.iter().filter(|status| *status == "201").count();
        assert_eq!(client.found("/Users", "userName pr").len(), created, "{statuses:?}");
    }
}
