//! Many clients on one resource: everybody gets through and nobody undoes another's work.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::{Client, Server, group, in_parallel, user};

/// Runs `work` while eight clients put members into a group and take them out.
fn while_members_come_and_go<T>(client: &Client, busy: &str, people: &[String], work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for own in people.chunks(people.len() / 8) {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    for op in ["add", "remove"] {
                        let who = json!([{ "op": op, "path": "members", "value": [{ "value": own[0] }] }]);
                        client.patch(&format!("/Groups/{busy}"), &who).expect(200);
                    }
                }
            });
        }
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Release);
        worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

on_both_databases! {
    // Of each organization something has to be read before it is answered, with far fewer connections than there are organizations.
    fn many_organizations_that_begin_at_once_do_not_keep_each_other_waiting(database: &Database) {
        let server = Server::start(database);
        let clients: Vec<Client> = (0..48).map(|number| server.organization(&format!("org{number}")).client).collect();
        in_parallel(clients.len(), clients.len(), |number| clients[number].create_group("crew", &[]));
    }
}

// Requirement 57
on_both_databases! {
    fn a_group_is_renamed_replaced_and_deleted_while_its_members_come_and_go(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = in_parallel(8, 16, |number| client.create_user(&format!("u{number}")));
        let resident = client.create_user("resident");
        let busy = client.create_group("G0", &[&resident]);
        let path = format!("/Groups/{busy}");
        while_members_come_and_go(&client, &busy, &people, || {
            for number in 1..=10 {
                let rename = json!([{ "op": "replace", "path": "displayName", "value": format!("G{number}") }]);
                assert_eq!(client.patch(&path, &rename).expect(200).json()["displayName"], format!("G{number}"));
                let put = json!({ "displayName": format!("H{number}") });
                assert_eq!(client.put(&path, &put).expect(200).json()["displayName"], format!("H{number}"));
            }
        });
        let read = client.get(&path).expect(200).json();
        assert_eq!(read["displayName"], "H10");
        assert_eq!(client.members(&busy), BTreeSet::from([resident]));
    }
}

// Requirements 53, 57
on_both_databases! {
    fn groups_are_nested_and_deleted_while_members_come_and_go_elsewhere(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = in_parallel(8, 16, |number| client.create_user(&format!("u{number}")));
        let busy = client.create_group("busy", &[]);
        let outer = client.create_group("outer", &[]);
        while_members_come_and_go(&client, &busy, &people, || {
            for (number, who) in people.iter().take(10).enumerate() {
                let inner = client.create_group(&format!("inner{number}"), &[who]);
                let nest = json!([{ "op": "add", "path": "members", "value": inner }]);
                client.patch(&format!("/Groups/{outer}"), &nest).expect(200);
                client.delete(&format!("/Groups/{inner}")).expect(204);
            }
        });
        assert_eq!(client.members(&outer), BTreeSet::new());
    }
}

// Requirement 46
on_both_databases! {
    fn parallel_changes_of_one_person_all_hold(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let attributes =
            ["title", "nickName", "displayName", "userType", "locale", "timezone", "externalId", "preferredLanguage"];
        let path = format!("/Users/{}", client.create_user("ada"));
        in_parallel(16, 64, |number| {
            let value = format!("{number}");
            let change = json!([{ "op": "replace", "path": attributes[number % 8], "value": value }]);
            assert_eq!(client.patch(&path, &change).expect(200).json()[attributes[number % 8]], value);
        });
        let read = client.get(&path).expect(200).json();
        for (at, attribute) in attributes.iter().enumerate() {
            let number: usize = read[*attribute].as_str().unwrap().parse().unwrap();
            assert_eq!(number % 8, at, "{read}");
        }
        assert!(read["meta"]["version"].as_str().unwrap().starts_with("W/\"65-"), "{read}");
    }
}

// Requirements 11, 12, 22
on_both_databases! {
    fn of_many_who_want_one_name_one_gets_it(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for round in 0..5 {
            let names = [format!("Ada{round}"), format!("ADA{round}"), format!("ada{round}")];
            for endpoint in ["/Users", "/Groups"] {
                let statuses = in_parallel(16, 16, |number| {
                    let name = &names[number % 3];
                    client.post(endpoint, &if endpoint == "/Users" { user(name) } else { group(name, &[]) }).status
                });
                assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
                assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
            }
        }
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 5);
        assert_eq!(client.get("/Groups").expect(200).json()["totalResults"], 5);
    }
}
