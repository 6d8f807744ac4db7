//! Receivers that hang, servers that die and much at once: nothing is lost, nothing arrives before what came before it, and
//! nobody waits for another.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::model::{CredentialKind, Destinations};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::{ACCEPTED, Client, Listener, Program, Received, Server, user};

const UNAVAILABLE: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn claims(received: &Received) -> Value {
    let payload = received.body.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
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
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        for name in ["ann@example.com", "bob@example.com", "cy@example.com"] {
            leave(&client, name);
        }
        let first = claims(&listener.next());
        server.kill();
        listener.answer(ACCEPTED);
        let again = program.serve(&[]);
        let mut told: Vec<Value> = Vec::new();
        while told.len() < 6 {
            let next = claims(&listener.next());
            // What was sent before the server died comes again, under the same name.
            if next["jti"] == first["jti"] {
                assert_eq!(next, first);
            }
            if told.last().is_none_or(|last| last["jti"] != next["jti"]) {
                told.push(next);
            }
        }
        let about: Vec<&str> = told.iter().map(|claims| claims["sub_id"]["email"].as_str().unwrap()).collect();
        assert_eq!(about, ["ann@example.com", "ann@example.com", "bob@example.com", "bob@example.com", "cy@example.com", "cy@example.com"]);
        assert_eq!(told[0], first, "in the order of what happened, from where it had stopped");
        again.kill();
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
        for number in 0..10 {
            assert_eq!(claims(&good.next())["sub_id"]["email"], format!("leaver{number}@example.com"), "in order");
        }
        assert!(elsewhere.rest().is_empty(), "nobody is told of another organization's people");
    }
}
