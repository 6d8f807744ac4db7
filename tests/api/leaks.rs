//! Nothing secret or personal in what the program writes, and nothing in it that clients make up.

use serde_json::{Value, json};

use crate::support::{Client, Database, Program, percent_encoded};

/// Texts that must appear nowhere.
const BODY: &str = "canary-body-5b1d";
const QUERY: &str = "canary-query-8c2e";
const PATH: &str = "canary-path-91af";
const COOKIE: &str = "canary-cookie-77d0";
const TOKEN: &str = "canary-token-3e44";
const AGENT: &str = "canary-agent-06bb";
const CANARIES: [&str; 6] = [BODY, QUERY, PATH, COOKIE, TOKEN, AGENT];

/// What an answer never holds: SQL, places, types.
const LEAKS: [&str; 12] = [
    "SELECT ",
    "INSERT ",
    "scim_user",
    "postgres://",
    "sqlite:",
    "/src/",
    "muster::",
    "diesel",
    "serde",
    "Some(",
    "panicked",
    ".rs:",
];

/// The secrets among the settings: the login of the database, the root key.
fn settings(database: &Database) -> Vec<String> {
    let login = database.url().split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    let key =
        database.url().strip_prefix("sqlite:").map(|file| std::fs::read_to_string(format!("{file}.key")).unwrap());
    let key = key.map(|key| key.trim().to_owned());
    assert!(login.is_some() || key.as_ref().is_some_and(|key| key.len() > 20));
    login.map(|(login, _)| login.to_owned()).into_iter().chain(key).collect()
}

/// The part of a token that is nothing but secret.
fn end_of(token: &str) -> &str {
    token.split_at(token.len() - 20).1
}

/// Requests of every outcome, each with a canary wherever a client may put one.
fn talk(client: &Client) -> Vec<String> {
    let headers = [("Cookie", COOKIE), ("User-Agent", AGENT), ("X-Request-Id", AGENT)];
    let user = |name: &str| json!({ "userName": name, "displayName": BODY, "password": BODY, "emails": [{ "value": format!("{BODY}@x") }] });
    let id = client.post("/Users", &user(BODY)).expect(201).id();
    let path = format!("/Users/{id}");
    let mut answers = Vec::new();
    let mut send = |method: &str, path: &str, body: Option<Value>| {
        let answer = client.send(method, path, &headers, body.map(|body| body.to_string()).as_deref());
        answers.push(format!("{:?}\n{}", answer.headers, answer.text));
    };
    send("POST", "/Users", Some(user(BODY)));
    send("POST", "/Users", Some(json!({ "userName": [BODY] })));
    send("POST", "/Groups", Some(json!({ "displayName": BODY, "members": [{ "value": BODY }] })));
    send("PATCH", &path, Some(json!({ "Operations": [{ "op": "replace", "path": BODY, "value": BODY }] })));
    send("PATCH", &path, Some(json!({ "Operations": [{ "op": "replace", "path": "title", "value": BODY }] })));
    send("GET", &format!("/Users?filter=userName%20eq%20%22{QUERY}%22&x={QUERY}"), None);
    send("GET", &format!("/Users?filter={QUERY}"), None);
    send("GET", &format!("/{PATH}"), None);
    send("GET", &format!("/Users/{PATH}"), None);
    send(PATH, "/Users", None);
    send("DELETE", &path, None);
    client.send("GET", "/Users", &[("Authorization", &format!("Bearer {TOKEN}"))], None).expect(401);
    client.send("GET", "/Users", &[("Authorization", &format!("Basic {TOKEN}"))], None).expect(401);
    client.send("POST", "/Users", &[], Some(&format!("{{\"userName\": {BODY}"))).expect(400);
    answers
}

