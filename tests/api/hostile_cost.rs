//! Requests made to cost: four times as much of the same costs about four times as much.

use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{BULK, Client, ENTERPRISE, Server, USER, allocations, statements};

/// Each is asked so often; what the server does besides makes requests dearer, never cheaper, so the cheapest counts.
const TIMES: usize = 5;
/// So many times the size.
const LARGER: usize = 4;
/// What costs 2.5 times as much for twice the size, and again.
const DEARER: f64 = 2.5 * 2.5;
/// What is counted, for time hangs on what else the machine does, and how many of each say nothing: a small request takes
/// so many, and so does what the server does besides. What is only looked at takes none: `benches/growth.rs` measures it.
const COUNTED: [(&str, u32); 3] = [("allocations", 2_000), ("bytes", 500_000), ("statements", 20)];

/// What a request costs, as it is counted: the server is in this process.
fn cost(request: impl FnOnce()) -> [usize; 3] {
    drop(statements::on_resources());
    let asked = allocations::during(request);
    [asked.times, asked.bytes, statements::on_resources().len()]
}

/// The least a request of a size costs, and one of four times the size, asked in turn.
fn grows_no_faster(what: &str, size: usize, request: impl Fn(usize)) {
    let sizes = [size, size * LARGER];
    let mut least = [[usize::MAX; COUNTED.len()]; 2];
    for _ in 0..TIMES {
        for (size, least) in sizes.iter().zip(&mut least) {
            let costs = cost(|| request(*size));
            *least = std::array::from_fn(|at| costs[at].min(least[at]));
        }
    }
    for (at, (counted, few)) in COUNTED.into_iter().enumerate() {
        let [small, large] = least.map(|least| u32::try_from(least[at]).unwrap());
        let ratio = f64::from(large) / f64::from(small.max(few));
        let found =
            format!("{what}: {small} {counted} for {size}, {large} for {LARGER} times as much: {ratio:.2} times");
        println!("{found}");
        assert!(ratio < DEARER, "{found}");
    }
}

fn filtered(client: &Client, filter: &str, statuses: &[u16]) {
    let answer = client.filter("/Users", filter);
    assert!(statuses.contains(&answer.status), "{:.80}: {}", filter, answer.text);
}

on_both_databases! {
    fn a_filter_costs_no_more_than_its_length(database: &Database) {
        statements::watch();
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
        statements::watch();
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
        statements::watch();
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
