//! Administration over HTTP: who is admitted, how refusals look, what the document says.

use muster::http::api::{RESOURCES, openapi, route};
use muster::model::{CredentialKind, Destinations, OrganizationId};
use muster::service::administration::NewToken;
use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{Answer, Client, Database, Organization, Server};

/// A client of `/api/v1` with a credential of this kind.
pub fn administrator(server: &Server, organization: OrganizationId, kind: CredentialKind) -> Client {
    let wanted = NewToken { organization, kind, connection: None, valid_micros: 86_400_000_000 };
    let token = server.administration().issue_token(&wanted).unwrap().to_string();
    Client { base: format!("{}/api/v1", server.url), token }
}

/// A server that may send to this machine, its organization `acme`, and an administrator of that.
pub fn administered(database: &Database) -> (Server, Organization, Client) {
    let server = Server::start(database);
    server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
    let organization = server.organization("acme");
    let admin = administrator(&server, organization.id, CredentialKind::Admin);
    (server, organization, admin)
}

/// Asserts a problem document (RFC 9457) of this status that speaks of `about`.
#[track_caller]
pub fn problem(answer: &Answer, status: u16, about: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("Content-Type"), "application/problem+json", "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["type"], "about:blank", "{body}");
    assert_eq!(body["instance"], format!("urn:uuid:{}", answer.header("X-Request-Id")), "{body}");
    assert!(!body["title"].as_str().unwrap().is_empty(), "{body}");
    assert!(body["detail"].as_str().unwrap().contains(about), "{body}");
}

fn send(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    let body = matches!(method, "POST" | "PUT" | "PATCH").then_some(body);
    client.send(method, path, &[("Content-Type", "application/json")], body)
}

/// Every method and path there is, below `/api/v1`, with this id in it.
fn table(id: &str) -> Vec<(&'static str, String)> {
    let under = |path: &'static str| {
        let path = path.strip_prefix("/api/v1").unwrap();
        path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
    };
    route::all().flat_map(|(path, methods)| methods.into_iter().map(move |method| (method, under(path)))).collect()
}

#[test]
fn every_route_is_in_the_document_and_everything_in_the_document_is_a_route() {
    let document: Value = serde_json::from_str(openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.push((path.clone(), method.to_uppercase()));
            for member in ["operationId", "summary"] {
                assert!(operation[member].is_string(), "{method} {path} has no {member}");
            }
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
            let placeholders = path.matches('{').count();
            let parameters = operation["parameters"]
                .as_array()
                .map_or(0, |parameters| parameters.iter().filter(|parameter| parameter["in"] == "path").count());
            assert_eq!(placeholders, parameters, "{method} {path}");
        }
    }
    let mut served: Vec<(String, String)> = route::all()
        .flat_map(|(path, methods)| methods.into_iter().map(move |method| (path.to_owned(), method.to_owned())))
        .collect();
    documented.sort();
    served.sort();
    assert_eq!(documented, served);
    // Every name that is referred to is there.
    for reference in openapi().split("\"$ref\":\"").skip(1) {
        let name = reference.split('"').next().unwrap().strip_prefix("#/components/schemas/").unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
    let mut ids: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
    assert!(RESOURCES.iter().all(|resource| !resource.about.is_empty()));
}

