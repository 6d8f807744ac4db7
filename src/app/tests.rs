//! The edge from outside, over sockets: what every route has in common, and what clients must not get away with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::db::{AdministrationRow, Database, IfMissing, WriteSet};
use crate::http::scim::route::{Methods, ROUTES, Segment};
use crate::ids;
use crate::live::{Cause, Decision, Live, LiveSettings, Token};
use crate::model::{Actor, Believed, Connection, Credential, CredentialKind, Profile};
use crate::scim::schema::ResourceTypes;
use crate::service::ServiceError;

/// A server on a free port, with an organization, a connection and a credential.
struct Running {
    address: SocketAddr,
    metrics: SocketAddr,
    token: String,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Running {
    fn start(rate_limit: u32, paused: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("muster.db").display());
        let database = Database::open(&url, IfMissing::Create).unwrap();
        database.migrate().unwrap();
        let settings = LiveSettings { serves: false, root_key: None };
        let (live, _threads) = Live::start(database, Clock::system(), settings).unwrap();
        let token = set_up(&live, paused);
        let services = Services {
            live,
            types: ResourceTypes::builtin().unwrap(),
            public_url: "https://muster.example.com".to_owned(),
            clock: Clock::system(),
        };
        let any = "127.0.0.1:0".to_owned();
        let settings = AppSettings { listen: any.clone(), metrics_listen: Some(any), rate_limit };
        let app = App::bind(settings, |_address| services).unwrap();
        let (address, metrics, handle) = (app.address(), app.metrics_address().unwrap(), app.handle());
        let thread = Some(std::thread::spawn(move || app.run()));
        Self { address, metrics, token, handle, thread, _directory: directory }
    }

    /// Sends bytes and reads until the server closes.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// Sends the head of a request alone and reads the start of the answer.
    fn status_before_the_body(&self, head: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(head).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8(start.to_vec()).unwrap()
    }

    fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let lines: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
        let length = body.len();
        let text = self.raw(
            format!("{method} {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}")
                .as_bytes(),
        );
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let authorization = format!("Authorization: Bearer {}", self.token);
        let headers: Vec<&str> = std::iter::once(authorization.as_str()).chain(headers.iter().copied()).collect();
        self.send(method, path, &headers, body)
    }

    fn create(&self, name: &str) -> Answer {
        let user = format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}"}}"#);
        let answer = self.ask("POST", "/scim/v2/Users", &["Content-Type: application/scim+json"], &user);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

fn set_up(live: &Live, paused: bool) -> String {
    let now = Clock::system().now();
    let organization = ids::organization(now);
    let (connection, credential) = (ids::connection(now), ids::credential(now));
    let (token, secret_hash) = Token::issue(CredentialKind::Scim, organization, credential).unwrap();
    let mut set = WriteSet::new(organization);
    set.administration = vec![
        AdministrationRow::Organization {
            id: organization,
            slug: "default".to_owned(),
            name: "Default".to_owned(),
            created_at: now,
            certification: false,
        },
        AdministrationRow::Key(live.new_organization_key(organization, now).unwrap()),
        AdministrationRow::Connection {
            connection: Connection {
                organization,
                id: connection,
                name: "default".to_owned(),
                profile: Profile::Default,
                paused,
                assigns_roles: false,
                asynchronous: false,
            },
            created_at: now,
        },
        AdministrationRow::Credential {
            credential: Credential {
                organization,
                id: credential,
                kind: CredentialKind::Scim,
                connection,
                believed: Believed::default(),
                secret_hash,
                expires_at: now.plus_micros(3_600_000_000),
                revoked_at: None,
            },
            created_at: now,
        },
    ];
    let cause = Cause { organization, actor: Actor::Server, request: ids::request(now) };
    let written: Result<(), ServiceError> = live.write(&cause, |_tx| Ok(Decision::Write(Box::new(set.clone()), ())));
    written.unwrap();
    token.to_string()
}

fn path_of(path: &[Segment]) -> String {
    path.iter().fold("/scim/v2".to_owned(), |path, segment| match segment {
        Segment::Name(name) => format!("{path}/{name}"),
        Segment::Id => format!("{path}/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"),
    })
}

