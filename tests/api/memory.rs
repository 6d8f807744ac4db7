//! What a single request may cost in memory, and the answer of somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use muster::clock::Clock;
use muster::model::limits;
use serde_json::json;

use super::leavers::active;
use crate::support::{Client, FarSide, Program, Signer};

/// What the largest and the heaviest bodies may cost over what the server has anyway, in MiB: a body is held twice while it
/// arrives, on any thread; one that is too heavy is refused before anything of it is built; of the others what is built is
/// copied once, 24 MiB each time. Measured: 69 to 101, with what the allocator keeps for each thread.
const MOST: u64 = 160;

/// An answer nobody expects, in bytes.
const HUGE: usize = 96 << 20;

on_both_databases! {
    fn a_body_of_very_many_small_values_costs_little_memory(database: &Database) {
        let server = Program::on(database).serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        let id = client.post("/Users", &json!({ "userName": "ada" })).expect(201).id();
        let before = server.peak_memory();
        for small in ["[0],", "{\"\":0},", "0,", "[],", "\"\","] {
            let count = (limits::BODY_BYTES - 100) / small.len();
            for name in ["emails", "unknownThing"] {
                let body = format!("{{\"userName\":\"ada\",\"{name}\":[{}0]}}", small.repeat(count));
                client.send("PUT", &format!("/Users/{id}"), &[], Some(&body)).expect_error(400, "invalidSyntax");
            }
        }
        let cost = server.peak_memory() - before;
        assert!(cost < MOST, "{cost} MiB");
        for (small, weight) in [("[0],", 6), ("{\"\":0},", 7), ("0,", 2), ("[],", 6), ("\"\",", 2)] {
            let count = (limits::JSON_WEIGHT - 20) / weight;
            let body = format!("{{\"userName\":\"ada\",\"unknownThing\":[{}0]}}", small.repeat(count));
            client.send("PUT", &format!("/Users/{id}"), &[], Some(&body)).expect(200);
        }
        let cost = server.peak_memory() - before;
        assert!(cost < MOST, "{cost} MiB");
        client.get(&format!("/Users/{id}")).expect(200);
    }
    fn bodies_made_to_exhaust_a_reader_are_refused_and_leave_nothing_behind(database: &Database) {
        let server = Program::on(database).serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        // What each thread keeps for the bodies it reads is there once ordinary large ones have come.
        let ordinary = vec!["x".repeat(10_000); 100];
        for number in 0..16 {
            client.post("/Users", &json!({ "userName": format!("u{number}"), "unknownThing": ordinary })).expect(201);
        }
        let named = |value: &str| format!("{{\"userName\":\"eve\",\"unknownThing\":{value}}}");
        let keys = |count: usize| (0..count).fold(String::new(), |keys, number| keys + &format!("\"k{number}\":0,"));
        let bodies = [
            (400, named(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))),
            (400, named(&format!("{}0{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)))),
            (413, format!("{{{}\"userName\":\"eve\"}}", keys(1_000_000))),
            (400, format!("{{{}\"userName\":\"eve\"}}", keys(200_000))),
            (400, format!("{{\"userName\":{}}}", "9".repeat(1_000_000))),
            (400, "{\"userName\":1e999999}".to_owned()),
            (400, "{\"userName\":\"eve\",\"Active\":true,\"active\":false}".to_owned()),
            (400, "{\"userName\":\"eve\\ud800\"}".to_owned()),
            (400, "\u{feff}{\"userName\":\"eve\"}".to_owned()),
            (400, "{\"userName\":\"eve\\u0000\"}".to_owned()),
        ];
        for (status, body) in &bodies {
            let before = server.peak_memory();
            let answer = client.send("POST", "/Users", &[], Some(body));
            let cost = server.peak_memory() - before;
            assert_eq!(answer.status, *status, "a body of {} bytes", body.len());
            assert!(cost < 16, "{cost} MiB for a body of {} bytes", body.len());
        }
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 16);
    }

    fn what_others_answer_is_read_no_further_than_an_answer_may_be_long(database: &Database) {
        let program = Program::on(database).with("MUSTER_OUTBOUND_NETWORKS", "127.0.0.0/8").with("MUSTER_RATE_LIMIT", "0");
        let server = program.serve(&[]);
        let (base, token) = server.first_lines();
        let client = Client { base, token };
        let admin = program.done(&["token", "issue", "--kind", "admin"]).trim().to_owned();
        let admin = Client { base: format!("{}/api/v1", server.base()), token: admin };
        let is_huge = Arc::new(AtomicBool::new(false));
        let huge = Arc::clone(&is_huge);
        let far = FarSide::start(move |_| (200, if huge.load(Ordering::SeqCst) { "x".repeat(HUGE) } else { "{}".to_owned() }));
        admin.post("/receivers", &json!({ "name": "hook", "method": "webhook", "url": far.url })).expect(201);
        let leave = |name: &str| {
            let id = client.create_user(name);
            client.patch(&format!("/Users/{id}"), &active(false)).expect(200);
        };
        // What the client keeps for good is there once somebody has answered as they should.
        leave("ada");
        far.next();
        is_huge.store(true, Ordering::SeqCst);
        let before = server.peak_memory();
        leave("ben");
        while !admin.get("/receivers").expect(200).text.contains("the answer is larger than 16384 bytes") {
            std::thread::yield_now();
        }
        let issuer = json!({ "connection": admin.get("/connections").expect(200).json()["items"][0]["id"],
            "issuer": "https://sts.example/", "audience": "a", "claims": { "tid": "t" }, "keys_url": format!("{}/keys", far.url) });
        admin.post("/issuers", &issuer).expect(201);
        let now = Clock::system().now().as_micros() / 1_000_000;
        let claims = json!({ "iss": "https://sts.example/", "aud": "a", "tid": "t", "sub": "s", "iat": now, "exp": now + 60 });
        let outsider = Client { token: Signer::new("idp").sign(&claims), ..client.clone() };
        outsider.get("/Users").expect(503);
        let source = json!({ "organization": "acme", "token": "t", "api": far.url });
        let system = admin.post("/systems", &json!({ "name": "GitHub", "github": source })).expect(201).id();
        let refused = admin.post(&format!("/systems/{system}/reconciliations"), &json!({})).expect(409);
        assert!(refused.text.contains("the answer is larger than 2097152 bytes"), "{}", refused.text);
        let provider = json!({ "issuer": far.url, "client_id": "c", "client_secret": "s" });
        assert!(admin.put("/identity-provider", &provider).status >= 400);
        let cost = server.peak_memory() - before;
        assert!(cost < u64::try_from(HUGE).unwrap() / (1 << 20) / 2, "{cost} MiB for answers of {HUGE} bytes");
    }
}