on_both_databases! {
    fn no_route_opens_without_a_credential_of_an_administrator(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let id = organization.id.to_string();
        let refused = [
            "", "Bearer", "Bearer x", "Basic YTpi", "Bearer muster_admin_", "null",
        ].map(str::to_owned).into_iter().chain([
            format!("Bearer {}", organization.client.token),
            format!("Bearer {}", administrator(&server, organization.id, CredentialKind::Pep).token),
            format!("Bearer {}", administrator(&server, organization.id, CredentialKind::Receiver).token),
            format!("Bearer {}", organization.client.token.replace("muster_scim_", "muster_admin_")),
        ]).collect::<Vec<_>>();
        let client = Client { base: format!("{}/api/v1", server.url), token: String::new() };
        let before = all_rows(database);
        for (method, path) in table(&id).into_iter().chain([("GET", "/nothing".to_owned()), ("BREW", "/connections".to_owned())]) {
            for header in &refused {
                let answer = client.send(method, &path, &[("Authorization", header)], None);
                problem(&answer, 401, "bearer token");
                assert_eq!(answer.header("WWW-Authenticate"), "Bearer realm=\"muster\"");
            }
        }
        assert_eq!(all_rows(database), before);
        for path in ["/API/v1/connections", "/%61pi/v1/connections", "//api/v1/connections", "/api;x/v1/connections"] {
            let bare = Client { base: server.url.clone(), token: String::new() };
            problem(&bare.send("GET", path, &[("Authorization", "")], None), 401, "bearer token");
        }
    }

    fn an_auditor_reads_and_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let auditor = administrator(&server, organization.id, CredentialKind::Auditor);
        let before = all_rows(database);
        for (method, path) in table(&organization.id.to_string()) {
            let query = if path == "/explanations" { "?subject=ada&permission=build:view&scope=/" } else { "" };
            let answer = send(&auditor, method, &format!("{path}{query}"), "{}");
            if method == "GET" {
                assert!([200, 404].contains(&answer.status), "{method} {path}: {}", answer.text);
            } else {
                problem(&answer, 403, "only reads");
            }
        }
        assert_eq!(all_rows(database), before);
    }

    fn whatever_is_refused_is_a_problem_document(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let before = all_rows(database);
        problem(&admin.get("/nothing"), 404, "no such route");
        problem(&admin.get("/connections/%ff"), 404, "no such route");
        problem(&admin.get("/connections/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"), 404, "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a");
        problem(&admin.get("/connections/x"), 404, "nothing of this id");
        let wrong = admin.send("DELETE", "/connections", &[], None);
        problem(&wrong, 405, "GET, HEAD, POST, OPTIONS");
        assert_eq!(wrong.header("Allow"), "GET, HEAD, POST, OPTIONS");
        assert_eq!(admin.send("OPTIONS", "/connections", &[], None).expect(204).header("Allow"), "GET, HEAD, POST, OPTIONS");
        for (body, about) in [
            ("", "JSON"), ("{", "JSON"), ("[]", "JSON object"), ("3", "JSON object"), ("{}", "name"), ("{\"name\":1}", "string"),
            ("{\"name\":\"x\",\"shoe\":1}", "shoe"), ("{\"name\":\"x\",\"name\":\"y\"}", ""), ("{\"name\":\"\"}", "is not a name"),
            ("{\"name\":\"local\"}", "reserved"), ("{\"name\":\"x\",\"profile\":\"x\"}", "`profile`"),
        ] {
            problem(&send(&admin, "POST", "/connections", body), 400, about);
        }
        problem(&admin.send("POST", "/connections", &[("Content-Type", "text/plain")], Some("{}")), 415, "Content-Type");
        problem(&admin.send("POST", "/connections", &[("Content-Encoding", "gzip")], Some("{}")), 415, "Content-Encoding");
        problem(&send(&admin, "POST", "/connections", &" ".repeat(muster::model::limits::BODY_BYTES + 1)), 413, "too large");
        problem(&send(&admin, "POST", "/connections", "{\"name\":\"FIRST\"}"), 409, "`first`");
        for query in ["?shoe=1", "?limit=0", "?limit=x", "?limit=1001", "?limit=-1", "?limit=1&limit=2", "?cursor=x", "?cursor=", "?limit=%ff"] {
            problem(&admin.get(&format!("/connections{query}")), 400, "");
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_credential_that_asks_too_often_is_told_to_wait(database: &Database) {
        let server = Server::start_with(database, 1);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let refused = (0..1_000).map(|_| admin.get("/organization")).find(|answer| answer.status == 429).unwrap();
        problem(&refused, 429, "Retry-After");
        assert_eq!(refused.header("Retry-After"), "1");
    }

    fn the_document_is_served_to_anybody(database: &Database) {
        let server = Server::start(database);
        let client = Client { base: format!("{}/api/v1", server.url), token: String::new() };
        let answer = client.send("GET", "/openapi.json", &[("Authorization", "")], None).expect(200);
        assert_eq!(answer.header("Content-Type"), "application/json");
        assert_eq!(answer.text, openapi());
    }

    fn connections_are_made_renamed_paused_and_paged(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        for name in ["second", "third", "fourth", "fifth"] {
            let made = admin.post("/connections", &json!({ "name": name, "profile": "okta" })).expect(201);
            assert_eq!(made.header("Location"), format!("{}/connections/{}", admin.base, made.id()));
            assert_eq!(made.json()["profile"], "okta");
            let read = admin.get(&format!("/connections/{}", made.id())).expect(200);
            assert_eq!((read.text.as_str(), read.header("ETag")), (made.text.as_str(), made.header("ETag")));
        }
        let (mut names, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let page = admin.get(&format!("/connections{query}")).expect(200).json();
            names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=2&cursor={next}");
        }
        assert_eq!(names, ["first", "second", "third", "fourth", "fifth"]);

        let id = admin.get("/connections").json()["items"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/connections/{id}");
        let tag = admin.get(&path).header("ETag").to_owned();
        admin.send("GET", &path, &[("If-None-Match", &tag)], None).expect(304);
        let change = |tag: &str, body: Value| admin.send("PATCH", &path, &[("If-Match", tag), ("Content-Type", "application/json")], Some(&body.to_string()));
        let paused = change(&tag, json!({ "paused": true })).expect(200);
        assert_eq!(paused.json()["paused"], true);
        organization.client.post("/Users", &json!({ "userName": "ada" })).expect_error(403, "");
        problem(&change(&tag, json!({ "paused": false })), 412, "If-Match");
        change(paused.header("ETag"), json!({ "paused": false, "name": "Premier" })).expect(200);
        organization.client.post("/Users", &json!({ "userName": "ada" })).expect(201);
        problem(&change("*", json!({ "name": "SECOND" })), 409, "`second`");
        assert_eq!(admin.get(&path).json()["name"], "Premier");
    }

    fn a_credential_is_issued_listed_and_revoked(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let admin = administrator(&server, organization.id, CredentialKind::Admin);
        let connection = admin.get("/connections").json()["items"][0]["id"].clone();
        let issued = admin.post("/credentials", &json!({ "kind": "scim", "connection": connection, "expires_in_days": 7 })).expect(201);
        let token = issued.json()["token"].as_str().unwrap().to_owned();
        let other = Client { base: organization.client.base.clone(), token: token.clone() };
        other.get("/Users").expect(200);
        let path = format!("/credentials/{}", issued.id());
        assert!(!admin.get(&path).expect(200).text.contains("token"));
        let list = admin.get("/credentials").expect(200);
        assert!(!list.text.contains(&token) && list.text.contains(&issued.id()));
        admin.delete(&path).expect(204);
        admin.delete(&path).expect(204);
        other.get("/Users").expect_error(401, "");
        assert!(admin.get(&path).json()["revoked_at"].is_string());
        for (body, about) in [
            (json!({ "kind": "scim" }), "name it"),
            (json!({ "kind": "admin", "connection": connection }), "name none"),
            (json!({ "kind": "client" }), "`kind`"),
            (json!({ "kind": "pep", "expires_in_days": 0 }), "`expires_in_days`"),
            (json!({ "kind": "pep", "expires_in_days": 3651 }), "`expires_in_days`"),
            (json!({ "kind": "scim", "connection": "x" }), "`connection`"),
        ] {
            problem(&admin.post("/credentials", &body), 400, about);
        }
        let events = super::events::of(&server, organization.id, &issued.id());
        assert_eq!(events.iter().map(|event| (event.action.as_str(), event.actor_kind.as_str())).collect::<Vec<_>>(),
            [("credential.issued", "credential"), ("credential.revoked", "credential")]);
        assert!(events.iter().all(|event| event.credential.is_some()));
    }

    fn what_belongs_to_another_organization_is_not_there(database: &Database) {
        let server = Server::start(database);
        let (ours, theirs) = (server.organization("acme"), server.organization("bravo"));
        let admin = administrator(&server, ours.id, CredentialKind::Admin);
        let other = administrator(&server, theirs.id, CredentialKind::Admin);
        let first = |path: &str| other.get(path).expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
        let ids = [first("/connections"), first("/credentials"), theirs.client.create_user("ada"), theirs.client.create_group("g", &[])];
        let before = crate::support::rows::rows_of(database, theirs.id);
        let told = |id: &str| -> Vec<(u16, Value)> {
            let asked = table(id).into_iter().filter(|(_, path)| path.contains(id));
            let answers = asked.map(|(method, path)| send(&admin, method, &path, "{}"));
            answers.map(|answer| (answer.status, answer.json()["detail"].as_str().unwrap().replace(id, "ID").into())).collect()
        };
        let expected = told("0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a");
        assert!(expected.iter().all(|(status, _)| [400, 404].contains(status)), "{expected:?}");
        for id in ids {
            assert_eq!(told(&id), expected);
        }
        assert_eq!(crate::support::rows::rows_of(database, theirs.id), before);
        // A cursor of one organization, or of one list, means nothing in another.
        server.connection(theirs.id, "second", muster::model::Profile::Default);
        let cursor = other.get("/connections?limit=1").json()["next_cursor"].as_str().unwrap().to_owned();
        other.get(&format!("/connections?cursor={cursor}")).expect(200);
        problem(&admin.get(&format!("/connections?cursor={cursor}")), 400, "`cursor`");
        problem(&other.get(&format!("/credentials?cursor={cursor}")), 400, "`cursor`");
        assert_eq!(admin.get("/organization").json()["slug"], "acme");
        assert_eq!(other.get("/organization").json()["slug"], "bravo");
    }
}
