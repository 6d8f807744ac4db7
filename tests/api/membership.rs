//! Who is in a group, however many change it at the same time.

use std::collections::BTreeSet;

use muster::model::limits;
use serde_json::{Value, json};

use crate::support::{Dice, Server, group, ids, in_parallel, is_long, user};

// Requirement 57
on_both_databases! {
    fn thirty_two_clients_on_one_group_lose_nobody(database: &Database) {
        const CLIENTS: usize = 32;
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let rounds = if is_long() { 40 } else { 6 };
        let people = in_parallel(16, CLIENTS * 4, |number| client.create_user(&format!("u{number}")));
        // Everybody's second person is a member from the start.
        let begins: Vec<&str> = people.chunks(4).map(|own| own[1].as_str()).collect();
        let group = client.create_group("G", &begins);
        let first_version = version(&client.get(&format!("/Groups/{group}")).expect(200).json());
        let seeds: Vec<usize> = {
            let mut dice = Dice::new();
            (0..CLIENTS).map(|_| dice.below(1 << 20)).collect()
        };
        let outcomes: Vec<(BTreeSet<String>, i64)> = in_parallel(CLIENTS, CLIENTS, |number| {
            let own = &people[number * 4..number * 4 + 4];
            let mut inside = BTreeSet::from([own[1].clone()]);
            let mut changes = 0;
            for round in 0..rounds {
                let who = &own[(seeds[number] >> round) % 4];
                let operation = if inside.remove(who) {
                    match round % 2 {
                        0 => json!({ "op": "remove", "path": format!("members[value eq \"{who}\"]") }),
                        _ => json!({ "op": "Remove", "path": "members", "value": [{ "value": who }] }),
                    }
                } else {
                    inside.insert(who.clone());
                    json!({ "op": "add", "path": "members", "value": [{ "value": who }] })
                };
                let answer = client.patch(&format!("/Groups/{group}"), &json!([operation]));
                assert!([200, 204].contains(&answer.status), "{}", answer.text);
                changes += 1;
            }
            (inside, changes)
        });
        let expected: BTreeSet<String> = outcomes.iter().flat_map(|(inside, _)| inside.clone()).collect();
        assert_eq!(client.members(&group), expected);
        let changes: i64 = outcomes.iter().map(|(_, changes)| changes).sum();
        let last_version = version(&client.get(&format!("/Groups/{group}")).expect(200).json());
        assert_eq!(last_version - first_version, changes, "each change is counted once");
        for id in &people {
            let groups = client.get(&format!("/Users/{id}")).expect(200).json()["groups"].clone();
            assert_eq!(!groups.as_array().unwrap().is_empty(), expected.contains(id), "{id}");
        }
    }
}

/// The number in `W/"<number>-…"`.
fn version(resource: &Value) -> i64 {
    resource["meta"]["version"].as_str().unwrap().trim_start_matches("W/\"").split('-').next().unwrap().parse().unwrap()
}

// Requirement 57
on_both_databases! {
    fn the_same_member_added_and_removed_by_many_at_once_is_in_or_out(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        let group = client.create_group("G", &[]);
        in_parallel(16, 96, |number| {
            let op = if number % 2 == 0 { "add" } else { "remove" };
            let operation = json!([{ "op": op, "path": "members", "value": [{ "value": ada }] }]);
            client.patch(&format!("/Groups/{group}"), &operation).expect(200);
        });
        let inside = !client.members(&group).is_empty();
        let groups = client.get(&format!("/Users/{ada}")).expect(200).json()["groups"].clone();
        assert_eq!(!groups.as_array().unwrap().is_empty(), inside);
        client
            .patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": ada }]))
            .expect(200);
        assert_eq!(client.members(&group), BTreeSet::from([ada]));
    }
}

