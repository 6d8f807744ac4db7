//! What is kept of requests: masked, in order, for as long as set; and the word for how a connection fares.

use muster::clock::Clock;
use muster::model::{CredentialKind, Moment};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use crate::support::rows::{lines, number};
use crate::support::{Backend, Client, Database, Program, Server, user};

const SECRETS: [&str; 6] = [
    "canary-body-5b1d",
    "canary-query-8c2e",
    "canary-path-91af",
    "canary-name-77d0",
    "canary-token-3e44",
    "canary-key-06bb",
];

/// The log of the first connection.
fn log(admin: &Client, query: &str) -> Vec<Value> {
    let connection = admin.get("/connections").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let page = admin.get(&format!("/connections/{connection}/log{query}")).expect(200).json();
    page["items"].as_array().unwrap().clone()
}

fn health(admin: &Client) -> (String, String) {
    let connection = &admin.get("/connections").expect(200).json()["items"][0];
    let text = |name: &str| connection[name].as_str().unwrap().to_owned();
    (text("health"), text("health_text"))
}

/// Every row of the tables of the request log, as text.
fn everything(database: &Database) -> String {
    let columns = match database.backend() {
        Backend::Sqlite => "quote(query) || quote(request) || quote(answer) || quote(route) || quote(method)",
        Backend::Postgres => "coalesce(query, '') || coalesce(request, '') || coalesce(answer, '') || route || method",
    };
    lines(database, &format!("SELECT {columns} AS line FROM request_log")).join("\n")
}

/// Requests of every outcome, each with a secret wherever a client may put one.
fn talk(client: &Client) {
    let [body, query, path, name, token, key] = SECRETS;
    let full = |user_name: &str| {
        json!({ "schemas": ["urn:x", body], "userName": user_name, "displayName": body, "password": body, "externalId": body, key: body,
        "name": { "givenName": name, "familyName": name }, "emails": [{ "value": format!("{name}@x.io"), "type": body }] })
    };
    let id = client.post("/Users", &full(name)).expect(201).id();
    client.post("/Users", &full(name)).expect(409);
    client.post("/Users", &json!({ "userName": [body] })).expect(400);
    client
        .post("/Users", &json!({ "userName": format!("`{body}` {name}`"), "active": format!("a`{body}`b") }))
        .expect(400);
    client.put(&format!("/Users/{id}"), &full(&format!("{name}`{body}"))).expect(200);
    client
        .post("/Groups", &json!({ "displayName": body, "members": [{ "value": body, "display": name }] }))
        .expect(400);
    client
        .post("/Groups", &json!({ "displayName": body, "members": [{ "value": format!("x`{body}`y") }] }))
        .expect(400);
    for operation in [
        json!({ "op": "replace", "path": path, "value": body }),
        json!({ "op": body, "path": "title", "value": body }),
        json!({ "op": "replace", "path": "title", "value": body }),
        json!({ "op": "replace", "path": format!("emails[value eq \"{path}\"].type"), "value": body }),
        json!({ "op": "remove", "path": format!("emails[value eq {path}].{key}") }),
        json!({ "op": "add", "value": { key: body, "name.givenName": name, format!("emails[type eq \"{path}\"].value"): body } }),
        json!({ "op": "add", "path": format!("`{path}` {body}"), "value": 1 }),
    ] {
        client.patch(&format!("/Users/{id}"), &json!([operation]));
    }
    for filter in [
        format!("userName eq \"{query}\" x"),
        format!("{query} eq 1"),
        format!("userName {query} 1"),
        format!("userName eq `{query}` {query}"),
    ] {
        client.filter("/Users", &filter).expect(400);
    }
    client.get(&format!("/Users?attributes={query}&excludedAttributes={query}&{key}={query}")).expect(400);
    client.get(&format!("/Users?count={query}")).expect(400);
    client.get(&format!("/{path}")).expect(404);
    client.delete(&format!("/Users/{path}")).expect(404);
    client.send(&path.to_uppercase(), "/Users", &[], None).expect(405);
    client
        .send("POST", "/Users", &[("Content-Type", body), ("Cookie", token), ("X-Api-Key", token)], Some("{}"))
        .expect(415);
    client.send("POST", "/Users", &[], Some(&format!("{{\"userName\": {body}"))).expect(400);
    client
        .send(
            "POST",
            "/Users",
            &[],
            Some(&format!("{{\"userName\": \"x\", \"title\": \"{}{body}\"}}", "a".repeat(70_000))),
        )
        .expect(400);
    client.send("GET", "/Users", &[("Authorization", &format!("Bearer {token}"))], None).expect(401);
    client.delete(&format!("/Users/{id}")).expect(204);
}