/// The path with one character percent-encoded, and other spellings of it.
fn spellings(path: &str) -> Vec<String> {
    let encoded = |at: usize, prefix: &str| {
        let (before, rest) = path.split_at(at);
        let (byte, after) = (rest.as_bytes()[0], rest.split_at(1).1);
        format!("{before}{prefix}{byte:02x}{after}")
    };
    let mut spellings: Vec<String> = (1..path.len()).map(|at| encoded(at, "%")).collect();
    spellings.extend((1..path.len()).step_by(5).map(|at| encoded(at, "%25")));
    spellings.extend([
        path.replacen('/', "//", 1),
        path.replace('/', "//"),
        format!("/.{path}"),
        format!("{path}/"),
        format!("{path}/."),
        format!("{path};x"),
        path.replacen("scim", "scim;x", 1),
        path.to_uppercase(),
        format!("{path}?access_token=x"),
        format!("http://other.example{path}"),
    ]);
    spellings
}

// Whoever runs it beside something else, as tests do, could not be ended otherwise: the servers would be gone and the rest
// not, and every client would find itself cut off for no reason it can see.
#[test]
fn a_server_leaves_the_signals_of_its_process_alone_unless_it_is_told_to_heed_them() {
    let running = Running::start(0, false);
    running.create("ada");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    // One bit each (proc_pid_status(5)); SIGINT is 2, SIGTERM 15.
    let ending = 1 << (2 - 1) | 1 << (15 - 1);
    assert_eq!(u64::from_str_radix(caught, 16).unwrap() & ending, 0, "{caught}");
}

#[test]
fn without_a_credential_every_spelling_of_every_route_is_answered_alike() {
    let server = Running::start(0, false);
    let plain = server.send("GET", "/scim/v2/Users", &[], "");
    assert_eq!(plain.status, 401);
    assert_eq!(plain.header("WWW-Authenticate"), Some("Bearer realm=\"muster\""));
    assert_eq!(plain.header("Content-Type"), Some("application/scim+json"));
    assert_eq!(plain.json()["status"], "401");
    for route in ROUTES {
        let path = path_of(route.path);
        let methods = match route.methods {
            Methods::Served(methods) => methods.iter().map(|(method, _)| *method).collect(),
            Methods::NotImplemented => vec!["GET", "POST"],
        };
        for method in methods.into_iter().chain(["OPTIONS", "TRACE", "BREW"]) {
            let answer = server.send(method, &path, &[], "");
            assert_eq!((answer.status, &answer.body), (401, &plain.body), "{method} {path}");
        }
        for path in spellings(&path) {
            let answer = server.send("GET", &path, &[], "");
            assert_eq!((answer.status, &answer.body), (401, &plain.body), "{path}");
        }
    }
    let oversized = b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n";
    assert_eq!(server.status_before_the_body(oversized), "HTTP/1.1 401");
}

#[test]
fn what_is_not_exactly_one_good_token_admits_nobody() {
    let server = Running::start(0, false);
    let plain = server.send("GET", "/scim/v2/Users", &[], "");
    let mut altered = server.token.clone();
    altered.replace_range(20..21, if altered.as_bytes()[20] == b'A' { "B" } else { "A" });
    let good = &server.token;
    for headers in [
        vec!["Authorization: Bearer".to_owned()],
        vec!["Authorization: Bearer ".to_owned()],
        vec!["Authorization: bearer x".to_owned()],
        vec![format!("Authorization: Bearer {good} {good}")],
        vec![format!("Authorization: Basic {good}")],
        vec![format!("Authorization: {good}")],
        vec![format!("Authorization: Bearer {altered}")],
        vec![format!("Authorization: Bearer {good}"), format!("Authorization: Bearer {good}")],
        vec![format!("Cookie: session={good}")],
        vec![format!("X-Authorization: Bearer {good}")],
    ] {
        let lines: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = server.send("GET", "/scim/v2/Users", &lines, "");
        assert_eq!((answer.status, &answer.body), (401, &plain.body), "{headers:?}");
    }
    let in_the_query = server.send("GET", &format!("/scim/v2/Users?access_token={good}"), &[], "");
    assert_eq!(in_the_query.status, 401);
    assert_eq!(server.send("GET", "/scim/v2/Users", &[&format!("authorization: bearer {good}")], "").status, 200);
}

