//! Requests made to cost: four times as much of the same costs about four times as much.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{BULK, Client, ENTERPRISE, Server, USER};

/// Each is asked so often; what the machine does besides makes requests dearer, never cheaper, so the cheapest counts.
const TIMES: usize = 7;
/// So many times the size.
const LARGER: usize = 4;
/// What costs 2.5 times as much for twice the size, and again.
const DEARER: f64 = 2.5 * 2.5;

/// The processor time of all threads of this process, in nanoseconds: the server is in it. What others do beside does not
/// count.
fn processor_time() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = |thread: std::io::Result<std::fs::DirEntry>| {
        let spent = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap_or_default();
        spent.split(' ').next().and_then(|spent| spent.parse::<u64>().ok()).unwrap_or_default()
    };
    threads.map(spent).sum()
}

/// The least a request of a size costs, and one of four times the size, asked in turn.
fn grows_no_faster(what: &str, size: usize, request: impl Fn(usize)) {
    let sizes = [size, size * LARGER];
    let mut least = [u64::MAX; 2];
    for _ in 0..TIMES {
        for (size, least) in sizes.iter().zip(&mut least) {
            let before = processor_time();
            request(*size);
            *least = processor_time().saturating_sub(before).min(*least);
        }
    }
    let [small, large] = least.map(Duration::from_nanos);
    let ratio = large.as_secs_f64() / small.as_secs_f64().max(1e-9);
    assert!(ratio < DEARER, "{what}: {small:?} for {size}, {large:?} for {LARGER} times as much: {ratio:.2} times");
}

fn filtered(client: &Client, filter: &str, statuses: &[u16]) {
    let answer = client.filter("/Users", filter);
    assert!(statuses.contains(&answer.status), "{:.80}: {}", filter, answer.text);
}

on_both_databases! {
    fn a_filter_costs_no_more_than_its_length(database: &Database) {
        let server = Server::start_with(database, 0);
        let client = server.organization("acme").client;
        for number in 0..20 {
            client.post("/Users", &json!({ "userName": format!("person {number}"), "title": "a".repeat(1_000) })).expect(201);
        }
        grows_no_faster("alternatives", 50, |size| filtered(&client, &vec!["title co \"ab\""; size].join(" or "), &[200]));
        grows_no_faster("parentheses", 7, |size| filtered(&client, &format!("{}title pr{}", "(".repeat(size), ")".repeat(size)), &[200]));
        grows_no_faster("negations", 7, |size| filtered(&client, &format!("{}title pr{}", "not (".repeat(size), ")".repeat(size)), &[200]));
        grows_no_faster("what is sought", 3_000, |size| filtered(&client, &format!("title co \"{}b\"", "a".repeat(size)), &[200]));
        grows_no_faster("parentheses without end", 3_000, |size| filtered(&client, &"(".repeat(size), &[400]));
        grows_no_faster("brackets without end", 500, |size| filtered(&client, &"emails[".repeat(size), &[400]));
    }

    fn a_body_costs_no_more_than_its_length(database: &Database) {
        let server = Server::start_with(database, 0);
        let client = server.organization("acme").client;
        let path = format!("/Users/{}", client.post("/Users", &json!({ "userName": "ada" })).expect(201).id());
        let put = |body: &str, status: u16| {
            client.send("PUT", &path, &[], Some(body)).expect(status);
        };
        let unknown = |inner: &str| format!("{{\"userName\":\"ada\",\"unknown\":{inner}}}");
        grows_no_faster("small values", 30_000, |size| put(&unknown(&format!("[{}0]", "0,".repeat(size))), 200));
        grows_no_faster("names", 7_000, |size| {
            let members: Vec<String> = (0..size).map(|number| format!("\"k{number}\":1")).collect();
            put(&unknown(&format!("{{{}}}", members.join(","))), 200);
        });
        grows_no_faster("brackets without end", 200_000, |size| put(&"[".repeat(size), 400));
        grows_no_faster("one long text", 200_000, |size| put(&unknown(&format!("\"{}\"", "x".repeat(size))), 400));
        grows_no_faster("digits", 200_000, |size| put(&unknown(&"9".repeat(size)), 400));
        let patch = |operations: &Value| {
            client.patch(&path, operations).expect(200);
        };
        grows_no_faster("operations", 1_000, |size| {
            patch(&Value::from((0..size).map(|number| json!({ "op": "replace", "path": "title", "value": format!("{number}") })).collect::<Vec<_>>()));
        });
        grows_no_faster("values", 200, |size| {
            let emails: Vec<Value> = (0..size).map(|number| json!({ "value": format!("{number}@example.com"), "type": "work" })).collect();
            patch(&json!([{ "op": "replace", "path": "emails", "value": emails }]));
        });
    }

    fn a_bulk_request_costs_no_more_than_its_length_and_changes_nothing_when_all_of_it_hangs_on_what_fails(database: &Database) {
        let server = Server::start_with(database, 0);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        let user = |name: &str, manager: &str| {
            json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": {
                "schemas": [USER, ENTERPRISE], "userName": name, ENTERPRISE: { "manager": { "value": format!("bulkId:{manager}") } } } })
        };
        let broken = json!({ "method": "POST", "path": "/Users", "bulkId": "broken", "data": { "userName": "" } });
        let fails = |mut operations: Vec<Value>| {
            operations.push(broken.clone());
            let answer = client.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).expect(200).json();
            let answered = answer["Operations"].as_array().unwrap();
            assert!(answered.iter().all(|one| one["status"] == "409" || one["status"] == "400"), "{answer}");
            assert_eq!(answered.len(), operations.len());
        };
        grows_no_faster("a chain", 200, |size| {
            let next = |number: usize| if number + 1 == size { "broken".to_owned() } else { format!("u{}", number + 1) };
            fails((0..size).map(|number| user(&format!("u{number}"), &next(number))).collect());
        });
        grows_no_faster("all hang on one", 200, |size| fails((0..size).map(|number| user(&format!("u{number}"), "broken")).collect()));
        grows_no_faster("one hangs on one, very often", 5_000, |size| {
            let members = vec![json!({ "value": "bulkId:broken" }); size];
            fails(vec![json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "g", "members": members } })]);
        });
        assert_eq!(all_rows(database), before);
    }
}
