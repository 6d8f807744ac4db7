//! What was told long ago is forgotten; what certificates need, and what still waits, is kept.

use muster::clock::Clock;
use muster::model::{CredentialKind, Destinations};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::rows::{lines, number};
use crate::support::{Database, FarSide, Listener, Server, user};

const HOUR: i64 = 3_600_000_000;

/// The events of signals, with `waits` behind those nobody has answered.
fn signals(database: &Database) -> Vec<String> {
    let mut all =
        lines(database, "SELECT event || CASE WHEN finished_at IS NULL THEN ' waits' ELSE '' END AS line FROM signal");
    all.sort();
    all
}

on_both_databases! {
    fn what_was_told_is_forgotten_but_that_somebody_is_gone(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let listener = Listener::start();
        let every = json!(["scim-created", "session-revoked", "account-disabled", "account-purged", "scim-deactivated", "scim-deleted", "account-enabled"]);
        admin.post("/receivers", &json!({ "name": "hears", "method": "push", "url": listener.url, "events": every })).expect(201);
        admin.post("/receivers", &json!({ "name": "fetches", "method": "poll", "events": ["scim-created"] })).expect(201);
        let set = |id: &str, active: bool| {
            let operations = json!([{ "op": "replace", "path": "active", "value": active }]);
            made.client.patch(&format!("/Users/{id}"), &operations).expect(200);
        };
        let id = made.client.post("/Users", &user("ann@example.com")).expect(201).id();
        for active in [false, true, false] {
            server.clock.advance(HOUR / 60);
            set(&id, active);
        }
        let told = || number(database, "SELECT count(*) FROM signal WHERE finished_at IS NOT NULL");
        while told() < 8 {
            std::thread::yield_now();
        }
        let certificate = || admin.get(&format!("/users/{id}/leaver-certificate")).expect(200).json()["statement"]["content"]["told"].clone();
        let before = certificate();
        let forget = |hours: i64| {
            let now = server.clock.now();
            server.live.forget_told((now.plus_micros(-hours * HOUR), now), || true).unwrap()
        };
        let whole = signals(database);
        assert_eq!((forget(10), signals(database).len()), (0, whole.len()), "it was told just now");
        server.clock.advance(20 * HOUR);
        assert_eq!(forget(10), 2, "created and enabled");
        let kept = signals(database);
        let gone: Vec<&String> = whole.iter().filter(|event| !event.contains("create:notice") && !event.contains("account-enabled")).collect();
        let expected: Vec<&String> = kept.iter().filter(|event| !event.ends_with("waits")).collect();
        assert_eq!(gone, expected);
        assert_eq!(kept.iter().filter(|event| event.ends_with("waits")).count(), 1, "what nobody has fetched is kept: {kept:?}");
        assert_eq!(certificate(), before, "what the certificate tells of is kept");
        assert_eq!(before.as_array().map(Vec::len), Some(3), "{before}");
        assert_eq!(forget(10), 0);
    }

    fn notifications_and_notices_that_are_over_are_forgotten(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let far = FarSide::start(|_| (200, String::new()));
        let subscription = admin.post("/notifications", &json!({ "url": far.url, "kinds": ["connection-failing"] })).expect(201).id();
        let look = || muster::service::notifications::look(&crate::console::services(&server), || true).unwrap();
        made.client.post("/Users", &json!({ "schemas": [] })).expect(400);
        look();
        made.client.post("/Users", &user("ann")).expect(201);
        look();
        made.client.post("/Users", &json!({ "schemas": [] })).expect(400);
        look();
        let notices = || number(database, "SELECT count(*) FROM notice");
        assert_eq!((notices(), number(database, "SELECT count(*) FROM notification")), (2, 3));
        server.clock.advance(20 * HOUR);
        let now = server.clock.now();
        let forgotten = server.live.forget_told((now.plus_micros(-10 * HOUR), now), || true).unwrap();
        assert_eq!((forgotten, notices(), number(database, "SELECT count(*) FROM notification")), (4, 1, 0), "one still stands");
        let _: Value = admin.get(&format!("/notifications/{subscription}")).expect(200).json();
    }
}
