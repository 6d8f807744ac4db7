//! The keys with which tokens are signed: published, rotated with an overlap, the same on every server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::live::Algorithm;
use muster::model::{CredentialKind, Destinations, Moment};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::{Client, Database, Listener, Server, user};

const HOUR: i64 = 3_600_000_000;

fn published(server: &Server) -> Vec<String> {
    let client = Client { base: server.url.clone(), token: String::new() };
    let answer = client.send("GET", "/.well-known/jwks.json", &[("Authorization", "")], None).expect(200);
    assert_eq!(answer.header("Cache-Control"), "public, max-age=900");
    let document: Value = answer.json();
    let ids = document["keys"].as_array().unwrap().iter().map(|key| {
        assert_eq!(key["use"], "sig", "{key}");
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
        key["kid"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

fn signing(server: &Server) -> String {
    let keys = server.live.signing_keys().unwrap();
    keys.current(Algorithm::Rs256, server.clock.now()).unwrap().id().to_owned()
}

on_both_databases! {
    fn the_keys_are_made_once_and_are_the_same_after_a_restart(database: &Database) {
        let first = published(&Server::start(database));
        assert_eq!(first.len(), 2, "one of each algorithm");
        assert_eq!(published(&Server::start(database)), first);
    }

    fn a_new_key_is_published_before_it_signs_and_the_old_one_after_it_has_signed(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let (old, before) = (signing(&server), published(&server));
        server.administration().rotate_signing_keys(false).unwrap();
        assert_eq!(signing(&server), old);
        assert_eq!(published(&server).len(), 4);
        clock.advance(HOUR);
        let new = signing(&server);
        assert_ne!(new, old);
        assert!(published(&server).contains(&old));
        clock.advance(24 * HOUR);
        let after = published(&server);
        assert!(after.contains(&new) && before.iter().all(|id| !after.contains(id)), "{after:?}");
    }

    fn what_the_decision_point_says_of_itself_is_signed_once_a_minute_and_at_once_with_a_new_key(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let open = Client { base: server.url.clone(), token: String::new() };
        let said = || {
            let answer = open.send("GET", "/.well-known/authzen-configuration", &[("Authorization", "")], None).expect(200);
            let signed = answer.json()["signed_metadata"].as_str().unwrap().to_owned();
            let part = |at: usize| -> Value {
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(at).unwrap()).unwrap()).unwrap()
            };
            (part(0)["kid"].as_str().unwrap().to_owned(), part(1)["iat"].as_i64().unwrap() - 1_800_000_000)
        };
        let old = signing(&server);
        // When it was signed, after so many seconds more. What a clock that is put back would not have signed yet is signed anew.
        for (seconds, signed) in [(0, 0), (59, 0), (1, 60), (30, 60), (-31, 59), (60, 119)] {
            clock.advance(seconds * 1_000_000);
            assert_eq!(said(), (old.clone(), signed), "{seconds}");
        }
        server.administration().rotate_signing_keys(true).unwrap();
        assert_eq!(said(), (signing(&server), 119));
        assert_ne!(signing(&server), old);
    }

    fn receivers_that_keep_the_published_keys_as_long_as_they_may_verify_through_a_rotation(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let receivers = ["RS256", "ES256"].map(|name| {
            let listener = Listener::start();
            let body = json!({ "name": name, "method": "push", "url": listener.url, "events": ["account-disabled"], "algorithm": name });
            admin.post("/receivers", &body).expect(201);
            (name, listener)
        });
        let published = || {
            let answer = Client { base: server.url.clone(), token: String::new() }.get("/.well-known/jwks.json").expect(200);
            let kept = answer.header("Cache-Control").rsplit_once("max-age=").unwrap().1.parse::<i64>().unwrap();
            (answer.json()["keys"].as_array().unwrap().clone(), kept * 1_000_000)
        };
        let (mut known, kept) = published();
        let mut signers: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
        for round in 0..8 {
            if round == 1 {
                server.administration().rotate_signing_keys(false).unwrap();
            }
            // What a receiver fetched last is as old as it may be.
            server.clock.advance(kept);
            let id = made.client.post("/Users", &user(&format!("u{round}@example.com"))).expect(201).id();
            let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
            made.client.patch(&format!("/Users/{id}"), &operations).expect(200);
            for (name, listener) in &receivers {
                let received = listener.next();
                let header = jsonwebtoken::decode_header(&received.body).unwrap();
                let kid = header.kid.unwrap();
                let key = known.iter().find(|key| key["kid"] == kid).unwrap_or_else(|| panic!("{kid} is not known in round {round}"));
                assert_eq!(key["alg"], *name);
                let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
                let mut validation = jsonwebtoken::Validation::new(name.parse().unwrap());
                validation.set_required_spec_claims(&["iss", "aud"]);
                validation.set_audience(&[&listener.url]);
                jsonwebtoken::decode::<Value>(&received.body, &key, &validation).unwrap();
                signers.insert(kid);
            }
            known = published().0;
        }
        assert_eq!(signers.len(), 4, "both keys of both algorithms have signed");
    }

    fn a_key_in_wrong_hands_is_withdrawn_at_once(database: &Database) {
        let server = Server::start(database);
        let (old, before) = (signing(&server), published(&server));
        server.administration().rotate_signing_keys(true).unwrap();
        assert_ne!(signing(&server), old);
        let after = published(&server);
        assert!(after.len() == 2 && before.iter().all(|id| !after.contains(id)), "{after:?}");
    }

    fn an_organization_has_one_key_for_its_bundles(database: &Database) {
        let server = Server::start(database);
        let (acme, other) = (server.organization("acme").id, server.organization("other").id);
        let administration = server.administration();
        let key = |id| administration.verifier_key(&administration.organization(id).unwrap(), "muster.example").unwrap();
        assert_eq!(key(acme).name(), "muster.example/acme");
        assert_eq!(key(acme), key(acme));
        assert_ne!(key(acme).to_string().rsplit('+').next(), key(other).to_string().rsplit('+').next());
    }
}

#[test]
fn only_what_is_published_is_found_under_well_known() {
    let server = Server::start(&Database::fresh(crate::support::Backend::Sqlite));
    let client = Client { base: server.url.clone(), token: String::new() };
    client.get("/.well-known/").expect(404);
    client.get("/.well-known/jwks.json/x").expect(404);
    client.send("POST", "/.well-known/jwks.json", &[], Some("{}")).expect(405);
}
