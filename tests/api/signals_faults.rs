//! Receivers that hang, servers that die and much at once: nothing is lost, of each person nothing arrives before what came
//! before it, and nobody waits for another.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use muster::clock::Clock;
use muster::model::{CredentialKind, Destinations};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::rows::number;
use crate::support::{ACCEPTED, Client, Listener, Program, Received, Server, user};

const TAKEN: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const UNAVAILABLE: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn claims(received: &Received) -> Value {
    let payload = received.body.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The claims of a token that verifies under what the server has published.
#[track_caller]
fn verified(base: &str, received: &Received, (audience, algorithm): (&str, Algorithm)) -> Value {
    let public = Client { base: base.to_owned(), token: String::new() };
    let keys: JwkSet = serde_json::from_str(&public.get("/.well-known/jwks.json").expect(200).text).unwrap();
    let header = decode_header(&received.body).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["https://muster.example.com"]);
    decode(&received.body, &key, &validation).unwrap().claims
}

fn name(claims: &Value) -> String {
    claims["jti"].as_str().unwrap().to_owned()
}

fn event(claims: &Value) -> &str {
    claims["events"].as_object().unwrap().keys().next().unwrap()
}

fn leave(client: &Client, name: &str) {
    let id = client.post("/Users", &user(name)).expect(201).id();
    client.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
}

on_both_databases! {
    fn what_is_queued_outlives_a_server_that_is_killed(database: &Database) {
        let program = Program::on(database)
            .with("MUSTER_OUTBOUND_NETWORKS", "127.0.0.0/8")
            .with("MUSTER_PUBLIC_URL", "https://muster.example.com");
        let listener = Listener::start();
        listener.answer(UNAVAILABLE);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        program.done(&["receiver", "create", "ci", "--url", &listener.url, "--event", "session-revoked", "--event", "account-disabled"]);
        let elliptic = Listener::start();
        program.done(&["receiver", "create", "vpn", "--url", &elliptic.url, "--event", "account-disabled", "--algorithm", "ES256"]);
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        for name in ["ann@example.com", "bob@example.com", "cy@example.com"] {
            leave(&client, name);
        }
        let first = claims(&listener.next());
        server.kill();
        listener.answer(ACCEPTED);
        let again = program.serve(&[]);
        let mut told: BTreeMap<String, Value> = BTreeMap::from([(name(&first), first)]);
        let mut order: Vec<Value> = Vec::new();
        while order.len() < 6 {
            let received = listener.next();
            let next = verified(again.base(), &received, (listener.url.as_str(), Algorithm::RS256));
            // What was sent before the server died comes again, under the same name.
            assert_eq!(told.entry(name(&next)).or_insert_with(|| next.clone()), &next);
            if order.iter().all(|before| name(before) != name(&next)) {
                order.push(next);
            }
        }
        for person in ["ann@example.com", "bob@example.com", "cy@example.com"] {
            let events = order.iter().filter(|claims| claims["sub_id"]["email"] == person).map(event).collect::<Vec<_>>();
            assert!(events[0].ends_with("session-revoked") && events[1].ends_with("account-disabled"), "{events:?}");
        }
        let mut told: BTreeSet<String> = BTreeSet::new();
        while told.len() < 3 {
            let claims = verified(again.base(), &elliptic.next(), (elliptic.url.as_str(), Algorithm::ES256));
            assert!(event(&claims).ends_with("account-disabled"));
            told.insert(claims["sub_id"]["email"].to_string());
        }
        again.kill();
    }

    fn a_clock_that_is_put_back_keeps_no_receiver_waiting(database: &Database) {
        const HOURS: i64 = 10 * 3_600_000_000;
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let listener = Listener::start();
        listener.answer(UNAVAILABLE);
        let wanted = json!({ "name": "ci", "method": "push", "url": listener.url, "events": ["session-revoked"] });
        let id = admin.post("/receivers", &wanted).expect(201).id();
        server.clock.advance(HOURS);
        leave(&organization.client, "ann@example.com");
        let shown = || admin.get(&format!("/receivers/{id}")).expect(200).json();
        while shown()["failing_since"].is_null() {
            std::thread::yield_now();
        }
        listener.answer(ACCEPTED);
        server.clock.advance(-HOURS);
        while shown()["acknowledged_at"].is_null() {
            std::thread::yield_now();
        }
        assert_eq!(claims(&listener.next())["sub_id"]["email"], "ann@example.com");
    }

    fn a_receiver_that_was_told_by_one_is_not_failing_because_another_could_not_tell_it(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let wanted = json!({ "name": "ci", "method": "push", "url": url, "events": ["session-revoked"] });
        let id = admin.post("/receivers", &wanted).expect(201).id();
        let shown = || admin.get(&format!("/receivers/{id}")).expect(200).json();
        let waits_for = |statement: &str, expected: i64| {
            while number(database, statement) != expected {
                std::thread::yield_now();
            }
        };
        let waiting = "SELECT count(*) FROM signal WHERE finished_at IS NULL";
        for (name, tells_first) in [("ann@example.com", true), ("bob@example.com", false)] {
            leave(&organization.client, name);
            let (mut one, _) = listener.accept().unwrap();
            // The clock is moved beyond the end of its claim.
            server.clock.advance(3_600_000_000);
            let (mut another, _) = listener.accept().unwrap();
            if tells_first {
                one.write_all(TAKEN.as_bytes()).unwrap();
                waits_for(waiting, 0);
            }
            another.write_all(UNAVAILABLE.as_bytes()).unwrap();
            let now = server.clock.now().as_micros();
            waits_for(&format!("SELECT count(*) FROM receiver WHERE claimed_until <= {now}"), 1);
            if !tells_first {
                assert!(!shown()["failing_since"].is_null());
                one.write_all(TAKEN.as_bytes()).unwrap();
                waits_for(waiting, 0);
            }
            let shown = shown();
            assert!(shown["failing_since"].is_null() && !shown["acknowledged_at"].is_null(), "{shown}");
        }
    }

    fn a_receiver_that_hangs_keeps_nobody_else_waiting(database: &Database) {
        let server = Server::start(database);
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        // Connections are taken by the system and never answered.
        let hanging: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for (number, listener) in hanging.iter().enumerate() {
            let url = format!("http://{}/", listener.local_addr().unwrap());
            admin.post("/receivers", &json!({ "name": format!("hangs {number}"), "method": "push", "url": url })).expect(201);
        }
        let good = Listener::start();
        admin.post("/receivers", &json!({ "name": "good", "method": "push", "url": good.url, "events": ["session-revoked"] })).expect(201);
        let other = server.organization("other");
        let elsewhere = Listener::start();
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        stranger.post("/receivers", &json!({ "name": "theirs", "method": "push", "url": elsewhere.url, "events": ["session-revoked"] })).expect(201);
        for number in 0..10 {
            leave(&organization.client, &format!("leaver{number}@example.com"));
        }
        leave(&other.client, "zoe@example.com");
        assert_eq!(claims(&elsewhere.next())["sub_id"]["email"], "zoe@example.com");
        let told: BTreeSet<String> = (0..10).map(|_| claims(&good.next())["sub_id"]["email"].to_string()).collect();
        assert_eq!(told.len(), 10, "{told:?}");
        assert!(elsewhere.rest().is_empty(), "nobody is told of another organization's people");
    }
}
