//! Every route of the server's own table, with every credential that must not open it.

use muster::http::scim::route::{Methods, ROUTES, Segment};
use muster::model::{CredentialKind, Profile};
use muster::service::administration::NewToken;
use serde_json::json;

use crate::support::rows::all_rows;
use crate::support::socket::{exchange, statuses};
use crate::support::{Answer, Client, Server};

/// Every method and path there is, and methods there are not; `id` where a path names a resource.
fn table(id: &str) -> Vec<(String, String)> {
    let mut table = Vec::new();
    for route in ROUTES {
        let path = route.path.iter().fold(String::new(), |path, segment| match segment {
            Segment::Name(name) => format!("{path}/{name}"),
            Segment::Id => format!("{path}/{id}"),
        });
        let served: &[_] = if let Methods::Served(methods) = route.methods { methods } else { &[] };
        let methods = served.iter().map(|(method, _)| *method).chain(["OPTIONS", "BREW"]);
        table.extend(methods.map(|method| (method.to_owned(), path.clone())));
    }
    table
}

fn with(client: &Client, method: &str, path: &str, authorization: Option<&str>) -> Answer {
    let body =
        json!({ "userName": "x", "displayName": "x", "Operations": [{ "op": "replace", "value": { "title": "x" } }] })
            .to_string();
    let body = matches!(method, "POST" | "PUT" | "PATCH").then_some(body);
    client.send(method, path, &[("Authorization", authorization.unwrap_or_default())], body.as_deref())
}

/// The one refusal there is, whatever was wrong with the credential.
fn assert_refused(answer: &Answer, plain: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}");
    assert_eq!(answer.text, plain.text, "{what}");
    let names = |answer: &Answer| {
        // A connection is closed after a body nobody read, whoever sent it.
        let mut names: Vec<String> =
            answer.headers.keys().map(ToString::to_string).filter(|name| name != "connection").collect();
        names.sort();
        names
    };
    assert_eq!(names(answer), names(plain), "{what}");
    assert_eq!(answer.header("WWW-Authenticate"), "Bearer realm=\"muster\"", "{what}");
    assert_eq!(answer.header("Content-Length"), plain.header("Content-Length"), "{what}");
}

/// A token with the organization of one and the rest of another, and others nearly right.
fn mended(one: &str, other: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as CODE;
    let bytes = |token: &str| CODE.decode(token.strip_prefix("muster_scim_").unwrap()).unwrap();
    let (one, other) = (bytes(one), bytes(other));
    let token = |parts: &[&[u8]]| format!("muster_scim_{}", CODE.encode(parts.concat()));
    let mut flipped = one.clone();
    flipped[63] ^= 1;
    vec![
        token(&[&one[..16], &other[16..]]),
        token(&[&one[..32], &other[32..]]),
        token(&[&other[..16], &one[16..]]),
        token(&[&[0; 16], &one[16..]]),
        token(&[&one[..32], &[0; 32]]),
        token(&[&flipped]),
        token(&[&one[..63]]),
        token(&[&one, &[0]]),
    ]
}