on_both_databases! {
    fn what_is_secret_or_personal_is_in_nothing_the_program_writes(database: &Database) {
        for format in ["json", "human"] {
            let program = Program::on(database).with("MUSTER_LOG", "trace").with("MUSTER_LOG_FORMAT", format);
            let program = program.with("MUSTER_METRICS_LISTEN", "127.0.0.1:0");
            let server = program.serve(&[]);
            let token = program.done(&["token", "issue", "--kind", "scim"]).trim().to_owned();
            let client = Client { base: format!("{}/scim/v2", server.base()), token: token.clone() };
            for answer in talk(&client) {
                for leak in LEAKS {
                    assert!(!answer.contains(leak), "`{leak}` in {answer}");
                }
                assert!(!answer.contains(COOKIE) && !answer.contains(AGENT), "{answer}");
            }
            let metrics = Client { base: server.metrics(), token: String::new() };
            let page = metrics.send("GET", "/metrics", &[("Authorization", "")], None).expect(200).text;
            let ended = server.terminate();
            let written = format!("{}\n{}\n{page}", ended.stdout, ended.stderr);
            assert!(written.contains("request finished"), "there is a log to look at");
            assert!(page.contains("muster_http_requests_total"), "there are metrics to look at");
            for secret in CANARIES.iter().map(|canary| (*canary).to_owned()).chain(settings(database)).chain([end_of(&token).to_owned()]) {
                let line = written.lines().find(|line| line.contains(&secret));
                assert_eq!(line, None, "`{secret}` was written");
            }
        }
    }

    fn a_crash_leaves_no_copy_of_what_has_passed_through_memory(database: &Database) {
        let server = Program::on(database).serve(&[]);
        let limits = server.limits();
        let dumps = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        let allowed: Vec<&str> = dumps.split_whitespace().take(2).collect();
        assert_eq!(allowed, ["0", "0"], "neither now nor by asking for more: {limits}");
    }

    fn nothing_a_client_sends_breaks_a_line_of_the_log(database: &Database) {
        let program = Program::on(database).with("MUSTER_LOG", "debug").with("MUSTER_LOG_FORMAT", "json");
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        for name in ["\u{1b}[31mred\u{1b}[0m", "two\nlines", "two\r\nlines", "line\u{2028}\u{2029}\u{85}", "\",\"level\":\"ERROR\",\"x\":\"", "{\"level\":\"ERROR\"}", "left\u{202e}right"] {
            let body = json!({ "userName": name, "externalId": name, "displayName": name });
            let user = client.post("/Users", &body).expect(201);
            client.post("/Users", &body).expect(409);
            client.post("/Groups", &body).expect(201);
            client.patch(&format!("/Users/{}", user.id()), &json!([{ "op": "replace", "path": name, "value": name }])).expect(400);
            client.filter("/Users", &format!("userName eq {}", json!(name))).expect(200);
            client.filter("/Users", name).expect(400);
            let encoded = percent_encoded(name);
            client.get(&format!("/Users/{encoded}")).expect(404);
            client.get(&format!("/{encoded}")).expect(404);
        }
        let log = server.terminate().stderr;
        let mut requests = 0;
        for line in log.lines().filter(|line| !line.is_empty()) {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(["INFO", "DEBUG", "WARN"].contains(&object["level"].as_str().unwrap()), "{line}");
            assert!(!line.chars().any(|c| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c)), "{line:?}");
            requests += usize::from(line.contains("request finished"));
        }
        assert!(requests > 40, "{requests}: {log}");
    }

    fn a_setting_that_does_not_work_is_named_without_its_secret(database: &Database) {
        for url in ["postgres://muster:canary-password@127.0.0.1:1/muster", "postgres://canary-password", "canary-password", "mysql://u:canary-password@x/y",
            "postgres://muster:canary-password@[/x", "sqlite:/nowhere/at/all/muster.db"] {
            for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["doctor"], &["org", "list"], &["token", "list"]] {
                let ended = Program::alone().with("MUSTER_DATABASE_URL", url).run(arguments);
                assert_ne!(ended.code, Some(0), "{arguments:?} {url}");
                let written = format!("{}{}", ended.stdout, ended.stderr);
                assert!(!written.contains("canary-password"), "{arguments:?}: {written}");
                assert!(!written.contains("panicked"), "{arguments:?}: {written}");
            }
            let help = Program::alone().with("MUSTER_DATABASE_URL", url).run(&["serve", "--help"]);
            assert!(!format!("{help:?}").contains("canary-password"));
        }
        let issued = Program::on(database);
        issued.done(&["migrate"]);
        issued.done(&["org", "create", "acme"]);
        issued.done(&["connection", "create", "okta"]);
        let token = issued.done(&["token", "issue", "--kind", "scim"]).trim().to_owned();
        let listed = issued.done(&["token", "list"]);
        assert!(!listed.contains(end_of(&token)), "{listed}");
        let dump = crate::support::rows::all_rows(database);
        assert!(!dump.contains(end_of(&token)), "the secret is not in the database");
    }
}
