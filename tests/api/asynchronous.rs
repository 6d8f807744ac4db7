//! Requests answered before their outcome is told (RFC 9967 §2.5.1): what was accepted is done, and told once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::listening::{Listening, fetch};
use crate::support::{Answer, BULK, Client, Program, group, user};

const DONE: &str = "urn:ietf:params:scim:event:misc:asyncresp";
const PREFER: [(&str, &str); 2] = [("Prefer", "respond-async"), ("Content-Type", "application/scim+json")];

impl Listening {
    fn switch(&self, on: bool) {
        let connection =
            self.admin.get("/connections").expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
        let body = json!({ "security_events": on }).to_string();
        let changed = self.admin.send("PATCH", &format!("/connections/{connection}"), &[], Some(&body)).expect(200);
        assert_eq!(changed.json()["security_events"], on);
    }

    fn prefer(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = (!body.is_null()).then(|| body.to_string());
        self.organization.client.send(method, path, &PREFER, body.as_deref())
    }
}

fn said(claims: &Value) -> &Value {
    &claims["events"][DONE]
}

on_both_databases! {
    fn an_outcome_is_told_where_the_connection_has_switched_that_on_and_somebody_hears_it(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        let create = |name: &str| fixture.prefer("POST", "/Users", &user(name));
        let stream = fixture.stream(&[DONE]);
        create("before@example.com").expect(201);
        assert!(client.get("/ServiceProviderConfig").expect(200).json().get("securityEvents").is_none());
        fixture.switch(true);
        let announced = client.get("/ServiceProviderConfig").expect(200).json()["securityEvents"].clone();
        assert_eq!(announced["asyncRequest"], "request");
        let uris = announced["eventUris"].as_array().unwrap();
        assert!(uris.contains(&json!(DONE)) && uris.iter().all(|uri| uri.as_str().unwrap().starts_with("urn:ietf:params:scim:event:")));
        let accepted = create("ann@example.com").expect(202);
        assert_eq!((accepted.text.as_str(), accepted.header("Preference-Applied")), ("", "respond-async"));
        let told = fixture.fetch(&stream);
        assert_eq!((told.len(), told[0]["txn"].as_str().unwrap()), (1, accepted.header("Set-Txn")));
        let uri = told[0]["sub_id"]["uri"].as_str().unwrap().to_owned();
        assert_eq!(told[0]["sub_id"]["format"], "scim");
        assert!(accepted.header("Location").ends_with(&format!("/scim/v2{uri}")), "{uri}");
        let there = client.get(&uri).expect(200);
        let expected = json!({ "method": "POST", "status": "201", "location": accepted.header("Location"), "version": there.header("ETag") });
        assert_eq!((said(&told[0]), &there.json()["userName"]), (&expected, &json!("ann@example.com")));
        // What is refused is answered at once, and so is what nobody prefers otherwise, or would wait for.
        create("ann@example.com").expect(409);
        client.post("/Users", &user("cy@example.com")).expect(201);
        let waits = [("Prefer", "respond-async, wait=10"), PREFER[1]];
        client.send("POST", "/Users", &waits, Some(&user("dora@example.com").to_string())).expect(201);
        assert_eq!(fixture.fetch(&stream), Vec::<Value>::new());
        let change = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "title", "value": "boss" }] });
        for (method, body, status) in [("PATCH", change.clone(), "200"), ("PATCH", change, "200"), ("PUT", user("ann@example.com"), "200"),
            ("DELETE", Value::Null, "204")] {
            let accepted = fixture.prefer(method, &uri, &body).expect(202);
            assert!(accepted.header("Location").ends_with(&uri));
            let told = fixture.fetch(&stream);
            assert_eq!((told.len(), &told[0]["txn"]), (1, &json!(accepted.header("Set-Txn"))), "{method}");
            assert_eq!((&said(&told[0])["method"], &said(&told[0])["status"]), (&json!(method), &json!(status)));
        }
        client.get(&uri).expect(404);
        // Nobody hears: everything is answered at once.
        fixture.ssf.delete(&format!("/stream?stream_id={stream}")).expect(204);
        create("eve@example.com").expect(201);
        fixture.stream(&[DONE]);
        fixture.switch(false);
        create("fay@example.com").expect(201);
    }

    fn outcomes_about_groups_are_told_too(database: &Database) {
        let fixture = Listening::new(database);
        fixture.switch(true);
        let stream = fixture.stream(&[DONE]);
        let ann = fixture.organization.client.create_user("ann@example.com");
        fixture.prefer("POST", "/Groups", &group("crew", &[&ann])).expect(202);
        let uri = fixture.fetch(&stream)[0]["sub_id"]["uri"].as_str().unwrap().to_owned();
        assert_eq!(fixture.organization.client.get(&uri).expect(200).json()["members"][0]["value"], json!(ann));
        let out = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "remove", "path": "members" }] });
        for (method, body) in [("PATCH", &out), ("PATCH", &out), ("PUT", &group("crew", &[])), ("DELETE", &Value::Null)] {
            let accepted = fixture.prefer(method, &uri, body).expect(202);
            let told = fixture.fetch(&stream);
            assert_eq!((told.len(), &told[0]["txn"], &told[0]["sub_id"]["uri"]), (1, &json!(accepted.header("Set-Txn")), &json!(uri)), "{method}");
        }
        fixture.organization.client.get(&uri).expect(404);
    }

    fn every_operation_of_a_bulk_request_is_told_by_itself(database: &Database) {
        let fixture = Listening::new(database);
        fixture.switch(true);
        let stream = fixture.stream(&[DONE]);
        let bulk = |operations: &Value, errors: u64| fixture.prefer("POST", "/Bulk",
            &json!({ "schemas": [BULK], "failOnErrors": errors, "Operations": operations }));
        let post = |name: &str, id: &str| json!({ "method": "POST", "path": "/Users", "bulkId": id, "data": user(name) });
        let accepted = bulk(&json!([post("a@example.com", "a"), post("a@example.com", "b"),
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": group("crew", &["bulkId:a"]) },
            { "method": "DELETE", "path": "/Users/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a" }]), 9).expect(202);
        assert_eq!((accepted.text.as_str(), accepted.header("Location")), ("", ""));
        let told = fixture.fetch(&stream);
        let by_place: BTreeMap<&str, &Value> = told.iter().map(|claims| (claims["txn"].as_str().unwrap(), said(claims))).collect();
        let place = |at: usize| by_place[format!("{}:{at}", accepted.header("Set-Txn")).as_str()];
        assert_eq!((told.len(), by_place.len()), (4, 4));
        for (at, status, bulk_id) in [(0, "201", json!("a")), (1, "409", json!("b")), (2, "201", json!("g")), (3, "404", Value::Null)] {
            assert_eq!((&place(at)["status"], &place(at)["bulkId"]), (&json!(status), &bulk_id), "{at}");
        }
        assert_eq!(place(1)["response"]["scimType"], "uniqueness");
        assert!(place(0).get("response").is_none());
        // Operations that refer to each other in a circle take two steps and are told once; those not tried are told too.
        let circle = |name: &str, other: &str| json!({ "method": "POST", "path": "/Groups", "bulkId": name,
            "data": group(name, &[&format!("bulkId:{other}")]) });
        bulk(&json!([circle("x", "y"), circle("y", "x")]), 9).expect(202);
        let told = fixture.fetch(&stream);
        assert_eq!(told.len(), 2, "{told:?}");
        bulk(&json!([post("a@example.com", "c"), post("b@example.com", "d")]), 1).expect(202);
        let mut statuses: Vec<Value> = fixture.fetch(&stream).iter().map(|claims| said(claims)["status"].clone()).collect();
        statuses.sort_by_key(Value::to_string);
        assert_eq!(statuses, [json!("409"), json!("424")]);
    }

    fn what_was_accepted_is_done_and_told_once_whenever_the_server_is_killed(database: &Database) {
        let program = Program::on(database).with("MUSTER_RATE_LIMIT", "0");
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        program.done(&["connection", "security-events", "default", "on"]);
        let made = program.done(&["receiver", "create", "answers", "--method", "poll", "--event", "scim-asynchronous-response"]);
        let (stream, secret) = made.trim().split_once('\n').unwrap();
        let answered = AtomicUsize::new(0);
        let base = format!("{}/scim/v2/Users", server.base());
        let accepted: BTreeSet<String> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|thread| {
                let (answered, base, token) = (&answered, &base, &token);
                scope.spawn(move || until_it_dies(base, token, thread, answered))
            }).collect();
            while answered.load(Ordering::Relaxed) < 40 {
                std::thread::yield_now();
            }
            server.kill();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        assert!(accepted.len() >= 40);
        let again = program.serve(&[]);
        let ssf = Client { base: format!("{}/ssf", again.base()), token: secret.to_owned() };
        let mut told: Vec<Value> = Vec::new();
        loop {
            let more = fetch(&ssf, stream, &json!({ "returnImmediately": true }));
            if more.is_empty() {
                break;
            }
            told.extend(more);
        }
        let unique = |part: &dyn Fn(&Value) -> String| -> BTreeSet<String> {
            let all: BTreeSet<String> = told.iter().map(part).collect();
            assert_eq!(all.len(), told.len(), "each is told once");
            all
        };
        let transactions = unique(&|claims| claims["txn"].as_str().unwrap().to_owned());
        assert!(accepted.is_subset(&transactions), "nothing that was accepted is lost");
        let resources = unique(&|claims| claims["sub_id"]["uri"].as_str().unwrap().to_owned());
        let client = Client { base: format!("{}/scim/v2", again.base()), token };
        let page = client.get("/Users?count=1000").expect(200).json();
        assert!(page["totalResults"].as_u64().unwrap() < 1_000);
        let there: BTreeSet<String> = crate::support::ids(&page).iter().map(|id| format!("/Users/{id}")).collect();
        assert_eq!(resources, there, "whatever was done is told, and nothing else");
        again.kill();
    }
}

/// Creates users until the server does not answer; the transactions it has accepted.
fn until_it_dies(base: &str, token: &str, thread: usize, answered: &AtomicUsize) -> Vec<String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(8)));
    let agent: ureq::Agent = config.build().into();
    let mut accepted = Vec::new();
    for number in 0.. {
        let request =
            agent.post(base).header("Authorization", format!("Bearer {token}")).header("Prefer", "respond-async");
        let body = user(&format!("u{thread}-{number}@example.com")).to_string();
        let Ok(answer) = request.header("Content-Type", "application/scim+json").send(body) else { break };
        assert_eq!(answer.status(), 202);
        accepted.push(answer.headers()["Set-Txn"].to_str().unwrap().to_owned());
        answered.fetch_add(1, Ordering::Relaxed);
    }
    accepted
}
