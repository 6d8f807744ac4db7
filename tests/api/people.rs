//! People and groups as administrators see and keep them, and the bar that no connection lifts.

use muster::db::history;
use muster::db::users::Status;
use muster::model::{CredentialKind, OrganizationId, Profile};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use crate::support::{Answer, Client, Server, user};

/// The statuses a user had, oldest first.
fn statuses(server: &Server, organization: OrganizationId, id: &str) -> Vec<Status> {
    let rows = server.database.read(|tx| history::statuses(tx, organization, id.parse().unwrap())).unwrap();
    rows.into_iter().map(|row| row.status).collect()
}

/// Every item of a list, page by page, and how many pages there were.
fn walk(client: &Client, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = client.get(&format!("{path}{separator}limit={limit}{cursor}")).expect(200).json();
        assert!(page["items"].as_array().unwrap().len() <= limit);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (items, pages),
        }
    }
}

fn with_tag(client: &Client, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
    client.send(method, path, &[("If-Match", tag)], (method != "DELETE").then(|| body.to_string()).as_deref())
}

on_both_databases! {
    fn people_of_every_connection_are_listed_searched_and_shown(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let client = &organization.client;
        for number in 0..7 {
            let mut body = user(&format!("person{number}@example.com"));
            body["name"] = json!({ "familyName": if number % 2 == 0 { "Lovelace" } else { "Hopper" } });
            body["active"] = json!(number != 3);
            client.post("/Users", &body).expect(201);
        }
        let made = admin.post("/users", &json!({ "userName": "Zoë", "emails": [{ "value": "zoe@contractor.example" }] })).expect(201);
        assert_eq!(made.header("Location"), format!("{}/users/{}", admin.base, made.id()));
        let (all, pages) = walk(&admin, "/users", 3);
        assert_eq!((all.len(), pages), (8, 3));
        assert_eq!(walk(&admin, "/users", 8).1, 1, "a full page that ends the list tells so");
        for (query, found) in [("search=LOVELACE", 4), ("search=person3", 1), ("search=contractor", 1), ("search=ZO%C3%8B", 1), ("search=nobody", 0),
            ("status=inactive", 1), ("status=active", 7), ("status=suspended", 0), ("search=hopper&status=inactive", 1)] {
            assert_eq!(walk(&admin, &format!("/users?{query}"), 2).0.len(), found, "{query}");
        }
        problem(&admin.get("/users?status=gone"), 400, "`status`");
        let cursor = admin.get("/users?limit=1").json()["next_cursor"].as_str().unwrap().to_owned();
        problem(&admin.get(&format!("/users?search=x&cursor={cursor}")), 400, "`cursor`");

        let ada = all[0]["id"].as_str().unwrap().to_owned();
        client.create_group("Builders", &[&ada]);
        let shown = admin.get(&format!("/users/{ada}")).expect(200).json();
        assert_eq!(shown["managed_by"]["name"], "first");
        assert_eq!(shown["attributes"]["name"]["familyName"], "Lovelace");
        assert_eq!(shown["groups"][0]["display_name"], "Builders");
        assert_eq!(made.json()["managed_by"], Value::Null);
    }

    fn a_suspension_bars_whatever_connections_say_until_it_is_lifted(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let client = &organization.client;
        let ada = client.create_user("ada");
        let (path, suspension) = (format!("/Users/{ada}"), format!("/users/{ada}/suspension"));
        let seen = client.get(&path).expect(200);
        let suspended = admin.put(&suspension, &json!({ "reason": "lost badge of Ada" })).expect(200);
        assert_eq!((&suspended.json()["status"], &suspended.json()["active"]), (&json!("suspended"), &json!(true)));
        admin.put(&suspension, &json!({})).expect(200);
        // What the connection sent stays, its version too, and it goes on writing without lifting the bar.
        assert_eq!(client.get(&path).expect(200).text, seen.text);
        let active = |active: bool| json!([{ "op": "replace", "path": "active", "value": active }]);
        client.patch(&path, &active(false)).expect(200);
        client.patch(&path, &active(true)).expect(200);
        client.put(&path, &user("ada")).expect(200);
        assert_eq!(client.get(&path).json()["active"], true);
        assert_eq!(admin.get(&format!("/users/{ada}")).json()["status"], "suspended");
        assert_eq!(statuses(&server, organization.id, &ada), [Status::Active, Status::Suspended]);
        client.patch(&path, &active(false)).expect(200);
        let lifted = admin.delete(&suspension).expect(200).json();
        assert_eq!((&lifted["status"], &lifted["suspended_at"]), (&json!("inactive"), &Value::Null));
        client.patch(&path, &active(true)).expect(200);
        assert_eq!(statuses(&server, organization.id, &ada), [Status::Active, Status::Suspended, Status::Inactive, Status::Active]);
        let events = super::events::of(&server, organization.id, &ada);
        let of = |action: &str| events.iter().filter(|event| event.action == action).collect::<Vec<_>>();
        assert_eq!((of("user.suspended").len(), of("user.reinstated").len()), (1, 1));
        assert!(of("user.suspended")[0].sealed.is_some() && of("user.suspended")[0].revision.is_some());
        assert_eq!(of("user.suspended")[0].actor_kind, "credential");
    }

    fn somebody_suspended_does_not_come_back_by_deletion_and_another_creation(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let client = &organization.client;
        let status = |id: &str| admin.get(&format!("/users/{id}")).expect(200).json()["status"].clone();
        let first = client.create_user("ada");
        admin.put(&format!("/users/{first}/suspension"), &json!({})).expect(200);
        client.delete(&format!("/Users/{first}")).expect(204);
        let second = client.create_user("ADA");
        assert_eq!(status(&second), "suspended");
        assert_eq!(statuses(&server, organization.id, &second), [Status::Suspended]);
        admin.delete(&format!("/users/{second}/suspension")).expect(200);
        assert_eq!(status(&second), "active");
        client.delete(&format!("/Users/{second}")).expect(204);
        assert_eq!(status(&client.create_user("ada")), "active");
        assert_eq!(status(&client.create_user("bob")), "active");
    }

    fn a_local_user_is_kept_here_and_one_of_a_connection_is_not(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let made = admin.post("/users", &json!({ "userName": "local", "title": "Builder" })).expect(201);
        let path = format!("/users/{}", made.id());
        let read = admin.get(&path).expect(200);
        assert_eq!(read.header("ETag"), made.header("ETag"));
        admin.send("GET", &path, &[("If-None-Match", made.header("ETag"))], None).expect(304);
        let changed = with_tag(&admin, "PATCH", &path, made.header("ETag"), &json!({ "displayName": "Local", "title": null })).expect(200);
        let attributes = &changed.json()["attributes"];
        assert_eq!((&attributes["displayName"], attributes.get("title")), (&json!("Local"), None));
        for (method, body) in [("PATCH", json!({ "displayName": "x" })), ("DELETE", Value::Null)] {
            problem(&with_tag(&admin, method, &path, made.header("ETag"), &body), 412, "If-Match");
        }
        // The tag tells of the suspension, too.
        let suspended = with_tag(&admin, "PUT", &format!("{path}/suspension"), changed.header("ETag"), &json!({})).expect(200);
        assert_ne!(suspended.header("ETag"), changed.header("ETag"));
        problem(&with_tag(&admin, "DELETE", &format!("{path}/suspension"), changed.header("ETag"), &Value::Null), 412, "If-Match");
        with_tag(&admin, "PATCH", &path, suspended.header("ETag"), &json!({ "nickName": "x" })).expect(200);
        admin.delete(&path).expect(204);
        problem(&admin.get(&path), 404, "");

        problem(&admin.post("/users", &json!({})), 400, "`userName`");
        problem(&admin.post("/users", &json!({ "userName": 1 })), 400, "userName");
        let ada = organization.client.create_user("ada");
        problem(&admin.post("/users", &json!({ "userName": "Ada" })), 409, "`userName`");
        for method in ["PATCH", "DELETE"] {
            problem(&with_tag(&admin, method, &format!("/users/{ada}"), "*", &json!({ "title": "x" })), 403, "`first`");
        }
        // Whom nobody manages the first connection that writes adopts.
        let taken = admin.post("/users", &json!({ "userName": "bob" })).expect(201).id();
        organization.client.patch(&format!("/Users/{taken}"), &json!([{ "op": "replace", "path": "title", "value": "x" }])).expect(200);
        problem(&admin.delete(&format!("/users/{taken}")), 403, "`first`");
    }

    fn a_local_group_is_kept_here_and_one_of_a_connection_is_not(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let (ada, bob) = (organization.client.create_user("ada"), organization.client.create_user("bob"));
        let theirs = organization.client.create_group("Builders", &[&ada]);
        let made = admin.post("/groups", &json!({ "display_name": "Builders" })).expect(201);
        problem(&admin.post("/groups", &json!({ "display_name": "BUILDERS" })), 409, "`displayName`");
        problem(&admin.post("/groups", &json!({ "display_name": "" })), 400, "`displayName`");
        let path = format!("/groups/{}", made.id());
        for _ in 0..2 {
            admin.put(&format!("{path}/members/{ada}"), &Value::Null).expect(204);
        }
        admin.put(&format!("{path}/members/{bob}"), &Value::Null).expect(204);
        problem(&admin.put(&format!("{path}/members/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"), &Value::Null), 400, "no id of a user or group");
        let members = walk(&admin, &format!("{path}/members"), 1).0;
        assert_eq!(members.iter().map(|member| (member["kind"].as_str().unwrap(), member["name"].as_str().unwrap())).collect::<Vec<_>>(),
            [("user", "ada"), ("user", "bob")]);
        let inner = admin.post("/groups", &json!({ "display_name": "inner" })).expect(201).id();
        admin.put(&format!("{path}/members/{inner}"), &Value::Null).expect(204);
        assert_eq!(walk(&admin, &format!("{path}/members"), 10).0[2]["kind"], "group");
        problem(&admin.put(&format!("/groups/{inner}/members/{}", made.id()), &Value::Null), 400, "directly or not");
        for _ in 0..2 {
            admin.delete(&format!("{path}/members/{ada}")).expect(204);
        }
        assert_eq!(walk(&admin, &format!("{path}/members"), 10).0.len(), 2);
        let renamed = admin.send("PATCH", &path, &[], Some("{\"display_name\":\"Menders\"}")).expect(200);
        assert_eq!((&renamed.json()["display_name"], &renamed.json()["managed_by"]), (&json!("Menders"), &Value::Null));
        problem(&with_tag(&admin, "PATCH", &path, made.header("ETag"), &json!({ "display_name": "x" })), 412, "If-Match");

        // A connection sees nothing of local groups, and its own are changed over it alone.
        organization.client.get(&format!("/Groups/{}", made.id())).expect_error(404, "");
        let other = server.connection(organization.id, "second", Profile::Default);
        other.create_group("Builders", &[]);
        let path = format!("/groups/{theirs}");
        assert_eq!(admin.get(&path).json()["managed_by"]["name"], "first");
        for (method, path) in [("PATCH", path.clone()), ("DELETE", path.clone()), ("PUT", format!("{path}/members/{bob}")), ("DELETE", format!("{path}/members/{ada}"))] {
            problem(&with_tag(&admin, method, &path, "*", &json!({ "display_name": "x" })), 403, "`first`");
        }
        assert_eq!(organization.client.members(&theirs).len(), 1);
        assert_eq!(walk(&admin, "/groups", 2).0.len(), 4);
        assert_eq!(walk(&admin, "/groups?connection=local", 2).0.len(), 2);
        assert_eq!(walk(&admin, "/groups?search=BUILD", 1).0.len(), 2);
        admin.delete(&format!("/groups/{}", made.id())).expect(204);
        problem(&admin.get(&format!("/groups/{}/members", made.id())), 404, "");
    }

    fn people_and_groups_of_another_organization_are_not_there(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("bravo"));
        let admin = administrator(&server, ours.id, CredentialKind::Admin);
        let other = administrator(&server, theirs.id, CredentialKind::Admin);
        let ada = theirs.client.create_user("ada");
        let group = other.post("/groups", &json!({ "display_name": "Builders" })).expect(201).id();
        let own = admin.post("/groups", &json!({ "display_name": "Own" })).expect(201).id();
        let before = crate::support::rows::rows_of(database, theirs.id);
        for (method, path) in [("GET", format!("/users/{ada}")), ("PATCH", format!("/users/{ada}")), ("DELETE", format!("/users/{ada}")),
            ("PUT", format!("/users/{ada}/suspension")), ("DELETE", format!("/users/{ada}/suspension")), ("GET", format!("/groups/{group}")),
            ("PATCH", format!("/groups/{group}")), ("DELETE", format!("/groups/{group}")), ("GET", format!("/groups/{group}/members")),
            ("PUT", format!("/groups/{group}/members/{ada}")), ("DELETE", format!("/groups/{group}/members/{ada}"))] {
            let body = if path.starts_with("/groups") { "{\"display_name\":\"x\"}" } else { "{}" };
            let body = ["PATCH", "PUT"].contains(&method).then_some(body);
            problem(&admin.send(method, &path, &[], body), 404, "");
        }
        problem(&admin.put(&format!("/groups/{own}/members/{ada}"), &Value::Null), 400, "no id of a user or group");
        assert_eq!(walk(&admin, "/users", 10).0.len(), 0);
        assert_eq!(crate::support::rows::rows_of(database, theirs.id), before);
    }
}
