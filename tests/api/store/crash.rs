//! The server is killed under load, again and again: what it had acknowledged is there, and the log agrees with it.
//!
//! 8 rounds on each database, 100 with `MUSTER_TEST_LONG`. `MUSTER_TEST_SEED` says when the kills come.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::client::{Client, until};
use super::{broken, execute, open};
use crate::support::{Dice, Program, is_long};

const CLIENTS: usize = 4;

/// What one client knows of one user. A write that was not answered may have taken place.
struct Known {
    id: String,
    version: u64,
    member: bool,
    /// The last write was sent and not answered.
    unanswered: Option<Unanswered>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unanswered {
    Change,
    Membership,
}

/// Creates users, changes them, moves them in and out of the group, until the server is gone.
fn work(client: &Client, group: &str, name: &str, acknowledged: &AtomicUsize) -> Vec<Known> {
    let mut users: Vec<Known> = Vec::new();
    let group = format!("/Groups/{group}");
    for n in 0.. {
        let Ok(created) = client.create(&format!("{name}-{n}")) else { return users };
        assert_eq!(created.status, 201, "{created:?}");
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let id = created.body["id"].as_str().unwrap().to_owned();
        users.push(Known { id: id.clone(), version: 1, member: false, unanswered: None });
        let user = users.last_mut().unwrap();
        for step in 0..n % 4 {
            let change = json!({ "op": "replace", "path": "active", "value": step % 2 == 1 });
            let Ok(answer) = client.patch(&format!("/Users/{id}"), &change) else {
                user.unanswered = Some(Unanswered::Change);
                return users;
            };
            assert_eq!(answer.status, 200, "{answer:?}");
            user.version += 1;
            let operation = if user.member {
                json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })
            } else {
                json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
            };
            let Ok(answer) = client.patch(&group, &operation) else {
                user.unanswered = Some(Unanswered::Membership);
                return users;
            };
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            user.member = !user.member;
            acknowledged.fetch_add(2, Ordering::Relaxed);
        }
    }
    users
}

/// Asks the server that was started anew.
fn verify(client: &Client, user: &Known) {
    let answer = client.get(&format!("/Users/{}", user.id)).unwrap();
    assert_eq!(answer.status, 200, "an acknowledged user is gone: {answer:?}");
    let member = !answer.body["groups"].as_array().unwrap().is_empty();
    let version = answer.body["meta"]["version"].as_str().unwrap().to_owned();
    let shows = |number: u64| version.starts_with(&format!("W/\"{number}-"));
    let one_more = user.unanswered == Some(Unanswered::Change) && shows(user.version + 1);
    assert!(shows(user.version) || one_more, "version {} was acknowledged, {version} is there", user.version);
    let moved = user.unanswered == Some(Unanswered::Membership);
    assert!(member == user.member || moved, "an acknowledged change of membership is gone: {answer:?}");
}

on_both_databases! {
    fn what_was_acknowledged_outlives_a_kill_under_load(database: &Database) {
        let rounds = if is_long() { 100 } else { 8 };
        let mut dice = Dice::new();
        let program = Program::on(database).with("MUSTER_RATE_LIMIT", "0").with("MUSTER_LOG", "info");
        let mut server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Builders" });
        let group = Client::new(server.base(), &token).send("POST", "/Groups", &group).unwrap();
        let group = group.body["id"].as_str().unwrap().to_owned();
        let store = open(database.url());
        let mut total = 0;
        for round in 0..rounds {
            let acknowledged = AtomicUsize::new(0);
            let enough = 1 + dice.below(150);
            let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(server.base(), &token)).collect();
            let users: Vec<Known> = std::thread::scope(|scope| {
                let working: Vec<_> = clients.iter().enumerate().map(|(n, client)| {
                    let (name, group, acknowledged) = (format!("{round}-{n}"), &group, &acknowledged);
                    scope.spawn(move || work(client, group, &name, acknowledged))
                }).collect();
                until("the load", || (acknowledged.load(Ordering::Relaxed) >= enough).then_some(()));
                server.kill();
                working.into_iter().flat_map(|one| one.join().unwrap()).collect()
            });
            total += acknowledged.load(Ordering::Relaxed);
            // By design what takes access away waits until the lease of the dead is over; here only time would pass.
            execute(&store, "DELETE FROM server");
            server = program.serve(&[]);
            let client = Client::new(server.base(), &token);
            for user in &users {
                verify(&client, user);
            }
            assert_eq!(broken(&store), Vec::<String>::new(), "round {round}");
        }
        println!("{total} writes were acknowledged before {rounds} kills, all are there");
    }
}
