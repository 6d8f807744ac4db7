//! What receivers are told of groups (RFC 9967 §2.4): that and what of them has changed, or the change itself.

use serde_json::{Value, json};

use crate::brakes::{look, quarantines, set};
use crate::listening::Listening;
use crate::support::group;

const SCIM: &str = "urn:ietf:params:scim:event:";

impl Listening {
    /// A stream that is fetched, for these events of RFC 9967.
    fn scim_stream(&self, events: &[&str]) -> String {
        let events: Vec<String> = events.iter().map(|event| format!("{SCIM}{event}")).collect();
        self.stream(&events.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What waits, acknowledged: the subject, the name of the event and what it says.
    fn told(&self, stream: &str) -> Vec<(Value, String, Value)> {
        let taken_apart = |claims: Value| {
            let (name, said) = claims["events"].as_object().unwrap().iter().next().unwrap();
            (claims["sub_id"].clone(), name.strip_prefix(SCIM).unwrap().to_owned(), said.clone())
        };
        self.fetch(stream).into_iter().map(taken_apart).collect()
    }

    fn one(&self, stream: &str) -> (Value, String, Value) {
        let mut all = self.told(stream);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

fn member(id: &str) -> Value {
    json!({ "value": id, "$ref": format!("/Users/{id}"), "type": "User" })
}

on_both_databases! {
    fn what_of_a_group_has_changed_is_named(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        let stream = fixture.scim_stream(&["prov:create:notice", "prov:patch:notice", "prov:put:notice", "prov:delete"]);
        let (ann, bob) = (client.create_user("ann"), client.create_user("bob"));
        fixture.told(&stream);
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "crew",
            "externalId": "00g1", "members": [{ "value": ann }] });
        let crew = client.post("/Groups", &body).expect(201).id();
        let (subject, name, said) = fixture.one(&stream);
        let known = json!({ "format": "scim", "uri": format!("/Groups/{crew}"), "externalId": "00g1" });
        assert_eq!((subject, name.as_str()), (known.clone(), "prov:create:notice"));
        let mut attributes: Vec<&str> = said["attributes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        attributes.sort_unstable();
        assert_eq!((attributes, said.get("data")), (vec!["displayName", "externalId", "members", "schemas"], None));
        let path = format!("/Groups/{crew}");
        client.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": bob }] }])).expect(200);
        assert_eq!(fixture.one(&stream), (known.clone(), "prov:patch:notice".to_owned(), json!({ "attributes": ["members"] })));
        client.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": bob }] }])).expect(200);
        assert!(fixture.told(&stream).is_empty(), "nothing has changed");
        let renamed = client.patch(&path, &json!([{ "op": "replace", "path": "displayName", "value": "cast" }])).expect(200);
        let (_, _, said) = fixture.one(&stream);
        assert_eq!(said, json!({ "attributes": ["displayName"], "version": renamed.header("ETag") }));
        client.put(&path, &group("cast", &[&ann])).expect(200);
        let (_, name, said) = fixture.one(&stream);
        assert_eq!((name.as_str(), &said["attributes"]), ("prov:put:notice", &json!(["externalId", "members"])));
        client.delete(&path).expect(204);
        let (subject, name, said) = fixture.one(&stream);
        assert_eq!((&subject["uri"], name.as_str(), said), (&json!(format!("/Groups/{crew}")), "prov:delete", json!({})));
        // Local groups are groups like any other.
        let local = fixture.admin.post("/groups", &json!({ "display_name": "local" })).expect(201).id();
        assert_eq!(fixture.one(&stream).0["uri"], format!("/Groups/{local}"));
    }

    fn a_change_to_a_group_is_told_whole_to_whoever_asks_for_it(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        let (ann, bob) = (client.create_user("ann"), client.create_user("bob"));
        let stream = fixture.scim_stream(&["prov:create:full", "prov:patch:full", "prov:put:full"]);
        let crew = client.create_group("crew", &[&ann]);
        let (_, name, said) = fixture.one(&stream);
        assert_eq!((name.as_str(), said.get("attributes")), ("prov:create:full", None), "one of the two and never both");
        assert_eq!((&said["data"]["id"], &said["data"]["members"]), (&json!(crew), &json!([member(&ann)])));
        let path = format!("/Groups/{crew}");
        client.patch(&path, &json!([
            { "op": "replace", "path": "displayName", "value": "cast" },
            { "op": "add", "path": "members", "value": [{ "value": bob }] },
            { "op": "remove", "path": format!("members[value eq \"{ann}\"]") },
        ])).expect(200);
        let (_, name, said) = fixture.one(&stream);
        let operations = json!([
            { "op": "replace", "value": { "displayName": "cast" } },
            { "op": "add", "path": "members", "value": [member(&bob)] },
            { "op": "remove", "path": format!("members[value eq \"{ann}\"]") },
        ]);
        assert_eq!((name.as_str(), &said["data"]["Operations"]), ("prov:patch:full", &operations));
        // What is told can be done: another server that takes it comes to the same group.
        let copy = client.create_group("copy", &[&ann]);
        client.send("PATCH", &format!("/Groups/{copy}"), &[], Some(&said["data"].to_string().replace("\"cast\"", "\"cast 2\""))).expect(200);
        assert_eq!(client.members(&copy), client.members(&crew));
        fixture.told(&stream);
        client.put(&path, &group("cast", &[&ann, &bob])).expect(200);
        let (_, name, said) = fixture.one(&stream);
        let mut members: Vec<String> = said["data"]["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        members.sort();
        let mut expected = vec![ann, bob];
        expected.sort();
        assert_eq!((name.as_str(), members), ("prov:put:full", expected));
    }

    fn of_a_large_change_it_is_told_what_to_fetch(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        let mut people: Vec<String> = Vec::new();
        for part in 0..2 {
            let operations: Vec<Value> = (0..510).map(|number| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"),
                "data": crate::support::user(&format!("u{part}-{number}")) })).collect();
            let answer = client.bulk(&json!(operations)).expect(200).json();
            people.extend(answer["Operations"].as_array().unwrap().iter().map(|done| done["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()));
        }
        let stream = fixture.scim_stream(&["prov:create:full", "prov:create:notice"]);
        let named: Vec<&str> = people.iter().map(String::as_str).collect();
        client.create_group("all", &named);
        let (_, name, said) = fixture.one(&stream);
        assert_eq!((name.as_str(), said.get("data")), ("prov:create:notice", None));
    }

    fn a_group_that_a_quarantine_brings_back_is_told_of_as_new_and_then_who_is_in_it(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        set(&fixture.admin);
        let (ann, bob) = (client.create_user("ann"), client.create_user("bob"));
        let crew = client.create_group("crew", &[&ann, &bob]);
        let outer = client.create_group("outer", &[&crew]);
        let stays = client.create_group("stays", &[&crew, &ann]);
        let others: Vec<String> = (0..50).map(|number| client.create_group(&format!("g{number}"), &[])).collect();
        let stream = fixture.scim_stream(&["prov:create:full", "prov:patch:full", "prov:delete"]);
        for id in others.iter().chain([&crew, &outer]) {
            client.delete(&format!("/Groups/{id}")).expect(204);
        }
        let all = || {
            let mut all = Vec::new();
            loop {
                match fixture.told(&stream) {
                    none if none.is_empty() => return all,
                    some => all.extend(some),
                }
            }
        };
        assert!(all().iter().all(|(_, name, _)| name == "prov:delete"));
        look(&fixture.server);
        let id = quarantines(&fixture.admin)[0]["id"].as_str().unwrap().to_owned();
        fixture.admin.post(&format!("/quarantines/{id}/restore"), &json!({})).expect(200);
        let told = all();
        let of = |group: &str| -> Vec<(String, Value)> {
            let is_it = |subject: &Value| subject["uri"] == format!("/Groups/{group}");
            told.iter().filter(|(subject, ..)| is_it(subject)).map(|(_, name, said)| (name.clone(), said.clone())).collect()
        };
        let made = of(&crew);
        assert_eq!(made.len(), 2, "{made:?}");
        assert_eq!((made[0].0.as_str(), &made[0].1["data"]["displayName"]), ("prov:create:full", &json!("crew")));
        assert_eq!(made[1].0, "prov:patch:full");
        let joined = made[1].1["data"]["Operations"][0]["value"].as_array().unwrap();
        let mut joined: Vec<&str> = joined.iter().map(|member| member["value"].as_str().unwrap()).collect();
        joined.sort_unstable();
        let mut expected = [ann.as_str(), bob.as_str()];
        expected.sort_unstable();
        assert_eq!(joined, expected);
        // Where it was in, it is in again: a group that came back, and one that was there all the time.
        for (group, names) in [(&outer, vec!["prov:create:full", "prov:patch:full"]), (&stays, vec!["prov:patch:full"])] {
            let said = of(group);
            assert_eq!(said.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
            assert_eq!(said.last().unwrap().1["data"]["Operations"][0]["value"][0]["value"], crew.as_str());
        }
        assert_eq!(told.len(), 52 + 3, "each of 52 is new once, and three have members again");
    }

    fn a_stream_is_not_told_of_the_groups_it_has_removed(database: &Database) {
        let fixture = Listening::new(database);
        let client = &fixture.organization.client;
        let stream = fixture.scim_stream(&["prov:delete", "feed:remove"]);
        let (crew, cast) = (client.create_group("crew", &[]), client.create_group("cast", &[]));
        let subject = json!({ "format": "scim", "uri": format!("/Groups/{crew}") });
        fixture.ssf.post("/subjects:remove", &json!({ "stream_id": stream, "subject": subject })).expect(204);
        assert_eq!(fixture.one(&stream), (subject, "feed:remove".to_owned(), json!({})));
        for id in [&crew, &cast] {
            client.delete(&format!("/Groups/{id}")).expect(204);
        }
        assert_eq!(fixture.one(&stream).0["uri"], format!("/Groups/{cast}"));
    }
}
