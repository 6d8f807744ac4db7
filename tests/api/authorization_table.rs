//! Every route for every kind of caller: a table that stands in `tests/authorization.txt` and is read when it changes.
//!
//! `MUSTER_ACCEPT_AUTHORIZATION=1 cargo nextest run --test api authorization_table` records it anew.

use std::collections::BTreeMap;
use std::path::Path;

use muster::clock::Clock;
use muster::config::GithubSettings;
use muster::http::api::route;
use muster::http::scim::route::{Methods, ROUTES, ROUTES_OF_ROLES, Segment};
use muster::model::CredentialKind;
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::gates::github::private_key;
use crate::support::rows::rows_of;
use crate::support::{Answer, Client, Database, Server};

const RECORDED: &str = "tests/authorization.txt";

const ABOUT: &str = "\
# Who is let in where. Whoever is let in may still ask for something that is not there or is wrong.
#
# yes       let in                          -   not admitted: 401
# no        known, and refused: 403         own let in, to what belongs to the caller's own organization
# absent    the thing is another organization's: 404, as if it were not there
#
";

/// The paths of AuthZEN, and what needs no credential at all.
const OTHERS: [(&str, &str); 24] = [
    ("POST", "/access/v1/evaluation"),
    ("POST", "/access/v1/evaluations"),
    ("POST", "/access/v1/search/subject"),
    ("POST", "/access/v1/search/resource"),
    ("POST", "/access/v1/search/action"),
    ("GET", "/access/v1/nothing"),
    ("GET", "/.well-known/authzen-configuration"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/ssf-configuration"),
    ("POST", "/oauth2/token"),
    ("GET", "/ssf/stream"),
    ("POST", "/ssf/stream"),
    ("PATCH", "/ssf/stream"),
    ("PUT", "/ssf/stream"),
    ("DELETE", "/ssf/stream"),
    ("GET", "/ssf/status"),
    ("POST", "/ssf/status"),
    ("POST", "/ssf/verification"),
    ("POST", "/ssf/poll/{stream_id}"),
    ("POST", "/webhooks/github/{name}"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
];

/// Every method and path, as patterns.
fn routes() -> Vec<(String, String)> {
    let mut routes: Vec<(String, String)> = OTHERS.map(|(method, path)| (method.to_owned(), path.to_owned())).into();
    for route in ROUTES.iter().chain(ROUTES_OF_ROLES) {
        let path = route.path.iter().fold("/scim/v2".to_owned(), |path, segment| match segment {
            Segment::Name(name) => format!("{path}/{name}"),
            Segment::Id => format!("{path}/{{id}}"),
        });
        let served: &[_] = if let Methods::Served(methods) = route.methods { methods } else { &[] };
        routes.extend(served.iter().map(|(method, _)| ((*method).to_owned(), path.clone())));
    }
    for (path, methods) in route::all() {
        routes.extend(methods.into_iter().map(|method| (method.to_owned(), path.to_owned())));
    }
    routes.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    routes.dedup();
    routes
}

fn ask(base: &str, token: &str, method: &str, path: &str) -> Answer {
    let client = Client { base: base.to_owned(), token: token.to_owned() };
    // What is looked for after the body was read needs one that can be read.
    let readable = if path.starts_with("/scim") {
        r#"{ "Operations": [{ "op": "replace", "value": { "externalId": "x" } }] }"#
    } else if path.starts_with("/api/v1/assignments") {
        r#"{ "until": "2999-01-01T00:00:00Z" }"#
    } else if path.starts_with("/api/v1/services") {
        r#"{ "expires_at": "2999-01-01T00:00:00Z" }"#
    } else if path.starts_with("/api/v1/connections") {
        r#"{ "paused": false }"#
    } else {
        r#"{ "display_name": "x" }"#
    };
    let body = match method {
        "POST" if path.starts_with("/oauth2") => Some("grant_type=client_credentials"),
        "POST" | "PUT" if path.starts_with("/ssf") => Some(r#"{ "delivery": { "method": "none" } }"#),
        "POST" | "PUT" => Some("{}"),
        "PATCH" => Some(readable),
        _ => None,
    };
    let authorization = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
    let content_type = match path {
        _ if path.starts_with("/scim") => "application/scim+json",
        _ if path.starts_with("/oauth2") => "application/x-www-form-urlencoded",
        _ => "application/json",
    };
    client.send(method, path, &[("Authorization", &authorization), ("Content-Type", content_type)], body)
}

/// A deployment protection rule, so that its webhook is there.
fn gate(database: &Database) -> GithubSettings {
    let server = Server::start(database);
    let token = administrator(&server, server.organization("gated").id, CredentialKind::Pep).token;
    GithubSettings {
        name: "acme".to_owned(),
        token: token.into(),
        webhook_secret: "what GitHub signs with".into(),
        client_id: "1".to_owned(),
        private_key: private_key().into(),
        subject: "{login}".to_owned(),
        scope: "/{repository}/{environment}".to_owned(),
        permission: "deploy:run".to_owned(),
        api: "https://api.github.com".to_owned(),
        networks: Vec::new(),
    }
}

/// What stands at a path's `{names}` in an organization, by the segment before.
fn filled(pattern: &str, things: &BTreeMap<&str, String>) -> String {
    let mut before = "";
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        let filled = if segment.starts_with('{') { things.get(before).map_or("none", String::as_str) } else { segment };
        path = format!("{path}/{filled}");
        if !segment.starts_with('{') {
            before = segment;
        }
    }
    path
}

fn line(first: &str, cells: &[&str]) -> String {
    let whole = cells.iter().fold(format!("{first:<55}"), |line, cell| format!("{line} {cell:<15}"));
    format!("{}\n", whole.trim_end())
}

on_both_databases_and_several_servers! {
    fn every_route_lets_in_whom_the_table_says(database: &Database) {
        let gate = gate(database);
        let server = Server::start_gated(database, 0, Clock::system(), &[gate]);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let token = |organization, kind| administrator(&server, organization, kind).token;
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let revoked = token(acme.id, CredentialKind::Admin);
        let mut known = server.administration().tokens(acme.id).unwrap();
        known.sort_by_key(|stored| stored.created_at);
        let (first, last) = (known.remove(0).credential.id, known.pop().unwrap().credential.id);
        server.administration().revoke_token(acme.id, last).unwrap();
        // Something of every kind, in the organization the others do not belong to.
        let call = |method: &str, path: &str, body: &Value| admin.send(method, path, &[("Content-Type", "application/json")], Some(&body.to_string()));
        let (ada, crew) = (acme.client.create_user("ada"), acme.client.create_group("crew", &[]));
        let local = call("POST", "/groups", &json!({ "display_name": "local" })).expect(201).id();
        call("POST", "/scopes", &json!({ "path": "/billing" })).expect(201);
        call("PUT", "/permissions/plane:fly", &json!({ "description": "flies" })).expect(200);
        call("PUT", "/roles/pilot", &json!({ "permissions": ["plane:fly"] })).expect(200);
        let mapping = json!({ "principal": { "type": "group", "id": crew }, "role": "pilot", "scope": "/billing" });
        let assignment = call("POST", "/assignments", &mapping).expect(201).id();
        let service = json!({ "name": "pipeline", "owner": "ada", "expires_at": "2999-01-01T00:00:00Z" });
        let service = call("POST", "/services", &service).expect(201).id();
        call("POST", "/guardrails", &json!({ "text": "@id(\"rule\")\n@reason(\"x\")\n@control(\"x\")\nforbid (principal, action == Action::\"plane:fly\", resource is Project);", "confirm": true })).expect(200);
        let connection = admin.get("/connections").json()["items"][0]["id"].as_str().unwrap().to_owned();
        call("PATCH", &format!("/connections/{connection}"), &json!({ "assigns_roles": true })).expect(200);
        let offer = call("POST", &format!("/connections/{connection}/offers"), &json!({ "role": "viewer", "scope": "/billing" })).expect(201).id();
        let things = BTreeMap::from([("github", "acme".to_owned()), ("offers", offer.clone()), ("Roles", offer),
            ("Users", ada.clone()), ("Groups", crew), ("users", ada.clone()), ("leavers", ada), ("groups", local),
            ("connections", connection),
            ("credentials", first.to_string()), ("roles", "pilot".to_owned()), ("permissions", "plane:fly".to_owned()),
            ("assignments", assignment), ("services", service), ("guardrails", "rule".to_owned()),
        ]);
        let mut nothing: BTreeMap<&str, String> = things.keys().map(|key| (*key, "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a".to_owned())).collect();
        nothing.insert("github", "acme".to_owned());

        let callers = [
            ("nobody", String::new()), ("scim", acme.client.token.clone()), ("pep", token(acme.id, CredentialKind::Pep)),
            ("receiver", token(acme.id, CredentialKind::Receiver)), ("auditor", token(acme.id, CredentialKind::Auditor)),
            ("admin", admin.token.clone()), ("revoked", revoked),
        ];
        let foreign = [("scim elsewhere", bravo.client.token.clone()), ("admin elsewhere", token(bravo.id, CredentialKind::Admin))];
        let before = rows_of(database, acme.id);
        let mut told = ABOUT.to_owned();
        let names: Vec<&str> = callers.iter().chain(&foreign).map(|(name, _)| *name).collect();
        told.push_str(&line("", &names));
        for (method, pattern) in routes() {
            let mut cells = Vec::new();
            for (_, token) in &callers {
                cells.push(match ask(&server.url, token, &method, &filled(&pattern, &nothing)).status {
                    401 => "-",
                    403 => "no",
                    status => {
                        assert!(status < 500 || status == 501, "{method} {pattern}: {status}");
                        "yes"
                    }
                });
            }
            for (_, token) in &foreign {
                let path = filled(&pattern, &things);
                cells.push(match ask(&server.url, token, &method, &path).status {
                    401 => "-",
                    403 => "no",
                    404 if pattern.contains('{') => "absent",
                    _ if OTHERS.iter().any(|(_, path)| *path == pattern) => "yes",
                    _ => "own",
                });
            }
            told.push_str(&line(&format!("{method:<7}{pattern}"), &cells));
        }
        // Whoever is let in asked for nothing that is there; whoever is of another organization changed nothing here.
        assert_eq!(rows_of(database, acme.id), before);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
        if std::env::var_os("MUSTER_ACCEPT_AUTHORIZATION").is_some() {
            std::fs::write(&file, &told).unwrap();
        }
        let recorded = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(recorded == told, "{RECORDED} says otherwise; look at what changed and record it:\n{told}");
    }
}
