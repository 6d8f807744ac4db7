//! What is put on record, and since when what held.

use muster::db::events::{StoredEvent, after};
use muster::db::users::Status;
use muster::db::{DatabaseError, history, organizations, users};
use muster::model::{EventId, OrganizationId, ResourceId, Revision};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Dice, Server, group, in_parallel, user};

/// The events about a resource, oldest first.
pub fn of(server: &Server, organization: OrganizationId, resource: &str) -> Vec<StoredEvent> {
    let start = EventId::from_bytes(&[0; 16]).unwrap();
    let all = server.database.read(|tx| after(tx, organization, start, i64::MAX)).unwrap();
    let resource: ResourceId = resource.parse().unwrap();
    all.into_iter().filter(|event| event.resource == resource).collect()
}

fn actions(events: &[StoredEvent]) -> Vec<(&str, bool)> {
    events.iter().map(|event| (event.action.as_str(), event.revision.is_some())).collect()
}

on_both_databases! {
    fn every_change_of_a_person_is_on_record_and_only_the_persons_key_opens_it(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let mut body = user("ada.lovelace@example.com");
        body["name"] = json!({ "givenName": "Augusta", "familyName": "Lovelace" });
        let ada = client.post("/Users", &body).expect(201).id();
        let path = format!("/Users/{ada}");
        let key = server.database.read(|tx| users::by_id(tx, organization.id, ada.parse().unwrap())).unwrap();
        let wrapped = key.unwrap().person_key.unwrap();
        for operation in [
            json!({ "op": "replace", "path": "name.familyName", "value": "King" }),
            json!({ "op": "replace", "path": "name.familyName", "value": "King" }),
            json!({ "op": "replace", "path": "externalId", "value": "X7" }),
            json!({ "op": "replace", "path": "active", "value": false }),
            json!({ "op": "replace", "path": "active", "value": true }),
        ] {
            client.patch(&path, &json!([operation])).expect(200);
        }
        client.patch(&path, &json!([{ "op": "replace", "path": "shoe", "value": 1 }])).expect_error(400, "invalidPath");
        client.delete(&path).expect(204);
        let events = of(&server, organization.id, &ada);
        assert_eq!(
            actions(&events),
            [
                ("user.created", false),
                ("user.changed", false),
                ("user.changed", true),
                ("user.deactivated", true),
                ("user.reactivated", true),
                ("user.deleted", true),
            ]
        );
        let person = server
            .database
            .read(|tx| server.live.open_person_key(tx, organization.id, ada.parse().unwrap(), &wrapped))
            .unwrap_or_else(|error: muster::live::KeyError| panic!("{error}"));
        let connection = server.administration().connections(organization.id).unwrap()[0].id;
        let mut values = Vec::new();
        for event in &events {
            assert_eq!(event.actor_kind, "connection");
            assert_eq!(event.connection, connection.as_bytes());
            for personal in ["ada.lovelace", "Augusta", "Lovelace", "King", "X7"] {
                assert!(!event.details.contains(personal), "{}", event.details);
                let sealed = event.sealed.as_deref().unwrap();
                assert!(!sealed.windows(personal.len()).any(|window| window == personal.as_bytes()));
            }
            let opened = person.open(event.id.as_bytes(), event.sealed.as_deref().unwrap()).unwrap();
            values.push(serde_json::from_slice::<Value>(&opened).unwrap());
        }
        assert_eq!(values[0]["after"]["userName"], "ada.lovelace@example.com");
        assert_eq!(values[1]["before"]["name"]["familyName"], "Lovelace");
        assert_eq!(values[1]["after"], json!({ "name": { "givenName": "Augusta", "familyName": "King" } }));
        assert_eq!(values[3], json!({ "before": { "active": true }, "after": { "active": false } }));
        assert_eq!(values[5]["before"]["externalId"], "X7");
        let revisions: Vec<i64> = events.iter().filter_map(|event| event.revision).map(Revision::as_i64).collect();
        assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "{revisions:?}");
    }
}

