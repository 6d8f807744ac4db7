//! Who is admitted.

use muster::clock::Clock;
use muster::db::credentials;
use muster::model::{CredentialId, CredentialKind, Moment, OrganizationId};
use muster::service::administration::{NewToken, Revocation};
use serde_json::json;

use crate::support::{Client, Server, in_parallel, user};

fn with(client: &Client, token: &str) -> Client {
    Client { token: token.to_owned(), ..client.clone() }
}

/// The id of the credential issued last.
fn newest(server: &Server, organization: OrganizationId) -> CredentialId {
    server.administration().tokens(organization).unwrap().last().unwrap().credential.id
}

#[track_caller]
fn refused(client: &Client) {
    let answer = client.get("/Users").expect_error(401, "");
    assert!(answer.header("WWW-Authenticate").starts_with("Bearer"), "{answer:?}");
    client.post("/Users", &user("eve")).expect_error(401, "");
    client.get("/ServiceProviderConfig").expect_error(401, "");
    client.get("/Nowhere").expect_error(401, "");
}

// Requirement 17
on_both_databases! {
    fn only_a_standing_token_of_the_right_kind_admits(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = organization.client;
        for kind in CredentialKind::ALL.into_iter().filter(|kind| *kind != CredentialKind::Scim) {
            let wanted =
                NewToken { organization: organization.id, kind, connection: None, valid_micros: 1_000_000_000 };
            refused(&with(&client, &server.administration().issue_token(&wanted).unwrap()));
        }
        let token = client.token.clone();
        let (head, last) = token.split_at(token.len() - 1);
        let changed = format!("{head}{}", if last == "A" { "B" } else { "A" });
        for wrong in ["x", &changed, head, &format!("{token}A"), &token.to_uppercase()] {
            refused(&with(&client, wrong));
        }
        for scheme in ["Basic", "Token", ""] {
            let header = format!("{scheme} {token}");
            client.send("GET", "/Users", &[("Authorization", header.trim())], None).expect_error(401, "");
        }
        client.get(&format!("/Users?access_token={token}")).expect(200);
        client
            .send("GET", &format!("/Users?access_token={token}"), &[("Authorization", "")], None)
            .expect_error(401, "");
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 0);
    }
}

on_both_databases! {
    fn several_tokens_stand_side_by_side_and_end_one_by_one(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let old = organization.client;
        let old_id = newest(&server, organization.id);
        let new = with(&old, &server.token(organization.id, "first"));
        let new_id = newest(&server, organization.id);
        let ada = old.create_user("ada");
        new.patch(&format!("/Users/{ada}"), &json!([{ "op": "replace", "path": "title", "value": "x" }])).expect(200);
        assert_eq!(server.administration().revoke_token(organization.id, old_id).unwrap(), Revocation::Revoked);
        refused(&old);
        new.get("/Users").expect(200);
        assert_eq!(server.administration().revoke_token(organization.id, old_id).unwrap(), Revocation::AlreadyRevoked);
        // On the next request, however busy the token is.
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| in_parallel(8, 200, |_| new.get("/Users?count=0").status));
            server.administration().revoke_token(organization.id, new_id).unwrap();
            refused(&new);
            assert!(busy.join().unwrap().iter().all(|status| [200, 401].contains(status)));
        });
        refused(&new);
    }
}

on_both_databases! {
    fn a_token_ends_when_its_time_is_over(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_774_969_200_000_000));
        let server = Server::start_at(database, 0, clock);
        let client = server.organization("acme").client;
        client.get("/Users").expect(200);
        server.clock.advance(86_399_000_000);
        client.get("/Users").expect(200);
        server.clock.advance(1_000_000);
        refused(&client);
    }
}

on_both_databases! {
    fn the_last_use_is_put_on_record_once_a_minute(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_774_969_200_000_000));
        let server = Server::start_at(database, 0, clock);
        let organization = server.organization("acme");
        let (client, id) = (organization.client, newest(&server, organization.id));
        let last_use = || {
            let stored = server.database.read(|tx| credentials::by_id(tx, organization.id, id)).unwrap();
            stored.unwrap().last_used_at
        };
        let put_on_record = |used: Moment| {
            let patience = Clock::monotonic() + std::time::Duration::from_mins(2);
            while last_use() != Some(used) {
                assert!(Clock::monotonic() < patience, "{:?} is not {used:?}", last_use());
                std::thread::yield_now();
            }
        };
        // The use that takes access away, and with it what is in memory, counts as any other.
        let ada = client.create_user("ada");
        let used = server.clock.now();
        client
            .patch(&format!("/Users/{ada}"), &json!([{ "op": "replace", "path": "active", "value": false }]))
            .expect(200);
        assert_eq!(last_use(), None);
        server.clock.advance(61_000_000);
        put_on_record(used);
        client.get("/Users").expect(200);
        let again = server.clock.now();
        server.clock.advance(30_000_000);
        client.get("/Users").expect(200);
        assert_eq!(last_use(), Some(used), "not before the minute is over");
        let latest = server.clock.now();
        server.clock.advance(40_000_000);
        put_on_record(latest);
        assert!(again < latest);
    }
}

on_both_databases! {
    fn a_paused_connection_reads_and_does_not_write(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = organization.client;
        let ada = client.post("/Users", &user("ada")).expect(201);
        let path = format!("/Users/{}", ada.id());
        let pause = |paused| {
            server.administration().pause_connection(organization.id, &"first".parse().unwrap(), paused).unwrap()
        };
        pause(true);
        assert_eq!(client.get(&path).expect(200).text, ada.text);
        client.post("/Users", &user("bob")).expect_error(403, "");
        client.put(&path, &user("bob")).expect_error(403, "");
        client.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect_error(403, "");
        client.delete(&path).expect_error(403, "");
        client.post("/Groups", &crate::support::group("G", &[])).expect_error(403, "");
        pause(false);
        client.put(&path, &user("bob")).expect(200);
    }
}

// Requirement 68
on_both_databases! {
    fn who_asks_too_often_is_told_when_to_come_back(database: &Database) {
        let server = Server::start_with(database, 5);
        let organization = server.organization("acme");
        let (busy, quiet) =
            (organization.client, server.connection(organization.id, "quiet", muster::model::Profile::Default));
        // More at once than are allowed in a second, until a second was long enough for them.
        let mut answers = (0..100).flat_map(|_| in_parallel(8, 40, |_| busy.get("/Users?count=0")));
        let refused = answers.find(|answer| answer.status == 429).expect("nobody is told to wait");
        let refused = refused.expect_error(429, "");
        assert!(refused.header("Retry-After").parse::<u64>().unwrap() >= 1);
        quiet.get("/Users").expect(200);
    }
}
