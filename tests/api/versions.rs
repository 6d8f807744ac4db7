//! Entity tags and preconditions.

use serde_json::json;

use crate::support::{Server, group, in_parallel, user};

// Requirement 64
on_both_databases! {
    fn preconditions_are_honoured_on_reads_and_writes(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for (endpoint, body, other) in
            [("/Users", user("ada"), user("augusta")), ("/Groups", group("G", &[]), group("H", &[]))]
        {
            let created = client.post(endpoint, &body).expect(201);
            let path = format!("{endpoint}/{}", created.id());
            let old = created.header("ETag").to_owned();
            assert!(old.starts_with("W/\""), "{old}");
            let read = |tags: &str| client.send("GET", &path, &[("If-None-Match", tags)], None);
            for tags in [old.as_str(), "*", &format!("\"x\", {old}"), old.trim_start_matches("W/")] {
                let unchanged = read(tags).expect(304);
                assert_eq!((unchanged.text.as_str(), unchanged.header("ETag")), ("", old.as_str()), "{tags}");
            }
            read("W/\"0-00000000\"").expect(200);

            let put = |tags: &str, body: &serde_json::Value| {
                client.send("PUT", &path, &[("If-Match", tags)], Some(&body.to_string()))
            };
            put("W/\"0-00000000\"", &other).expect_error(412, "");
            let changed = put(&format!("W/\"x\", {old}"), &other).expect(200);
            let new = changed.header("ETag").to_owned();
            assert_ne!(new, old);
            read(&old).expect(200);
            put(&old, &body).expect_error(412, "");
            put("*", &other).expect(200);
            let patch = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "x" }] }).to_string();
            client.send("PATCH", &path, &[("If-Match", &old)], Some(&patch)).expect_error(412, "");
            client.send("DELETE", &path, &[("If-Match", &old)], None).expect_error(412, "");
            assert_eq!(client.get(&path).expect(200).header("ETag"), new, "nothing was written");
            let newer = client.send("PATCH", &path, &[("If-Match", &new)], Some(&patch)).expect(200);
            client.send("DELETE", &path, &[("If-Match", newer.header("ETag"))], None).expect(204);
            client.send("PUT", &path, &[("If-Match", "*")], Some(&body.to_string())).expect_error(404, "");
        }
    }
}

// Requirement 64
on_both_databases! {
    fn of_many_who_hold_one_version_one_writes(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.post("/Users", &user("ada")).expect(201);
        let made = client.post("/Groups", &group("G", &[])).expect(201);
        for (path, tag) in [
            (format!("/Users/{}", ada.id()), ada.header("ETag").to_owned()),
            (format!("/Groups/{}", made.id()), made.header("ETag").to_owned()),
        ] {
            let statuses = in_parallel(12, 12, |number| {
                let body =
                    json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": number.to_string() }] });
                client.send("PATCH", &path, &[("If-Match", &tag)], Some(&body.to_string())).status
            });
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 11, "{statuses:?}");
        }
        // Members under a precondition are no exception.
        let tag = client.get(&format!("/Groups/{}", made.id())).expect(200).header("ETag").to_owned();
        let people = in_parallel(4, 8, |number| client.create_user(&format!("u{number}")));
        let statuses = in_parallel(8, 8, |number| {
            let body = json!({ "Operations": [{ "op": "add", "path": "members", "value": people[number] }] });
            client
                .send("PATCH", &format!("/Groups/{}", made.id()), &[("If-Match", &tag)], Some(&body.to_string()))
                .status
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(client.members(&made.id()).len(), 1);
    }
}

// Requirement 65
on_both_databases! {
    fn a_version_changes_exactly_when_the_resource_does(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let (ada, bob) = (client.create_user("ada"), client.create_user("bob"));
        let created = client.create_group("G", &[&ada]);
        let (user_path, group_path) = (format!("/Users/{ada}"), format!("/Groups/{created}"));
        let tag = |path: &str| client.get(path).expect(200).header("ETag").to_owned();
        let user_tag = tag(&user_path);
        let mut group_tags = vec![tag(&group_path)];
        for operation in [
            json!({ "op": "add", "path": "members", "value": bob }),
            json!({ "op": "remove", "path": "members", "value": ada }),
            json!({ "op": "replace", "path": "displayName", "value": "H" }),
            json!({ "op": "replace", "value": { "displayName": "I", "members": [{ "value": ada }, { "value": bob }] } }),
        ] {
            client.patch(&group_path, &json!([operation])).expect(200);
            group_tags.push(tag(&group_path));
        }
        client.delete(&format!("/Users/{bob}")).expect(204);
        group_tags.push(tag(&group_path));
        for (at, one) in group_tags.iter().enumerate() {
            assert!(!group_tags[at + 1..].contains(one), "{group_tags:?}");
        }
        assert_eq!(tag(&user_path), user_tag, "a user's groups do not count");
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        client.patch(&user_path, &off).expect(200);
        assert_ne!(tag(&user_path), user_tag);
        assert_eq!(tag(&group_path), *group_tags.last().unwrap());
    }
}

// Requirement 66
on_both_databases! {
    fn what_is_another_organizations_is_not_there(database: &Database) {
        let server = Server::start(database);
        let (here, there) = (server.organization("here").client, server.organization("there").client);
        let ada = there.create_user("ada");
        let builders = there.create_group("Builders", &[&ada]);
        here.create_user("ada");
        here.create_group("Builders", &[]);
        let touch = json!([{ "op": "replace", "path": "externalId", "value": "x" }]);
        for (path, body) in [(format!("/Users/{ada}"), user("eve")), (format!("/Groups/{builders}"), group("Eve", &[]))]
        {
            let before = there.get(&path).expect(200).text;
            here.get(&path).expect_error(404, "");
            here.put(&path, &body).expect_error(404, "");
            here.patch(&path, &touch).expect_error(404, "");
            here.delete(&path).expect_error(404, "");
            assert_eq!(there.get(&path).expect(200).text, before);
        }
        for (endpoint, filter) in [
            ("/Users", format!("id eq \"{ada}\"")),
            ("/Users", format!("groups.value eq \"{builders}\"")),
            ("/Groups", format!("id eq \"{builders}\"")),
            ("/Groups", format!("members eq \"{ada}\"")),
        ] {
            assert!(here.found(endpoint, &filter).is_empty(), "{filter}");
        }
        assert_eq!(here.get("/Users").expect(200).json()["totalResults"], 1);
    }
}
