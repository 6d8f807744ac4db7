//! Who may change what: connections of one organization beside each other.

use muster::db::users::{UserRow, UserSortKeys};
use muster::db::{Count, ResourceKind, WriteSet};
use muster::live::{Cause, Decision};
use muster::model::{Actor, ConnectionId, OrganizationId, Profile};
use muster::service::ServiceError;
use serde_json::json;

use crate::support::{Server, USER, group, user};

/// A user nobody manages.
fn unmanaged(server: &Server, organization: OrganizationId, user_name: &str) -> String {
    let now = server.clock.now();
    let id = muster::ids::user(now);
    let cause = Cause { organization, actor: Actor::CommandLine, request: muster::ids::request(now) };
    let document = json!({ "schemas": [USER], "userName": user_name, "active": true });
    let written: Result<(), ServiceError> = server.live.write(&cause, |tx| {
        let (_, person_key) = server.live.new_person_key(tx, organization, id)?;
        let mut set = WriteSet::new(organization);
        set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: 1, deleted: 0 });
        set.users_created.push(UserRow {
            id,
            connection: ConnectionId::NOBODY,
            user_name_key: user_name.to_owned(),
            sort_keys: UserSortKeys::default(),
            external_id: None,
            active: true,
            created_at: now,
            person_key,
            document: document.to_string(),
        });
        Ok(Decision::Write(Box::new(set), ()))
    });
    written.unwrap();
    id.to_string()
}

on_both_databases! {
    fn a_user_nobody_manages_is_adopted_by_the_first_who_writes(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let (first, second) = (organization.client, server.connection(organization.id, "second", Profile::Default));
        let change = json!([{ "op": "replace", "path": "title", "value": "x" }]);
        let same = json!([{ "op": "replace", "path": "active", "value": true }]);
        for (number, adopt) in ["patch", "put", "patch without a change"].iter().enumerate() {
            let name = format!("u{number}");
            let path = format!("/Users/{}", unmanaged(&server, organization.id, &name));
            let before = first.get(&path).expect(200).json()["meta"].clone();
            first.post("/Users", &user(&name)).expect_error(409, "uniqueness");
            match *adopt {
                "put" => first.put(&path, &user(&name)).expect(200),
                "patch" => first.patch(&path, &change).expect(200),
                // Who manages a user is not said in the user: it is the same version.
                _ => {
                    let answer = first.patch(&path, &same).expect(200);
                    assert_eq!(answer.json()["meta"], before);
                    answer
                }
            };
            second.patch(&path, &change).expect_error(403, "");
            first.patch(&path, &change).expect(200);
            let id = path.trim_start_matches("/Users/");
            let events = super::events::of(&server, organization.id, id);
            let adopted: Vec<_> = events.iter().filter(|event| event.action == "user.adopted").collect();
            assert_eq!(adopted.len(), 1, "{adopt}");
            assert_eq!(adopted[0].actor_kind, "connection");
        }
        let path = format!("/Users/{}", unmanaged(&server, organization.id, "leaver"));
        second.delete(&path).expect(204);
        first.get(&path).expect_error(404, "");
    }
}

on_both_databases! {
    fn a_user_managed_elsewhere_is_seen_and_not_changed(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let (first, second) = (organization.client, server.connection(organization.id, "second", Profile::Default));
        let mut body = user("ada");
        body["emails"] = json!([{ "value": "ada@x.io" }]);
        body["externalId"] = json!("1");
        let ada = first.post("/Users", &body).expect(201);
        let path = format!("/Users/{}", ada.id());
        second.post("/Users", &body).expect_error(409, "uniqueness");
        second.post("/Users", &user("ADA")).expect_error(409, "uniqueness");
        let touch = json!([{ "op": "replace", "path": "title", "value": "x" }]);
        let same = json!([{ "op": "replace", "path": "active", "value": true }]);
        for refused in [
            second.put(&path, &body),
            second.patch(&path, &touch),
            second.patch(&path, &same),
            second.delete(&path),
            second.send(
                "PATCH",
                &path,
                &[("If-Match", "W/\"0-00\"")],
                Some("{\"Operations\":[{\"op\":\"remove\",\"path\":\"title\"}]}"),
            ),
        ] {
            let detail = refused.expect_error(403, "").json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("`first`"), "the manager is named: {detail}");
        }
        assert_eq!(second.get(&path).expect(200).text, ada.text);
        for filter in ["userName eq \"ada\"", "externalId eq \"1\"", "emails.value eq \"ADA@x.io\"", "active eq true"] {
            assert_eq!(second.found("/Users", filter), [ada.id()], "{filter}");
        }
        assert_eq!(second.get("/Users").expect(200).json()["totalResults"], 1);
        let bob = second.create_user("bob");
        second
            .patch(&format!("/Users/{bob}"), &json!([{ "op": "replace", "path": "userName", "value": "ada" }]))
            .expect_error(409, "uniqueness");
    }
}

