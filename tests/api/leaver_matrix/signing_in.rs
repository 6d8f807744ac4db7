//! Signing in by an identity provider, begun before access is lost and finished after it.

use muster::clock::Clock;
use muster::model::Destinations;
use serde_json::json;

use super::{SESSION, Stage, WAYS, active};
use crate::console::Browser;
use crate::console::identity::{Attempt, Provider};
use crate::support::{Backend, Database, Server};

const ATTEMPT: &str = "__Host-muster-attempt";

/// Ada on her way back from her identity provider, to one server.
struct Underway {
    browser: Browser,
    attempt: Attempt,
}

impl Underway {
    /// Begun at one server; the browser comes back to another.
    fn begin(begun_at: &Server, back_at: &Server, slug: &str) -> Self {
        let browser = Browser::new(begun_at);
        let attempt = Attempt::begin(begun_at, &browser, slug);
        let back = Browser::new(back_at);
        back.set_cookie(ATTEMPT, &browser.cookie(ATTEMPT).unwrap());
        Self { browser: back, attempt }
    }

    /// Whether the browser is signed in when it comes back.
    fn arrives(&self, (provider, subject): (&Provider, &str), clock: &Clock) -> bool {
        let claims = provider.claims(&self.attempt, subject, clock.now());
        let answer = provider.back(&self.browser, &self.attempt, &claims);
        assert!([303, 403].contains(&answer.status), "{}", answer.html);
        assert_eq!(answer.status == 303, self.browser.cookie(SESSION).is_some());
        answer.status == 303
    }
}

fn walk(servers: &[&Server]) {
    for server in servers {
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
    }
    let (first, clock) = (servers[0], &servers[0].clock);
    let provider = Provider::start();
    for (number, (way, gone, lose)) in WAYS.iter().enumerate() {
        let (slug, subject) = (format!("org{number}"), format!("subject-{number}"));
        let from = (&provider, subject.as_str());
        let stage = Stage::set(first, &slug, None);
        stage.admin.put("/identity-provider", &provider.settings()).expect(200);
        let known = json!([{ "op": "add", "path": "externalId", "value": subject }]);
        stage.client.patch(&format!("/Users/{}", stage.ada), &known).expect(200);
        // Half of them have come this way before, the others are found by what was provisioned.
        if number % 2 == 0 {
            assert!(Underway::begin(first, first, &slug).arrives(from, clock), "{way}");
        }
        let begun: Vec<Underway> = servers.iter().rev().map(|back| Underway::begin(first, back, &slug)).collect();
        let before = clock.now();
        lose(&stage);
        if clock.now() != before {
            // An attempt is good for ten minutes, whatever happens.
            continue;
        }
        for one in &begun {
            assert_eq!(one.arrives(from, clock), !gone, "{way}");
        }
        // Whoever comes back begins anew.
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(true));
        stage.admin.delete(&format!("/users/{}/suspension", stage.ada));
        if *gone {
            assert!(begun.iter().all(|one| !one.arrives(from, clock)), "{way}");
        }
    }
}

on_both_databases! {
    fn whoever_is_signing_in_when_access_is_lost_does_not_arrive(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&[&server]);
    }
}

#[test]
fn whoever_is_signing_in_when_access_is_lost_does_not_arrive_at_another_server_either() {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let first = Server::start_at(&database, 0, clock.clone());
    let second = Server::start_at(&database, 0, clock);
    walk(&[&first, &second]);
}