on_both_databases_and_several_servers! {
    fn no_route_opens_to_a_credential_that_does_not_fit(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let id = client.post("/Users", &json!({ "userName": "ada" })).expect(201).id();
        let administration = server.administration();
        let issue = |kind: CredentialKind, valid_micros: i64| {
            let connection = (kind == CredentialKind::Scim).then(|| "first".parse().unwrap());
            administration.issue_token(&NewToken { organization: organization.id, kind, connection, valid_micros }).unwrap().to_string()
        };
        let expired = issue(CredentialKind::Scim, 1);
        let revoked = issue(CredentialKind::Scim, 86_400_000_000);
        let known = || administration.tokens(organization.id).unwrap();
        let newest = known().into_iter().max_by_key(|stored| stored.created_at).unwrap().credential.id;
        with(client, "GET", "/Users", Some(&format!("Bearer {revoked}"))).expect(200);
        administration.revoke_token(organization.id, newest).unwrap();
        let other = server.organization("bravo").client.token;
        let mut tokens = mended(&client.token, &other);
        tokens.extend([expired, revoked, "muster_scim_".to_owned(), "muster".to_owned(), "a".repeat(300), client.token.to_lowercase()]);
        tokens.extend([CredentialKind::Pep, CredentialKind::Admin, CredentialKind::Auditor].map(|kind| issue(kind, 86_400_000_000)));
        let mut headers: Vec<String> = tokens.iter().map(|token| format!("Bearer {token}")).collect();
        headers.extend(["Bearer", "Bearer ", "bearer x", "Bearer a b", "Basic YTpi", "Token x", "null"].map(str::to_owned));
        headers.extend([format!("Bearer {0} {0}", client.token), format!("Bearer {0}, Bearer {0}", client.token), client.token.clone(),
            format!("Bearer\t{}", client.token), format!("Bearer \"{}\"", client.token)]);

        let before = all_rows(database);
        let plain = with(client, "GET", "/Users", None);
        plain.clone().expect_error(401, "");
        for (method, path) in table(&id) {
            assert_refused(&with(client, &method, &path, None), &plain, &format!("{method} {path}"));
            for header in &headers {
                assert_refused(&with(client, &method, &path, Some(header)), &plain, &format!("{method} {path} {header}"));
            }
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_path_in_disguise_needs_a_token_as_any_other(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let id = client.post("/Users", &json!({ "userName": "canary" })).expect(201).id();
        let bare = Client { base: server.url.clone(), token: client.token.clone() };
        let plain = with(&bare, "GET", "/scim/v2/Users", None);
        let before = all_rows(database);
        let mut disguises = 0;
        for path in [format!("/scim/v2/Users/{id}"), "/scim/v2/Users".to_owned(), "/scim/v2/Schemas".to_owned(), "/scim/v2/Bulk".to_owned()] {
            for disguise in in_disguise(&path) {
                disguises += 1;
                for method in ["GET", "DELETE", "POST"] {
                    let answer = with(&bare, method, &disguise, None);
                    assert_refused(&answer, &plain, &format!("{method} {disguise}"));
                }
                let admitted = with(&bare, "GET", &disguise, Some(&format!("Bearer {}", client.token)));
                assert!([200, 404, 405, 501].contains(&admitted.status), "{disguise}: {}", admitted.text);
            }
        }
        assert!(disguises > 100);
        assert_eq!(all_rows(database), before);
    }

    fn two_authorization_headers_are_none(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let good = format!("Authorization: Bearer {}\r\n", client.token);
        for lines in [good.repeat(2), format!("{good}Authorization: Bearer x\r\n"), format!("Authorization: Bearer x\r\n{good}"),
            format!("Authorization:\r\n{good}")] {
            let request = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{lines}Connection: close\r\n\r\n");
            let answer = exchange(&server, request.as_bytes());
            assert_eq!(statuses(&answer), [401], "{lines}: {answer}");
        }
        let request = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{good}Connection: close\r\n\r\n");
        assert_eq!(statuses(&exchange(&server, request.as_bytes())), [200]);
    }

    fn a_token_is_read_from_the_header_only(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let token = client.token.clone();
        let plain = with(&client, "GET", "/Users", None);
        for path in [format!("/Users?access_token={token}"), format!("/Users?token={token}"), format!("/Users?Authorization=Bearer%20{token}")] {
            assert_refused(&with(&client, "GET", &path, None), &plain, "in the query");
        }
        for name in ["Cookie", "X-Authorization", "Proxy-Authorization", "X-Api-Key"] {
            let answer = client.send("GET", "/Users", &[("Authorization", ""), (name, &format!("Bearer {token}"))], None);
            assert_refused(&answer, &plain, name);
        }
    }

    fn a_server_that_never_issued_a_token_admits_nobody(database: &Database) {
        let server = Server::start(database);
        let client = Client { base: format!("{}/scim/v2", server.url), token: String::new() };
        for header in ["", "Bearer", "Bearer ", "bearer x", "Bearer a b", "Bearer 0", "Bearer muster_scim_"] {
            client.send("GET", "/Users", &[("Authorization", header)], None).expect_error(401, "");
        }
        let organization = server.administration().create_organization(&"acme".parse().unwrap(), &"acme".parse().unwrap()).unwrap();
        server.administration().create_connection(organization.id, &"first".parse().unwrap(), Profile::Default).unwrap();
        client.send("GET", "/Users", &[("Authorization", "Bearer ")], None).expect_error(401, "");
    }
}

/// Other spellings of a path under `/scim`.
fn in_disguise(path: &str) -> Vec<String> {
    let mut disguises = vec![
        format!("/{path}"),
        format!("/.{path}"),
        format!("{path}/"),
        format!("{path};x"),
        format!("{path}%00"),
        format!("{path}/..;/Users"),
        format!("{path}?"),
        format!("{path}?x=/healthz"),
        path.replace('/', "//"),
        path.replace('/', "/./"),
        path.replace("/scim", "/scim;x"),
        path.replace("/scim", "/SCIM"),
        path.replace("/scim", "/Scim"),
        path.replace("/v2/", "/v2%2F"),
        path.replace("/v2/", "/v2%252f"),
        path.replace("/v2/", "/v2/../v2/"),
        path.replace("/v2/", "/V2/"),
        path.replace("/Users", "/users"),
        format!("/%2e{path}"),
    ];
    for (at, character) in path.char_indices().skip(1) {
        let (before, rest) = path.split_at(at);
        let after = rest.split_at(1).1;
        disguises.push(format!("{before}%{:02X}{after}", u32::from(character)));
        disguises.push(format!("{before}%25{:02x}{after}", u32::from(character)));
    }
    disguises
}