on_both_databases! {
    fn an_event_names_the_request_and_the_credential_it_came_with(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let created = client.post("/Users", &user("ada")).expect(201);
        let other = crate::support::Client { token: server.token(organization.id, "first"), ..client.clone() };
        let deleted = other.delete(&format!("/Users/{}", created.id())).expect(204);
        let tokens = server.administration().tokens(organization.id).unwrap();
        let events = of(&server, organization.id, &created.id());
        assert_eq!(events.len(), 2);
        for (event, (answer, token)) in events.iter().zip([(&created, &tokens[0]), (&deleted, &tokens[1])]) {
            assert_eq!(event.request.to_string(), answer.header("X-Request-Id"));
            assert_eq!(event.credential, Some(token.credential.id));
        }
        // What is refused leaves no trace, and neither does what changes nothing.
        other.delete(&format!("/Users/{}", created.id())).expect_error(404, "");
        other.post("/Users", &json!({ "userName": "" })).expect_error(400, "invalidValue");
        assert_eq!(of(&server, organization.id, &created.id()).len(), 2);
    }
}

on_both_databases! {
    fn every_change_of_a_group_is_on_record_by_ids(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let (ada, bob) = (client.create_user("ada"), client.create_user("bob"));
        let made = client.create_group("Builders", &[&ada]);
        let path = format!("/Groups/{made}");
        for operation in [
            json!({ "op": "add", "path": "members", "value": bob }),
            json!({ "op": "add", "path": "members", "value": bob }),
            json!({ "op": "replace", "path": "displayName", "value": "Breakers" }),
            json!({ "op": "replace", "value": { "displayName": "Menders", "members": [{ "value": bob }] } }),
        ] {
            client.patch(&path, &json!([operation])).expect(200);
        }
        client.delete(&path).expect(204);
        let events = of(&server, organization.id, &made);
        assert_eq!(
            actions(&events),
            [
                ("group.created", true),
                ("group.members-changed", true),
                ("group.members-changed", true),
                ("group.changed", false),
                ("group.changed", true),
                ("group.members-changed", true),
                ("group.deleted", true),
            ]
        );
        let details: Vec<Value> = events.iter().map(|event| serde_json::from_str(&event.details).unwrap()).collect();
        assert_eq!(details[1]["joined"], json!([ada]));
        assert_eq!((&details[2]["joined"], &details[2]["left"]), (&json!([bob]), &json!([])));
        assert_eq!(
            (&details[3]["before"]["displayName"], &details[3]["after"]["displayName"]),
            (&json!("Builders"), &json!("Breakers"))
        );
        assert_eq!(details[5]["left"], json!([ada]));
    }
}

on_both_databases! {
    fn intervals_join_without_gaps(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let ada = client.create_user("ada");
        let made = client.post("/Groups", &group("G", &[&ada])).expect(201).id();
        for (path, field, value) in [
            ("Users", "active", json!(false)),
            ("Users", "active", json!(true)),
            ("Groups", "members", json!([])),
            ("Groups", "members", json!([{ "value": ada }])),
        ] {
            let id = if path == "Users" { &ada } else { &made };
            client
                .patch(&format!("/{path}/{id}"), &json!([{ "op": "replace", "path": field, "value": value }]))
                .expect(200);
        }
        client.delete(&format!("/Users/{ada}")).expect(204);
        let revisions = |action: &str, resource: &str| -> Vec<i64> {
            let events = of(&server, organization.id, resource);
            events.iter().filter(|e| e.action == action).filter_map(|e| e.revision).map(Revision::as_i64).collect()
        };
        let (statuses, inside) = server
            .database
            .read::<_, DatabaseError>(|tx| {
                let statuses = history::statuses(tx, organization.id, ada.parse().unwrap())?;
                let (made, ada) = (made.parse().unwrap(), ada.parse().unwrap());
                Ok((statuses, history::memberships(tx, organization.id, made, ada)?))
            })
            .unwrap();
        let names: Vec<Status> = statuses.iter().map(|had| had.status).collect();
        assert_eq!(names, [Status::Active, Status::Inactive, Status::Active, Status::Deleted]);
        let spans: Vec<_> = statuses.iter().map(|had| had.interval).collect();
        assert!(spans.windows(2).all(|pair| pair[0].until == Some(pair[1].from)), "{spans:?}");
        assert_eq!(spans[1].from.as_i64(), revisions("user.deactivated", &ada)[0]);
        assert_eq!(spans[2].from.as_i64(), revisions("user.reactivated", &ada)[0]);
        assert_eq!(spans[3].from.as_i64(), revisions("user.deleted", &ada)[0]);
        assert_eq!(spans[3].until, None);
        let gone = spans[3].from.as_i64();

        let changes = revisions("group.members-changed", &made);
        let spans: Vec<_> = inside.iter().map(|span| (span.from.as_i64(), span.until.map(Revision::as_i64))).collect();
        assert_eq!(spans, [(changes[0], Some(changes[1])), (changes[2], Some(gone))]);
    }
}