// Requirement 57
on_both_databases! {
    fn whoever_is_deleted_while_others_add_them_is_in_no_group(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = in_parallel(8, 24, |number| client.create_user(&format!("u{number}")));
        let group = client.create_group("G", &[]);
        in_parallel(12, people.len() * 2, |number| {
            let who = &people[number / 2];
            if number % 2 == 0 {
                let join = json!([{ "op": "add", "path": "members", "value": [{ "value": who }] }]);
                client.patch(&format!("/Groups/{group}"), &join).expect(200);
            } else {
                client.delete(&format!("/Users/{who}")).expect(204);
            }
        });
        assert_eq!(client.members(&group), BTreeSet::new());
    }
}

// Requirement 53
on_both_databases! {
    fn groups_in_groups_have_no_cycles_and_a_greatest_depth(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        // A group, within a group, within … : ten deep.
        let mut chain = vec![client.create_group("g0", &[&ada])];
        for depth in 1..10 {
            let inner = chain.last().unwrap().clone();
            chain.push(client.create_group(&format!("g{depth}"), &[&inner]));
        }
        let top = chain.last().unwrap().clone();
        client.post("/Groups", &group("too deep", &[&top])).expect_error(400, "invalidValue");
        let other = client.create_group("other", &[]);
        let put_into = |outer: &str, inner: &str| {
            client.patch(&format!("/Groups/{outer}"), &json!([{ "op": "add", "path": "members", "value": inner }]))
        };
        put_into(&chain[0], &other).expect_error(400, "invalidValue");
        put_into(&chain[0], &top).expect_error(400, "invalidValue");
        put_into(&chain[4], &chain[5]).expect_error(400, "invalidValue");
        put_into(&chain[3], &chain[3]).expect_error(400, "invalidValue");
        put_into(&top, &other).expect(200);
        let member = client.get(&format!("/Groups/{top}")).expect(200).json()["members"].clone();
        assert!(
            member.as_array().unwrap().contains(&json!({ "value": other, "type": "Group",
            "$ref": format!("{}/scim/v2/Groups/{other}", server.url) })),
            "{member}"
        );
        // Direct groups only.
        let groups = client.get(&format!("/Users/{ada}")).expect(200).json()["groups"].clone();
        assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
        assert_eq!(groups[0]["value"], chain[0]);
        client.delete(&format!("/Groups/{}", chain[8])).expect(204);
        assert_eq!(client.members(&top), BTreeSet::from([other]));
    }
}

on_both_databases! {
    fn two_requests_cannot_close_a_cycle_between_them(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for round in 0..6 {
            let pair = [client.create_group(&format!("a{round}"), &[]), client.create_group(&format!("b{round}"), &[])];
            let statuses = in_parallel(2, 2, |number| {
                let operation = json!([{ "op": "add", "path": "members", "value": pair[1 - number] }]);
                client.patch(&format!("/Groups/{}", pair[number]), &operation).status
            });
            assert!(statuses.contains(&400) && statuses.contains(&200), "{statuses:?}");
        }
    }
}

// Requirement 66
on_both_databases! {
    fn ids_that_are_nobodys_are_refused_and_those_of_the_gone_ignored(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let stranger = server.organization("other").client.create_user("ada");
        let (ada, gone) = (client.create_user("ada"), client.create_user("gone"));
        client.delete(&format!("/Users/{gone}")).expect(204);
        let group = client.create_group("G", &[&ada]);
        let path = format!("/Groups/{group}");
        let random = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        let mut details = Vec::new();
        for unknown in [stranger.as_str(), random, "nobody"] {
            let refused = client
                .patch(
                    &path,
                    &json!([{ "op": "add", "path": "members", "value": [{ "value": ada }, { "value": unknown }] }]),
                )
                .expect_error(400, "invalidValue");
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(unknown), "{detail}");
            details.push(detail.replace(unknown, "…"));
            client.put(&path, &crate::support::group("G", &[unknown])).expect_error(400, "invalidValue");
            client.post("/Groups", &crate::support::group("H", &[unknown])).expect_error(400, "invalidValue");
        }
        assert!(details.iter().all(|detail| *detail == details[0]), "{details:?}");
        assert_eq!(client.members(&group), BTreeSet::from([ada.clone()]));

        let before = client.get(&path).expect(200).text;
        let join = json!([{ "op": "add", "path": "members", "value": [{ "value": gone }] }]);
        assert_eq!(client.patch(&path, &join).expect(200).text, before);
        assert_eq!(client.put(&path, &crate::support::group("G", &[&ada, &gone])).expect(200).text, before);
        let made = client.post("/Groups", &crate::support::group("H", &[&gone, &ada])).expect(201).id();
        assert_eq!(client.members(&made), BTreeSet::from([ada]));
    }
}