on_both_databases! {
    fn errors_and_writes_are_kept_with_values_masked_and_reads_are_counted(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Auditor);
        let client = &organization.client;
        let made = client.post("/Users", &json!({ "userName": "ada@example.com", "active": true })).expect(201);
        client.get(&format!("/Users/{}", made.id())).expect(200);
        client.get("/Users").expect(200);
        let refused = client.post("/Users", &user("ada@example.com")).expect(409);
        client.filter("/Users", "userName zz \"ada@example.com\"").expect(400);
        let kept = log(&admin, "");
        let told: Vec<_> = kept.iter().map(|line| (line["method"].as_str().unwrap(), line["route"].as_str().unwrap(), line["status"].as_u64().unwrap())).collect();
        assert_eq!(told, [("GET", "/Users", 400), ("POST", "/Users", 409), ("POST", "/Users", 201)]);
        assert_eq!(kept[0]["query"], "filter=userName … \"…\"");
        assert_eq!(kept[0]["answer"]["scimType"], "invalidFilter");
        assert_eq!(kept[1]["id"], refused.header("X-Request-Id"));
        assert_eq!(kept[1]["answer"]["detail"], refused.json()["detail"]);
        assert_eq!(kept[2]["request"], json!({ "userName": "…", "active": true }));
        assert_eq!((&kept[2]["resource"], &kept[2]["answer"]["id"]), (&json!(made.id()), &json!(made.id())));
        assert_eq!((&kept[2]["answer"]["userName"], &kept[2]["effect"]), (&json!("…"), &Value::Null));
        assert!(kept[2]["duration_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(log(&admin, "?show=refused").len(), 2);
        assert_eq!(log(&admin, "?show=writes").len(), 2);
        let connection = admin.get("/connections").json()["items"][0]["id"].as_str().unwrap().to_owned();
        let reads = admin.get(&format!("/connections/{connection}/reads")).expect(200).json();
        let total: i64 = reads["items"].as_array().unwrap().iter().map(|minute| minute["reads"].as_i64().unwrap()).sum();
        assert_eq!(total, 2);
        // Page by page it is the same list, and another organization has none of it.
        let (mut ids, mut query) = (Vec::new(), "?limit=1".to_owned());
        loop {
            let page = admin.get(&format!("/connections/{connection}/log{query}")).expect(200).json();
            ids.push(page["items"][0]["id"].clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=1&cursor={next}");
        }
        assert_eq!(ids, kept.iter().map(|line| line["id"].clone()).collect::<Vec<_>>());
        let other = administrator(&server, server.organization("bravo").id, CredentialKind::Admin);
        problem(&other.get(&format!("/connections/{connection}/log")), 404, "");
        problem(&other.get(&format!("/connections/{connection}/reads")), 404, "");
        problem(&admin.get(&format!("/connections/{connection}/log?show=x")), 400, "`show`");
    }

    fn nothing_a_client_wrote_is_in_the_request_log(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        talk(&organization.client);
        let mut answers = String::new();
        for query in ["?limit=1000", "?show=refused", "?show=writes"] {
            answers.push_str(&Value::from(log(&admin, query)).to_string());
        }
        let rows = everything(database);
        assert!(rows.lines().count() > 20, "{rows}");
        assert!(rows.contains("too-long") && rows.contains("not-json"));
        let end_of = |token: &str| token.split_at(token.len() - 20).1.to_owned();
        for secret in SECRETS.map(str::to_owned).into_iter().chain([SECRETS[2].to_uppercase(), end_of(&organization.client.token), end_of(&admin.token)]) {
            for (place, text) in [("the database", &rows), ("an answer", &answers)] {
                let line = text.lines().find(|line| line.contains(&secret));
                assert_eq!(line, None, "{secret} is in {place}");
            }
        }
    }

    fn a_connection_tells_how_it_fares(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_700_000_000_000_000));
        let server = Server::start_at(database, 0, clock);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let client = &organization.client;
        assert_eq!(health(&admin).1, "waiting for first request");
        client.get("/Users").expect(200);
        assert_eq!(health(&admin).1, "receiving");
        // Asking for what is not there is how identity providers find out.
        client.get("/Users/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a").expect(404);
        assert_eq!(health(&admin).0, "receiving");
        for _ in 0..3 {
            client.post("/Users", &json!({})).expect(400);
        }
        assert_eq!(health(&admin).1, "failing since 2023-11-14T22:13:20Z, 3 refused");
        log(&admin, "");
        client.post("/Users", &json!({})).expect(400);
        assert_eq!(health(&admin).1, "failing since 2023-11-14T22:13:20Z, 4 refused");
        client.post("/Users", &user("ada")).expect(201);
        assert_eq!(health(&admin).1, "receiving");
        server.clock.advance(3_600 * 1_000_000);
        assert_eq!(health(&admin).1, "quiet");
        let id = admin.get("/connections").json()["items"][0]["id"].as_str().unwrap().to_owned();
        admin.send("PATCH", &format!("/connections/{id}"), &[], Some("{\"paused\":true}")).expect(200);
        assert_eq!(health(&admin), ("paused".to_owned(), "paused".to_owned()));
    }

    fn what_was_kept_for_long_enough_is_forgotten(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_700_000_000_000_000));
        let server = Server::start_at(database, 0, clock);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let client = &organization.client;
        let count = |table: &str| number(database, &format!("SELECT count(*) FROM {table}"));
        for number in 0..3 {
            client.create_user(&format!("old{number}"));
        }
        client.get("/Users").expect(200);
        let hour = 3_600 * 1_000_000;
        server.clock.advance(20 * hour);
        client.create_user("young");
        client.get("/Users").expect(200);
        assert_eq!((log(&admin, "").len(), count("request_count")), (4, 2));
        let forget = |hours: i64| server.live.forget_requests(server.clock.now().plus_micros(-hours * hour), || true).unwrap();
        assert_eq!(forget(30), 0);
        assert_eq!(forget(10), 3);
        assert_eq!((log(&admin, "").len(), count("request_count")), (1, 1));
        assert_eq!(forget(10), 0);
    }

    fn the_command_line_shows_the_log_and_keeps_people_and_groups(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let ada = organization.client.create_user("ada");
        organization.client.post("/Users", &user("ada")).expect(409);
        assert_eq!(log(&admin, "").len(), 2);
        let program = Program::on(database);
        assert!(program.done(&["connection", "list"]).contains("failing since"));
        let shown = program.done(&["connection", "log", "first"]);
        assert!(shown.contains("409") && shown.contains("201") && shown.contains(&ada), "{shown}");
        assert_eq!(program.done(&["connection", "log", "first", "--refused"]).lines().count(), 2);
        let whole = program.done(&["connection", "log", "first", "--json", "--limit", "1"]);
        let whole: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!((&whole["status"], &whole["request"]["userName"]), (&json!(409), &json!("…")));
        assert_eq!(program.run(&["connection", "log", "unheard"]).code, Some(1));

        let bob = program.done(&["user", "create", "bob", "--display-name", "Bob", "--email", "bob@x.io"]).trim().to_owned();
        program.done(&["user", "deactivate", "ADA", "--reason", "lost badge"]);
        let list = program.done(&["user", "list"]);
        assert!(list.lines().any(|line| line.contains(&ada) && line.contains("suspended") && line.contains("first")), "{list}");
        assert!(list.lines().any(|line| line.contains(&bob) && line.contains("active") && line.contains("local")), "{list}");
        assert_eq!(program.done(&["user", "list", "--search", "x.io"]).lines().count(), 2);
        program.done(&["user", "reactivate", &ada]);
        assert_eq!(admin.get(&format!("/users/{ada}")).json()["status"], "active");
        assert_eq!(program.run(&["user", "deactivate", "nobody"]).code, Some(1));
        assert_eq!(program.run(&["user", "create", "bob"]).code, Some(1));
        let group = program.done(&["group", "create", "Builders"]).trim().to_owned();
        program.done(&["group", "add", "builders", "bob"]);
        program.done(&["group", "add", &group, &ada]);
        program.done(&["group", "remove", "Builders", "bob"]);
        let members = admin.get(&format!("/groups/{group}/members")).json();
        assert_eq!((members["items"].as_array().unwrap().len(), &members["items"][0]["id"]), (1, &json!(ada)));
        let list = program.done(&["group", "list"]);
        assert!(list.contains("Builders") && list.contains("local"), "{list}");
        assert_eq!(program.run(&["group", "add", "nothing", "bob"]).code, Some(1));
    }
}