on_both_databases! {
    fn a_connection_sees_and_writes_its_own_groups_only(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let (first, second) = (organization.client, server.connection(organization.id, "second", Profile::Default));
        let (ada, bob) = (first.create_user("ada"), second.create_user("bob"));
        let mine = first.create_group("Builders", &[&ada, &bob]);
        let path = format!("/Groups/{mine}");
        let before = first.get(&path).expect(200).text;
        second.get(&path).expect_error(404, "");
        second.put(&path, &group("X", &[])).expect_error(404, "");
        second.patch(&path, &json!([{ "op": "add", "path": "members", "value": bob }])).expect_error(404, "");
        second.delete(&path).expect_error(404, "");
        for filter in
            ["displayName eq \"builders\"".to_owned(), format!("members eq \"{bob}\""), format!("id eq \"{mine}\"")]
        {
            assert!(second.found("/Groups", &filter).is_empty(), "{filter}");
        }
        assert_eq!(second.get("/Groups").expect(200).json()["totalResults"], 0);
        // Each sees the memberships it made.
        let theirs = second.create_group("builders", &[&ada]);
        let groups = |client: &crate::support::Client, user: &str| {
            let groups = client.get(&format!("/Users/{user}")).expect(200).json()["groups"].clone();
            groups
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["value"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(groups(&first, &ada), std::slice::from_ref(&mine));
        assert_eq!(groups(&second, &ada), std::slice::from_ref(&theirs));
        assert_eq!(groups(&first, &bob), std::slice::from_ref(&mine));
        assert!(first.found("/Users", &format!("groups.value eq \"{theirs}\"")).is_empty());
        // Another connection's group is no member to be had.
        second
            .patch(&format!("/Groups/{theirs}"), &json!([{ "op": "add", "path": "members", "value": mine }]))
            .expect_error(400, "invalidValue");
        assert_eq!(first.get(&path).expect(200).text, before);
        second.delete(&format!("/Users/{bob}")).expect(204);
        assert_eq!(first.members(&mine), std::collections::BTreeSet::from([ada]));
    }
}

// Requirement 12
on_both_databases! {
    fn group_names_are_unique_within_a_connection_unless_it_keeps_to_the_letter(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let (first, second) = (organization.client, server.connection(organization.id, "second", Profile::Okta));
        first.create_group("Builders", &[]);
        first.post("/Groups", &group("BUILDERS", &[])).expect_error(409, "uniqueness");
        second.create_group("builders", &[]);
        second.post("/Groups", &group("Builders", &[])).expect_error(409, "uniqueness");
        let letter = server.connection(organization.id, "letter", Profile::Rfc);
        letter.create_group("Builders", &[]);
        letter.create_group("Builders", &[]);
        assert_eq!(letter.found("/Groups", "displayName eq \"BUILDERS\"").len(), 2);
        // A name is free once its group is gone, and changing nothing but its case is no conflict.
        let other = first.create_group("Breakers", &[]);
        first.put(&format!("/Groups/{other}"), &group("BREAKERS", &[])).expect(200);
        first.delete(&format!("/Groups/{other}")).expect(204);
        first.create_group("breakers", &[]);
    }
}