// Requirements 54, 57
on_both_databases! {
    fn two_thousand_members_come_and_go_in_one_request(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people =
            in_parallel(16, 2_100, |number| client.post("/Users", &user(&format!("u{number}"))).expect(201).id());
        let all: Vec<&str> = people.iter().map(String::as_str).collect();
        let group = client.create_group("G", &all[..100]);
        let path = format!("/Groups/{group}");
        let replace = |ids: &[&str]| {
            let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
            json!([{ "op": "replace", "path": "members", "value": members }])
        };
        client.patch(&path, &replace(&all[50..2_050])).expect(204);
        assert_eq!(client.members(&group), people[50..2_050].iter().cloned().collect());
        let operations: Vec<Value> = all[50..1_050]
            .iter()
            .map(|id| json!({ "op": "Remove", "path": "members", "value": [{ "value": id }] }))
            .collect();
        client.patch(&path, &Value::from(operations)).expect(204);
        assert_eq!(client.members(&group), people[1_050..2_050].iter().cloned().collect());
        client.put(&path, &crate::support::group("G", &all[..2_100])).expect(200);
        assert_eq!(client.members(&group).len(), 2_100);
        client.patch(&path, &replace(&[])).expect(200);
        assert_eq!(client.members(&group), BTreeSet::new());
    }
}

// Requirements 12, 21
on_both_databases! {
    fn a_put_without_members_leaves_them_alone(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        let group = client.create_group("G", &[&ada]);
        let renamed = client.put(&format!("/Groups/{group}"), &json!({ "displayName": "H" })).expect(200).json();
        assert_eq!(renamed["displayName"], "H");
        assert_eq!(client.members(&group), BTreeSet::from([ada]));
        let emptied =
            client.put(&format!("/Groups/{group}"), &json!({ "displayName": "H", "members": [] })).expect(200);
        assert_eq!(emptied.json()["members"], json!([]));
    }
}

on_both_databases! {
    fn a_group_is_sent_back_after_a_patch_up_to_a_hundred_members_and_beyond_them_if_it_is_asked_for(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let operation = |number: usize| json!({ "method": "POST", "path": "/Users", "bulkId": format!("u{number}"), "data": user(&format!("u{number}")) });
        client.bulk(&(0..=limits::MEMBERS_IN_PATCH_ANSWER).map(operation).collect()).expect(200);
        let people = ids(&client.get("/Users?count=1000&attributes=id").expect(200).json());
        let (last, first) = people.split_last().unwrap();
        let group = client.create_group("G", &first[1..].iter().map(String::as_str).collect::<Vec<_>>());
        let path = format!("/Groups/{group}");
        let join = |id: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let answer = client.patch(&path, &join(&first[0])).expect(200).json();
        assert_eq!(answer["members"].as_array().map(Vec::len), Some(limits::MEMBERS_IN_PATCH_ANSWER));
        assert_eq!(client.patch(&path, &join(last)).expect(204).text, "");
        assert_eq!(client.members(&group).len(), limits::MEMBERS_IN_PATCH_ANSWER + 1);
        let asked = client.patch(&format!("{path}?attributes=members"), &json!([{ "op": "replace", "path": "displayName", "value": "H" }]));
        assert_eq!(asked.expect(200).json()["members"].as_array().map(Vec::len), Some(limits::MEMBERS_IN_PATCH_ANSWER + 1));
    }
}
