//! Groups as large as identity providers push them at once.

use std::collections::BTreeSet;

use muster::model::limits;
use serde_json::{Value, json};

use crate::support::{Backend, Client, Database, GROUP, Server, statements, user};

const MANY: usize = 10_000;
/// More than a PATCH is answered with: those cost two statements to read.
const FEW: usize = 2 * limits::MEMBERS_IN_PATCH_ANSWER;

/// Creates users, as many as one bulk request takes at a time.
fn people(client: &Client, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for first in (0..count).step_by(limits::BULK_OPERATIONS) {
        let names = first..count.min(first + limits::BULK_OPERATIONS);
        let operations: Vec<Value> = names
            .map(|number| {
                json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(&format!("user-{number}")) })
            })
            .collect();
        let answer = client.bulk(&json!(operations)).expect(200).json();
        made.extend(answer["Operations"].as_array().unwrap().iter().map(|done| {
            let location = done["location"].as_str().unwrap();
            location.rsplit('/').next().unwrap().to_owned()
        }));
    }
    made
}

/// A member with everything an identity provider may say of one.
fn member(client: &Client, id: &str) -> Value {
    json!({ "value": id, "display": format!("Somebody of {id}"), "$ref": format!("{}/Users/{id}", client.base) })
}

/// How many statements the request costs. Locks and commits are the same for all and not counted.
fn cost(work: impl FnOnce()) -> usize {
    statements::on_resources();
    work();
    statements::on_resources().len()
}

/// What replacing and changing a group costs in statements, with these people in it: whole, by as many operations, empty.
fn costs(client: &Client, name: &str, people: &[String]) -> [usize; 3] {
    let members: Vec<Value> = people.iter().map(|id| member(client, id)).collect();
    let path = format!("/Groups/{}", client.create_group(name, &[]));
    let whole = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let put = cost(|| {
        client.put(&format!("{path}?excludedAttributes=members"), &whole).expect(200);
    });
    let everybody: BTreeSet<String> = people.iter().cloned().collect();
    assert_eq!(client.members(path.trim_start_matches("/Groups/")), everybody);
    let none: Vec<Value> =
        people.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })).collect();
    let removed = cost(|| assert!([200, 204].contains(&client.patch(&path, &json!(none)).status)));
    assert_eq!(client.members(path.trim_start_matches("/Groups/")), BTreeSet::new());
    let all: Vec<Value> =
        members.iter().map(|member| json!({ "op": "add", "path": "members", "value": [member] })).collect();
    let added = cost(|| assert!([200, 204].contains(&client.patch(&path, &json!(all)).status)));
    assert_eq!(client.members(path.trim_start_matches("/Groups/")), everybody);
    [put, removed, added]
}

fn server(database: &Database) -> Server {
    statements::watch();
    Server::start(database)
}

// Requirement 53
on_both_databases! {
    fn ten_thousand_members_are_replaced_and_changed_in_one_request(database: &Database) {
        let server = server(database);
        let client = server.organization("acme").client;
        let people = people(&client, MANY);
        let few = costs(&client, "few", &people[..FEW]);
        let many = costs(&client, "many", &people);
        println!("{:?}: {FEW} members {few:?}, {MANY} members {many:?} statements", database.backend());
        match database.backend() {
            Backend::Postgres => assert_eq!(few, many),
            // Within the process: a row that changes is one call, without a round trip.
            Backend::Sqlite => {
                for (few, many) in few.iter().zip(many) {
                    assert_eq!(many - few, MANY - FEW, "one call a row that changes, and no other");
                }
            }
        }
    }
}
