//! Wherever an address can be named to which this server then connects, none leads inside: refused when it is named, or
//! when its name turns out to lead there; a sensor on this machine sees no connection at all.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster::model::CredentialKind;
use serde_json::{Value, json};

use super::administration::administrator;
use super::leavers::active;
use crate::support::{Answer, Client, Server, Signer};

/// Counts who connects to this machine at its port.
struct Sensor {
    port: u16,
    connects: Arc<AtomicUsize>,
}

impl Sensor {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connects = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connects);
        // The other family too, where this machine has it.
        let sixth = TcpListener::bind(("::1", port)).ok();
        for listener in std::iter::once(listener).chain(sixth) {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || {
                for _stream in listener.incoming() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, connects }
    }

    /// Every way to write an address inside, and what is none of the web.
    fn targets(&self) -> Vec<String> {
        let here = [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "0.0.0.0",
            "0",
            "127.255.255.254",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "127.0.0.1.",
            "user@127.0.0.1",
            "user:pw@127.0.0.1",
            "example.com@127.0.0.1",
            "127。0。0。1",
            "１２７.0.0.1",
            "%31%32%37.0.0.1",
        ];
        let inside = [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "0.1.2.3",
            "[fd00::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[2001:db8::1]",
            "[2001::1]",
        ];
        let mut all: Vec<String> = here.iter().map(|host| format!("https://{host}:{}/x", self.port)).collect();
        all.extend(inside.iter().map(|host| format!("https://{host}/x")));
        // The public internet is reached by TLS only, and by nothing that is not the web.
        all.extend(
            ["ftp", "file", "gopher", "ws", "data", "http"]
                .map(|scheme| format!("{scheme}://127.0.0.1:{}/x", self.port)),
        );
        all.push("http://93.184.216.34/x".to_owned());
        all
    }

    /// Names that lead here, which is known only once somebody asks for them.
    fn names(&self) -> Vec<String> {
        ["localhost", "LOCALHOST", "localhost."].map(|name| format!("https://{name}:{}/x", self.port)).to_vec()
    }

    fn assert_quiet(&self) {
        assert_eq!(self.connects.load(Ordering::SeqCst), 0, "somebody has connected");
    }
}

/// Everything that takes an address, by what it is called.
fn surfaces(admin: &Client, receiver: &Client, connection: &Value, url: &str) -> Vec<(&'static str, Answer)> {
    let issuer = json!({ "connection": connection, "issuer": format!("https://sts.example/{url}"), "audience": "a",
        "claims": { "tid": "t" }, "keys_url": url });
    let source = json!({ "organization": "acme", "token": "t", "api": url });
    let provider = json!({ "issuer": url, "client_id": "c", "client_secret": "s" });
    let stream = json!({ "delivery": { "method": "urn:ietf:rfc:8935", "endpoint_url": url } });
    vec![
        ("a push", admin.post("/receivers", &json!({ "name": format!("push {url}"), "method": "push", "url": url }))),
        (
            "a webhook",
            admin.post("/receivers", &json!({ "name": format!("hook {url}"), "method": "webhook", "url": url })),
        ),
        ("a stream", receiver.post("/ssf/stream", &stream)),
        ("a notification", admin.post("/notifications", &json!({ "url": url, "kinds": ["brake-fired"] }))),
        ("keys of an outside issuer", admin.post("/issuers", &issuer)),
        ("keys of a client", admin.post("/clients", &json!({ "kind": "pep", "keys_url": url }))),
        ("a downstream system", admin.post("/systems", &json!({ "name": format!("system {url}"), "github": source }))),
        ("an identity provider", admin.put("/identity-provider", &provider)),
    ]
}

on_both_databases! {
    fn no_address_that_leads_inside_is_taken_anywhere(database: &Database) {
        let server = Server::start(database);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let receiver = Client { base: server.url.clone(), token: administrator(&server, made.id, CredentialKind::Receiver).token };
        let connection = admin.get("/connections").expect(200).json()["items"][0]["id"].clone();
        let sensor = Sensor::start();
        let targets = sensor.targets();
        assert!(targets.len() >= 50, "{}", targets.len());
        for url in &targets {
            for (surface, answer) in surfaces(&admin, &receiver, &connection, url) {
                assert_eq!(answer.status, 400, "{surface} at {url}: {}", answer.text);
            }
        }
        sensor.assert_quiet();
    }

    fn a_name_that_leads_inside_is_not_connected_to_when_it_is_used(database: &Database) {
        let server = Server::start(database);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let connection = admin.get("/connections").expect(200).json()["items"][0]["id"].clone();
        let sensor = Sensor::start();
        let signer = Signer::new("idp");
        let mut receivers = 0;
        for url in sensor.names() {
            for method in ["push", "webhook"] {
                let answer = admin.post("/receivers", &json!({ "name": format!("{method} {url}"), "method": method, "url": url }));
                receivers += usize::from(answer.status == 201);
            }
            let source = json!({ "organization": "acme", "token": "t", "api": url });
            let system = admin.post("/systems", &json!({ "name": url, "github": source }));
            if system.status == 201 {
                let refused = admin.post(&format!("/systems/{}/reconciliations", system.id()), &json!({})).expect(409).text;
                assert!(!refused.contains("refused"), "whether anybody listens there is not told: {refused}");
            }
            let issuer = json!({ "connection": connection, "issuer": url, "audience": "a", "claims": { "tid": "t" }, "keys_url": url });
            admin.post("/issuers", &issuer);
            let now = server.clock.now().as_micros() / 1_000_000;
            let token = signer.sign(&json!({ "iss": url, "aud": "a", "tid": "t", "sub": "s", "iat": now, "exp": now + 60 }));
            let answer = Client { base: format!("{}/scim/v2", server.url), token }.get("/Users");
            assert!([401, 503].contains(&answer.status), "{}", answer.text);
        }
        let ada = made.client.create_user("ada");
        made.client.patch(&format!("/Users/{ada}"), &active(false)).expect(200);
        // Every receiver was tried, and found to lead where nobody goes.
        let tried = || {
            let all = admin.get("/receivers?limit=100").expect(200).json()["items"].as_array().unwrap().clone();
            all.iter().filter(|one| one["last_error"].is_string()).count()
        };
        while tried() < receivers {
            std::thread::yield_now();
        }
        sensor.assert_quiet();
    }
}