/// Who is in which group, by the log alone.
fn replayed(events: &[StoredEvent]) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in events {
        let details: Value = serde_json::from_str(&event.details).unwrap();
        let ids = |name: &str| -> Vec<String> { serde_json::from_value(details[name].clone()).unwrap() };
        let resource = event.resource.to_string();
        match event.action.as_str() {
            "group.members-changed" => {
                let members = groups.entry(resource).or_default();
                for id in ids("left") {
                    assert!(members.remove(&id), "{id} left and was not in");
                }
                for id in ids("joined") {
                    assert!(members.insert(id.clone()), "{id} joined twice");
                }
            }
            "group.deleted" => {
                groups.remove(&resource);
            }
            "user.deleted" => groups.values_mut().for_each(|members| {
                members.remove(&resource);
            }),
            _ => {}
        }
    }
    groups
}

// Requirement 57
on_both_databases! {
    fn after_much_at_once_the_log_tells_the_state_and_revisions_have_no_gaps(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let people = in_parallel(8, 24, |number| client.create_user(&format!("u{number}")));
        let made = in_parallel(4, 4, |number| client.create_group(&format!("g{number}"), &[]));
        let mut dice = Dice::new();
        let plan: Vec<[usize; 3]> = (0..240).map(|_| [dice.below(20), dice.below(24), dice.below(4)]).collect();
        in_parallel(12, plan.len(), |step| {
            let [what, who, which] = plan[step];
            let (who, path) = (&people[who], format!("/Groups/{}", made[which]));
            let status = match what {
                0 => client.delete(&format!("/Users/{who}")).status,
                1 if which == 3 => client.delete(&path).status,
                1 | 2 => client.put(&path, &group(&format!("g{which}"), &[who])).status,
                3 | 4 => {
                    let active = json!([{ "op": "replace", "path": "active", "value": what == 3 }]);
                    client.patch(&format!("/Users/{who}"), &active).status
                }
                _ => {
                    let op = if what % 2 == 0 { "remove" } else { "add" };
                    let change = json!([{ "op": op, "path": "members", "value": [{ "value": who }] }]);
                    client.patch(&path, &change).status
                }
            };
            assert!([200, 204, 404].contains(&status), "{what}: {status}");
        });
        let start = EventId::from_bytes(&[0; 16]).unwrap();
        let (mut events, last) = server
            .database
            .read::<_, DatabaseError>(|tx| {
                let events = after(tx, organization.id, start, i64::MAX)?;
                Ok((events, organizations::revision(tx, organization.id)?.unwrap()))
            })
            .unwrap();
        events.retain(|event| event.revision.is_some());
        events.sort_by_key(|event| event.revision);
        let revisions: BTreeSet<i64> = events.iter().filter_map(|event| event.revision).map(Revision::as_i64).collect();
        let first = *revisions.first().unwrap();
        assert_eq!(revisions.into_iter().collect::<Vec<_>>(), (first..=last.as_i64()).collect::<Vec<_>>());
        let told = replayed(&events);
        for id in &made {
            match client.get(&format!("/Groups/{id}")).status {
                200 => assert_eq!(client.members(id), told.get(id).cloned().unwrap_or_default()),
                _ => assert!(!told.contains_key(id)),
            }
        }
    }
}