// Requirements 16, 17, 25
#[test]
fn whatever_goes_wrong_is_an_error_of_the_protocol() {
    let server = Running::start(0, false);
    let json = "Content-Type: application/scim+json; charset=utf-8";
    for (method, path, headers, body, status) in [
        ("GET", "/scim", &[][..], "", 404),
        ("GET", "/scim/v2/Nothing", &[], "", 404),
        ("GET", "/SCIM/v2/Users", &[], "", 404),
        ("GET", "/scim/v2/Users/..%2F..%2Fx", &[], "", 404),
        ("GET", "/scim/v2/Users/%ff", &[], "", 404),
        ("GET", "/scim/v2/Me", &[], "", 501),
        ("POST", "/scim/v2/Bulk", &[json], "{}", 400),
        ("POST", "/scim/v2/Users/.search", &[json], "{", 400),
        ("GET", "/scim/v2/Users/.search", &[], "", 405),
        ("POST", "/scim/v2", &[json], "{}", 405),
        ("DELETE", "/scim/v2/Users", &[], "", 405),
        ("POST", "/scim/v2/Schemas", &[json], "{}", 405),
        ("TRACE", "/scim/v2/Users", &[], "", 405),
        ("GET", "/scim/v2/Schemas?filter=id%20pr", &[], "", 403),
        ("GET", "/scim/v2/Users?count=1&Count=1", &[], "", 400),
        ("GET", "/scim/v2/Users?count=x", &[], "", 400),
        ("POST", "/scim/v2/Users", &[json], "{", 400),
        ("POST", "/scim/v2/Users", &[json], "", 400),
        ("POST", "/scim/v2/Users", &["Content-Type: text/plain"], "{}", 415),
        ("POST", "/scim/v2/Users", &[json, "Content-Encoding: gzip"], "{}", 415),
    ] {
        let answer = server.ask(method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert_eq!(answer.header("Content-Type"), Some("application/scim+json"), "{method} {path}");
        let error = answer.json();
        assert_eq!(error["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{method} {path}");
        assert_eq!(error["status"], status.to_string(), "{method} {path}");
    }
    let wrong_method = server.ask("DELETE", "/scim/v2/Users", &[], "");
    assert_eq!(wrong_method.header("Allow"), Some("GET, HEAD, POST, OPTIONS"));
    let options = server.ask("OPTIONS", "/scim/v2/Users", &[], "");
    assert_eq!((options.status, options.header("Allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}

#[test]
fn a_body_beyond_the_limit_is_refused_whether_it_is_announced_or_not() {
    let server = Running::start(0, false);
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
        server.token
    );
    let announced = format!("{head}Content-Length: 9000000\r\n\r\n");
    assert_eq!(server.status_before_the_body(announced.as_bytes()), "HTTP/1.1 413");
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..9 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.resize(chunked.len() + 0x10_0000, b' ');
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let counted = server.raw(&chunked);
    assert!(counted.starts_with("HTTP/1.1 413 "), "{counted}");
    assert!(counted.contains(r#""status":"413""#), "{counted}");
}

// Requirements 18, 19, 20, 64
#[test]
fn a_user_comes_goes_and_is_named_by_location_and_entity_tag() {
    let server = Running::start(0, false);
    let created = server.create("bjensen");
    let user = created.json();
    let location = created.header("Location").unwrap();
    assert_eq!(location, user["meta"]["location"]);
    let path = location.strip_prefix("https://muster.example.com").unwrap();
    let tag = created.header("ETag").unwrap();
    assert_eq!(tag, user["meta"]["version"]);

    let read = server.ask("GET", path, &[], "");
    assert_eq!((read.status, read.json(), read.header("ETag")), (200, user, Some(tag)));
    assert_eq!(read.header("Cache-Control"), Some("no-store"));
    assert_eq!(read.header("Vary"), Some("Authorization"));
    assert_eq!(read.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(read.header("X-Request-ID").map(str::len), Some(36));

    let head = server.ask("HEAD", path, &[], "");
    assert_eq!((head.status, head.body.as_str(), head.header("ETag")), (200, "", Some(tag)));
    let unchanged = server.ask("GET", path, &[&format!("If-None-Match: \"0-x\", {tag}")], "");
    assert_eq!((unchanged.status, unchanged.body.as_str(), unchanged.header("ETag")), (304, "", Some(tag)));
    let selected = server.ask("GET", &format!("{path}?attributes=userName"), &[&format!("If-None-Match: {tag}")], "");
    assert_eq!(selected.status, 200);
    let stale = server.ask("DELETE", path, &["If-Match: W/\"99-00000000\""], "");
    assert_eq!((stale.status, stale.json()["status"].as_str()), (412, Some("412")));

    let deleted = server.ask("DELETE", path, &[&format!("If-Match: {tag}")], "");
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    let patch = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#;
    let put = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen"}"#;
    for (method, body) in [("GET", ""), ("DELETE", ""), ("PUT", put), ("PATCH", patch)] {
        assert_eq!(server.ask(method, path, &[], body).status, 404, "{method}");
    }
    server.create("bjensen");
}

// Attack C18
#[test]
fn links_come_from_the_settings_and_never_from_headers() {
    let server = Running::start(0, false);
    let headers = [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: ftp",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: host=evil.example;proto=ftp",
        "X-Request-ID: evil",
    ];
    let answer = server.ask("GET", "http://evil.example/scim/v2/ResourceTypes/User", &headers, "");
    assert_eq!(answer.status, 200);
    assert!(!answer.head.contains("evil") && !answer.body.contains("evil"), "{}\n{}", answer.head, answer.body);
    assert_eq!(answer.json()["meta"]["location"], "https://muster.example.com/scim/v2/ResourceTypes/User");
}

#[test]
fn an_unescaped_plus_in_a_filter_is_found_at_the_second_reading() {
    let server = Running::start(0, false);
    server.create("john+x@example.com");
    for filter in ["userName%20eq%20%22john+x@example.com%22", "userName+eq+%22john%2Bx@example.com%22&"] {
        let page = server.ask("GET", &format!("/scim/v2/Users?filter={filter}"), &[], "").json();
        assert_eq!(page["totalResults"], 1, "{filter}");
    }
    let none = server.ask("GET", "/scim/v2/Users?filter=userName+eq+%22nobody%22&", &[], "");
    assert_eq!((none.status, &none.json()["totalResults"]), (200, &Value::from(0)));
}

// Requirement 68
#[test]
fn one_request_too_many_is_429_with_retry_after() {
    let server = Running::start(1, false);
    // Two within a second are too many, however slow the machine is now and then.
    let mut answers = (0..1_000).map(|_| server.ask("GET", "/scim/v2/Nothing", &[], ""));
    let refused = answers.find(|answer| answer.status == 429).expect("nobody is told to wait");
    assert_eq!(refused.header("Retry-After"), Some("1"));
    assert_eq!(refused.json()["status"], "429");
    assert_eq!(server.send("GET", "/scim/v2/Nothing", &[], "").status, 401);
}

#[test]
fn a_paused_connection_reads_and_does_not_write() {
    let server = Running::start(0, true);
    assert_eq!(server.ask("GET", "/scim/v2/Users", &[], "").status, 200);
    let refused = server.ask("POST", "/scim/v2/Users", &[], "{}");
    assert_eq!(refused.status, 403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("paused"));
}

// Attack D4
#[test]
fn ambiguous_framing_closes_the_connection() {
    let server = Running::start(0, false);
    let second = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: 5, 5\r\n\r\nhello",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        let request = format!("POST /healthz HTTP/1.1\r\nHost: x\r\n{framing}{second}");
        let answers = server.raw(request.as_bytes());
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{framing}: {answers}");
        assert!(!answers.starts_with("HTTP/1.1 2"), "{framing}: {answers}");
    }
}

#[test]
fn operation_is_asked_without_a_credential_and_told_little() {
    let server = Running::start(0, false);
    let alive = server.send("GET", "/healthz", &[], "");
    assert_eq!((alive.status, alive.body.as_str()), (200, r#"{"status":"alive"}"#));
    assert_eq!(server.send("GET", "/readyz", &[], "").body, r#"{"status":"ready"}"#);
    assert_eq!(server.send("HEAD", "/readyz", &[], "").status, 200);
    assert_eq!(server.send("POST", "/healthz", &[], "").status, 405);
    for path in ["/metrics", "/index.html", "/ap/v1/users", "/healthz/"] {
        let answer = server.send("GET", path, &[], "");
        assert_eq!((answer.status, answer.header("Content-Type")), (404, Some("application/problem+json")), "{path}");
        assert_eq!(answer.json()["status"], 404, "{path}");
    }
}

#[test]
fn metrics_are_served_on_their_own_listener() {
    let mut server = Running::start(0, false);
    assert_eq!(server.ask("GET", "/scim/v2/Users/1", &[], "").status, 404);
    let public = std::mem::replace(&mut server.address, server.metrics);
    let page = server.send("GET", "/metrics", &[], "");
    let counted = r#"muster_http_requests_total{route="/Users/{id}",method="GET",status="4xx"} 1"#;
    assert!(page.body.contains(counted), "{}", page.body);
    assert!(page.body.contains("muster_database_up 1"), "{}", page.body);
    assert_eq!(server.send("GET", "/scim/v2/Users", &[], "").status, 404);
    server.address = public;
}

#[test]
fn a_server_that_ends_does_not_wait_for_idle_connections() {
    let server = Running::start(0, false);
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).unwrap();
    let began = Clock::monotonic();
    drop(server);
    assert!(Clock::monotonic().duration_since(began) < KEEP_ALIVE, "until the connection ends by itself");
    let mut rest = String::new();
    idle.read_to_string(&mut rest).unwrap();
}
