//! Bulk requests: limits, one result for each operation, errors.

use muster::model::{Profile, limits};
use serde_json::{Value, json};

use crate::support::rows::{all_rows, number};
use crate::support::{BULK, Server, in_parallel, statements, user};

fn create(bulk_id: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": user(bulk_id) })
}

fn statuses(answer: &Value) -> Vec<&str> {
    answer["Operations"].as_array().unwrap().iter().map(|done| done["status"].as_str().unwrap()).collect()
}

on_both_databases! {
    // Requirement 62
    fn every_operation_has_its_status_location_and_version(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let (ada, bob) = (client.create_user("ada"), client.create_user("bob"));
        let tag = client.get(&format!("/Users/{ada}")).header("ETag").to_owned();
        let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "title", "value": "Countess" }] });
        let answer = client.bulk(&json!([
            create("eve"),
            { "method": "PATCH", "path": format!("/Users/{ada}"), "version": tag, "data": patch },
            { "method": "PATCH", "path": format!("/Users/{ada}"), "version": tag, "data": patch },
            { "method": "put", "path": format!("/Users/{bob}"), "bulkId": "b", "data": { "userName": "bob", "title": "Builder" } },
            { "method": "DELETE", "path": format!("/Users/{bob}") },
            { "method": "DELETE", "path": format!("/Users/{bob}") },
            create("ADA"),
        ])).expect(200);
        assert_eq!(answer.header("Content-Type"), "application/scim+json");
        let answer = answer.json();
        assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        assert_eq!(statuses(&answer), ["201", "200", "412", "200", "204", "404", "409"]);
        let done = answer["Operations"].as_array().unwrap();
        let methods: Vec<&str> = done.iter().map(|done| done["method"].as_str().unwrap()).collect();
        assert_eq!(methods, ["POST", "PATCH", "PATCH", "PUT", "DELETE", "DELETE", "POST"]);
        assert_eq!((&done[0]["bulkId"], &done[3]["bulkId"], &done[6]["bulkId"]), (&json!("eve"), &json!("b"), &json!("ADA")));
        let eve = client.found("/Users", "userName eq \"eve\"");
        assert_eq!(done[0]["location"], format!("{}/Users/{}", client.base, eve[0]));
        assert_eq!(done[0]["version"], client.get(&format!("/Users/{}", eve[0])).header("ETag"));
        assert_eq!(done[1]["location"], format!("{}/Users/{ada}", client.base));
        assert_eq!(done[1]["version"], client.get(&format!("/Users/{ada}")).header("ETag"));
        assert!(done[0].get("response").is_none() && done[1].get("response").is_none());
        for (failed, status, scim_type) in [(&done[2], "412", Value::Null), (&done[5], "404", Value::Null), (&done[6], "409", json!("uniqueness"))] {
            let error = &failed["response"];
            assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{failed}");
            assert_eq!((&error["status"], &error["scimType"]), (&json!(status), &scim_type), "{failed}");
            assert!(failed.get("version").is_none(), "{failed}");
        }
        assert_eq!(done[2]["location"], format!("{}/Users/{ada}", client.base));
        assert!(done[6].get("location").is_none(), "nothing was created: {}", done[6]);
        assert_eq!(client.get(&format!("/Users/{ada}")).json()["title"], "Countess");
        client.get(&format!("/Users/{bob}")).expect(404);
    }

    // Requirement 63
    fn the_data_of_a_patch_is_a_message_or_a_bare_list(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        let group = client.create_group("g", &[]);
        let operations = json!([{ "op": "replace", "path": "title", "value": "1" }]);
        let join = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": ada }] }] });
        let path = format!("/Users/{ada}");
        let answer = client.bulk(&json!([
            { "method": "PATCH", "path": path, "data": operations },
            { "method": "PATCH", "path": format!("/Groups/{group}"), "data": join },
            { "method": "PATCH", "path": path, "data": { "title": "no operation" } },
            { "method": "PATCH", "path": path, "data": { "schemas": [BULK], "Operations": operations } },
        ])).expect(200).json();
        assert_eq!(statuses(&answer), ["200", "200", "400", "400"]);
        assert_eq!(client.get(&path).json()["title"], "1");
        assert!(client.members(&group).contains(&ada));
    }

    // Requirement 61
    fn work_stops_after_as_many_errors_as_were_said_and_what_was_tried_is_answered(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let missing = json!({ "method": "DELETE", "path": "/Users/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a" });
        let tried = |most: Option<u64>, prefix: &str| {
            let names: Vec<Value> = (0..40).map(|number| create(&format!("{prefix}{number}"))).collect();
            let mut operations = vec![names[0].clone(), missing.clone(), names[1].clone(), missing.clone()];
            operations.extend_from_slice(&names[2..]);
            let mut body = json!({ "schemas": [BULK], "Operations": operations });
            if let Some(most) = most {
                body["failOnErrors"] = json!(most);
            }
            let answer = client.post("/Bulk", &body).expect(200).json();
            statuses(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(tried(Some(1), "a"), ["201", "404"]);
        assert_eq!(client.found("/Users", "userName sw \"a\"").len(), 1);
        assert_eq!(tried(Some(2), "b"), ["201", "404", "201", "404"]);
        assert_eq!(tried(Some(3), "c").len(), 42);
        assert_eq!(tried(None, "d").iter().filter(|status| *status == "201").count(), 40);
        let first = json!({ "schemas": [BULK], "failOnErrors": 1, "Operations": [{ "method": "GET" }, create("z")] });
        assert_eq!(statuses(&client.post("/Bulk", &first).expect(200).json()), ["400"]);
    }

    // Requirement 59
    fn more_operations_or_bytes_than_allowed_are_refused_by_name_and_nothing_is_done(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let configuration = client.get("/ServiceProviderConfig").expect(200).json();
        let expected = json!({ "supported": true, "maxOperations": limits::BULK_OPERATIONS, "maxPayloadSize": limits::BODY_BYTES });
        assert_eq!(configuration["bulk"], expected);
        let before = all_rows(database);
        let many: Vec<Value> = (0..=limits::BULK_OPERATIONS).map(|number| create(&format!("u{number}"))).collect();
        let refusal = client.bulk(&json!(many)).expect_error(413, "").json();
        assert!(refusal["detail"].as_str().unwrap().contains("1000 operations"), "{refusal}");
        let mut large = create("large");
        large["data"]["unknownThing"] = json!(vec!["x".repeat(10_000); limits::BODY_BYTES / 10_000 + 1]);
        let refusal = client.bulk(&json!([large])).expect_error(413, "").json();
        assert!(refusal["detail"].as_str().unwrap().contains(&limits::BODY_BYTES.to_string()), "{refusal}");
        for body in ["", "[]", "{}", "{\"Operations\":1}", "{\"Operations\":[],\"Operations\":[]}", "{\"Operations\":[],\"failOnErrors\":0}"] {
            let status = client.send("POST", "/Bulk", &[], Some(body)).status;
            assert_eq!(status, 400, "{body}");
        }
        client.get("/Bulk").expect_error(405, "");
        assert_eq!(all_rows(database), before);
    }

    fn another_organization_and_another_connection_are_as_far_away_as_in_single_requests(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let other = server.organization("other").client;
        let (ada, group) = (acme.client.create_user("ada"), acme.client.create_group("g", &[]));
        let beside = server.connection(acme.id, "second", Profile::Default);
        let before = all_rows(database);
        let operations = |join: &str| json!([
            { "method": "DELETE", "path": format!("/Users/{ada}") },
            { "method": "PUT", "path": format!("/Users/{ada}"), "data": user("taken") },
            { "method": "PATCH", "path": format!("/Groups/{group}"), "data": [{ "op": "add", "path": "members", "value": [{ "value": join }] }] },
            { "method": "DELETE", "path": format!("/Groups/{group}") },
        ]);
        let answer = other.bulk(&operations(&ada)).expect(200).json();
        assert_eq!(statuses(&answer), ["404", "404", "404", "404"]);
        let answer = beside.bulk(&operations(&ada)).expect(200).json();
        assert_eq!(statuses(&answer), ["403", "403", "404", "404"]);
        assert_eq!(all_rows(database), before);
        let paused = server.administration().pause_connection(acme.id, &"first".parse().unwrap(), true).unwrap();
        assert!(paused.paused);
        acme.client.bulk(&operations(&ada)).expect_error(403, "");
    }

    fn whoever_leaves_in_a_bulk_request_has_left_when_it_is_answered(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let users: Vec<String> = (0..60).map(|number| client.create_user(&format!("u{number}"))).collect();
        let members: Vec<&str> = users.iter().map(String::as_str).collect();
        let group = client.create_group("g", &members);
        let leave = |id: &String| json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": [{ "op": "replace", "path": "active", "value": false }] });
        let remove = |id: &String| json!({ "method": "DELETE", "path": format!("/Users/{id}") });
        let operations: Vec<Value> = users[..30].iter().map(leave).chain(users[30..].iter().map(remove)).collect();
        let answer = client.bulk(&json!(operations)).expect(200).json();
        assert!(statuses(&answer).iter().all(|status| ["200", "204"].contains(status)), "{answer}");
        assert_eq!(client.members(&group).len(), 30);
        assert_eq!(client.found("/Users", "active eq true").len(), 0);
        assert_eq!(number(database, "SELECT count(*) FROM event WHERE action = 'user.deactivated'"), 30);
    }

    fn a_thousand_operations_share_their_commits(database: &Database) {
        statements::watch();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let operations: Vec<Value> = (0..limits::BULK_OPERATIONS).map(|number| create(&format!("u{number}"))).collect();
        statements::transactions();
        let answer = client.bulk(&json!(operations)).expect(200).json();
        let transactions = statements::transactions();
        assert!(statuses(&answer).iter().all(|status| *status == "201"));
        assert!(transactions < limits::BULK_OPERATIONS / 5, "{transactions} transactions");
        assert_eq!(client.get("/Users?count=0").json()["totalResults"], limits::BULK_OPERATIONS);
    }

    fn many_bulk_requests_at_once_all_get_their_answers(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let answers = in_parallel(12, 12, |client_number| {
            // Half of the names are wanted by another request as well.
            let name = |number: usize| if number.is_multiple_of(2) { format!("{client_number}-{number}") } else { format!("{}-{number}", client_number / 2) };
            let operations: Vec<Value> = (0..40).map(|number| create(&name(number))).collect();
            let answer = client.bulk(&json!(operations)).expect(200).json();
            let statuses = statuses(&answer);
            assert!(statuses.iter().all(|status| ["201", "409"].contains(status)), "{answer}");
            statuses.iter().filter(|status| **status == "201").count()
        });
        assert_eq!(answers.iter().sum::<usize>(), 12 * 20 + 6 * 20);
    }

    // Requirement 68
    fn a_bulk_request_counts_against_the_rate_limit_for_what_it_is_worth(database: &Database) {
        let server = Server::start_with(database, 20);
        let client = server.organization("acme").client;
        let operations: Vec<Value> = (0..150).map(|number| create(&format!("u{number}"))).collect();
        client.bulk(&json!(operations)).expect(200);
        // Soon over: its first operation fails. Were it worth one request, twenty would go through.
        let again = json!({ "schemas": [BULK], "failOnErrors": 1, "Operations": operations });
        let refusal = (0..20).map(|_| client.post("/Bulk", &again)).find(|answer| answer.status == 429);
        let refusal = refusal.expect("nobody is told to wait").expect_error(429, "");
        assert!(refusal.header("Retry-After").parse::<u64>().unwrap() >= 1);
    }
}
