//! `muster may` from outside: exit codes, reasons, the past, and other servers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use muster::clock::Clock;
use serde_json::json;

use crate::support::{Program, Server, group, user};

/// A server that gives one answer to one request; answers where it listens, and what it was asked.
fn stand_in(status: u16, body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut content = vec![0; length];
        reader.read_exact(&mut content).unwrap();
        let answer =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        reader.into_inner().write_all(answer.as_bytes()).unwrap();
        head + &String::from_utf8(content).unwrap()
    });
    (url, asked)
}

on_both_databases_and_several_servers! {
    fn the_exit_code_tells_allow_deny_and_cannot_say_apart(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let program = Program::on(database);
        program.done(&["scope", "create", "/billing/production", "--production"]);
        program.done(&["map", "crew", "deployer", "/billing"]);
        program.done(&["service", "create", "Pipeline", "--owner", "ada"]);
        program.done(&["mapping", "add", "--service", "pipeline", "viewer", "/billing/production"]);
        for (arguments, code, printed) in [
            (&["may", "ada", "deploy:run", "/billing/production"][..], 0, "allow\n"),
            (&["may", "ADA", "build:view", "/billing"], 0, "allow\n"),
            (&["may", &ada, "deploy:run", "/billing"], 0, "allow\n"),
            (&["may", "ada", "deploy:run", "/"], 1, "deny\n"),
            (&["may", "ada", "deploy:approve", "/billing"], 1, "deny\n"),
            (&["may", "ada", "plane:fly", "/billing"], 1, "deny\n"),
            (&["may", "ada", "deploy:run", "/nowhere"], 1, "deny\n"),
            (&["may", "nobody", "deploy:run", "/billing"], 1, "deny\n"),
            (&["may", "--service", "pipeline", "build:view", "/billing/production"], 0, "allow\n"),
            (&["may", "pipeline", "build:view", "/billing/production"], 1, "deny\n"),
            (&["may", "ada", "Deploy", "/billing"], 2, ""),
            (&["may", "ada", "deploy:run", "billing"], 2, ""),
            (&["may", "--org", "evil", "ada", "deploy:run", "/billing"], 2, ""),
            (&["may", "ada", "deploy:run", "/billing", "--database-url", "sqlite:nowhere.db"], 2, ""),
            (&["may", "ada", "deploy:run", "/billing", "--server", "http://127.0.0.1:1"], 2, ""),
        ] {
            let ended = program.run(arguments);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), printed), "{arguments:?}: {ended:?}");
            assert_eq!(ended.stderr.is_empty(), code < 2, "{arguments:?}: {ended:?}");
        }
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{ada}"), &off).expect(200);
        for arguments in [
            &["may", "ada", "deploy:run", "/billing"][..],
            &["may", "--service", "pipeline", "build:view", "/billing/production"],
        ] {
            assert_eq!(program.run(arguments).code, Some(1), "{arguments:?}: a leaver, and what a leaver answers for");
        }
    }

    fn an_explanation_names_the_way_or_what_would_open_one(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ids = ["ada", "grace", "root"].map(|name| acme.client.post("/Users", &user(name)).expect(201).id());
        let inner = acme.client.post("/Groups", &group("Release Crew", &[&ids[0]])).expect(201).id();
        acme.client.post("/Groups", &group("Everybody", &[&inner])).expect(201);
        let program = Program::on(database);
        program.done(&["scope", "create", "/billing/production"]);
        program.done(&["map", "everybody", "deployer", "/billing", "--reason", "on call"]);
        program.done(&["mapping", "add", "--user", "root", "admin", "/"]);
        let allowed = program.run(&["may", "ada", "deploy:run", "/billing/production", "--why"]);
        assert_eq!(allowed.code, Some(0), "{allowed:?}");
        for words in ["`ada` may `deploy:run`", "the group `Release Crew`", "the group `Everybody`", "from first",
            "the role `deployer` at `/billing`", "by an administrator", "on call", "version 1",
            "`/billing/production` lies in `/billing`"] {
            assert!(allowed.stdout.contains(words), "{words}: {}", allowed.stdout);
        }
        let denied = program.run(&["may", "grace", "deploy:run", "/billing/production", "--why"]);
        assert_eq!(denied.code, Some(1), "{denied:?}");
        for words in ["`grace` may not `deploy:run`", "no assignment allows it", "adding `grace` to the group `Everybody`",
            "managed by first", "`root`"] {
            assert!(denied.stdout.contains(words), "{words}: {}", denied.stdout);
        }
    }

    fn the_past_is_asked_as_it_was(database: &Database) {
        let clock = Clock::manual(Clock::system().now().plus_micros(-10 * 86_400_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        let crew = acme.client.post("/Groups", &group("crew", &[&ada])).expect(201).id();
        let administration = server.administration();
        let wanted = muster::service::access::NewAssignment {
            principal: muster::service::access::WantedPrincipal::Group("crew".to_owned()),
            role: "deployer".parse().unwrap(),
            scope: "/".parse().unwrap(),
            from: None,
            until: None,
            source: muster::model::AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        let day = 4 * 3_600_000_000;
        clock.advance(day);
        let before_mapping = clock.now().plus_micros(-day / 2).to_string();
        let mapped = administration.assign(acme.id, &wanted).unwrap();
        clock.advance(day);
        let mapped_then = clock.now().plus_micros(-day / 2).to_string();
        let leave = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
        acme.client.patch(&format!("/Groups/{crew}"), &leave).expect(200);
        clock.advance(day);
        let left_then = clock.now().plus_micros(-day / 2).to_string();
        let join = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
        acme.client.patch(&format!("/Groups/{crew}"), &join).expect(200);
        clock.advance(day);
        let back_then = clock.now().plus_micros(-day / 2).to_string();
        administration.end_assignment(acme.id, mapped.id, None).unwrap();
        acme.client.delete(&format!("/Users/{ada}")).expect(204);
        let program = Program::on(database);
        for (at, code) in [(before_mapping, 1), (mapped_then, 0), (left_then, 1), (back_then, 0)] {
            let ended = program.run(&["may", &ada, "deploy:run", "/", "--at", &at, "--why"]);
            assert_eq!(ended.code, Some(code), "{at}: {ended:?}");
        }
        assert_eq!(program.run(&["may", &ada, "deploy:run", "/"]).code, Some(1));
    }

    fn an_address_names_a_subject_where_that_is_switched_on_and_one_of_several_names_nobody(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let addressed = |name: &str, address: &str| {
            let mut person = user(name);
            person["emails"] = json!([{ "value": address }]);
            person["externalId"] = format!("id-{name}").into();
            person
        };
        let ada = acme.client.post("/Users", &addressed("ada", "ada@example.com")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let program = Program::on(database);
        program.done(&["map", "crew", "viewer", "/"]);
        let token = program.done(&["token", "issue", "--kind", "pep"]);
        let asked = |who: &str| {
            let mut client = acme.client.clone();
            client.base = server.url.clone();
            client.token = token.trim().to_owned();
            let body = json!({ "subject": { "type": "user", "id": who }, "action": { "name": "build:view" },
                "resource": { "type": "organization", "id": "/" } });
            let headers = [("Content-Type", "application/json")];
            let answer = client.send("POST", "/access/v1/evaluation", &headers, Some(&body.to_string())).expect(200);
            let alone = program.run(&["may", who, "build:view", "/"]).code == Some(0);
            let allowed = answer.json()["decision"].as_bool().unwrap();
            assert_eq!(allowed, alone, "{who}: {}", answer.text);
            allowed
        };
        assert!(asked("ada") && !asked("ADA@example.com") && !asked("id-ada"));
        assert_eq!(program.done(&["org", "subjects", "--email", "on"]), "email on\nexternal-id off\n");
        assert!(asked("ada") && asked("ADA@example.com") && !asked("id-ada"));
        program.done(&["org", "subjects", "--external-id", "on"]);
        assert!(asked("id-ada") && !asked("ID-ada"));
        acme.client.post("/Users", &addressed("grace", "Ada@Example.com")).expect(201);
        assert!(!asked("ada@example.com"), "two bear it");
        acme.client.post("/Users", &addressed("id-ada", "other@example.com")).expect(201);
        assert!(!asked("id-ada"), "the userName of one is the externalId of another");
        assert!(asked("ada") && asked(&ada));
        assert_eq!(program.done(&["org", "subjects", "--email", "off", "--external-id", "off"]), "email off\nexternal-id off\n");
        assert!(!asked("ada@example.com") && asked("ada"));
    }

    fn the_past_is_judged_by_the_guardrails_of_the_past(database: &Database) {
        let clock = Clock::manual(Clock::system().now().plus_micros(-10 * 86_400_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let (acme, administration) = (server.organization("acme"), server.administration());
        let as_kind = |kind: &str| {
            let mut ada = user("ada");
            ada["userType"] = kind.into();
            ada
        };
        let ada = acme.client.post("/Users", &as_kind("Employee")).expect(201).id();
        let program = Program::on(database);
        let crew = acme.client.post("/Groups", &group("crew", &[&ada])).expect(201).id();
        let wanted = muster::service::access::NewAssignment {
            principal: muster::service::access::WantedPrincipal::Group(crew),
            role: "deployer".parse().unwrap(),
            scope: "/".parse().unwrap(),
            from: None,
            until: None,
            source: muster::model::AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        administration.assign(acme.id, &wanted).unwrap();
        let hour = 3_600_000_000;
        let mut moments = Vec::new();
        let mut next = || {
            moments.push(clock.now().plus_micros(hour));
            clock.advance(2 * hour);
        };
        next();
        let text = "@id(\"employees\") @reason(\"contract\") @control(\"C-1\") forbid (principal is User, action == \
                    Action::\"deploy:run\", resource) when { principal.userType != \"Employee\" };";
        administration.save_guardrail(acme.id, text, true).unwrap();
        next();
        acme.client.put(&format!("/Users/{ada}"), &as_kind("Contractor")).expect(200);
        next();
        administration.remove_guardrail(acme.id, &"employees".parse().unwrap()).unwrap();
        next();
        administration.save_guardrail(acme.id, text, true).unwrap();
        acme.client.put(&format!("/Users/{ada}"), &as_kind("Employee")).expect(200);
        next();
        acme.client.delete(&format!("/Users/{ada}")).expect(204);
        next();
        let allowed = |at: &muster::model::Moment| {
            let ended = program.run(&["may", &ada, "deploy:run", "/", "--at", &at.to_string(), "--why"]);
            assert!(ended.stderr.is_empty(), "{ended:?}");
            ended.code == Some(0)
        };
        let told: Vec<bool> = moments.iter().map(allowed).collect();
        assert_eq!(told, [true, true, false, true, true, false]);
    }

    fn the_future_is_asked_by_what_holds_now(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let program = Program::on(database);
        program.done(&["map", "crew", "viewer", "/", "--until", "12h"]);
        assert_eq!(program.run(&["may", "ada", "build:view", "/"]).code, Some(0));
        assert_eq!(program.run(&["may", "ada", "build:view", "/", "--at", "11h"]).code, Some(0));
        assert_eq!(program.run(&["may", "ada", "build:view", "/", "--at", "13h"]).code, Some(1));
    }
}

#[test]
fn another_server_is_asked_in_the_words_of_the_standard() {
    for (status, body, code, printed) in [
        (200, r#"{"decision":true}"#, 0, "allow\n"),
        (
            200,
            r#"{"decision":false,"context":{"reasons":["no assignment allows it"]}}"#,
            1,
            "no assignment allows it\n",
        ),
        (200, r#"{"decision":"true"}"#, 2, ""),
        (200, "<html>", 2, ""),
        (401, "", 2, ""),
        (302, "", 2, ""),
        (503, r#"{"decision":true}"#, 2, ""),
    ] {
        let (url, asked) = stand_in(status, body);
        let program = Program::alone().with("MUSTER_TOKEN", "muster_pep_c4n4ry");
        let why = if code == 1 { &["--why"][..] } else { &[] };
        let arguments = [&["may", "--server", &url, "ada", "deploy:run", "/billing/production"][..], why].concat();
        let ended = program.run(&arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), printed), "{status} {body}: {ended:?}");
        assert!(!ended.stderr.contains("c4n4ry"), "{ended:?}");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /access/v1/evaluation HTTP/1.1"), "{asked}");
        assert!(asked.to_ascii_lowercase().contains("authorization: bearer muster_pep_c4n4ry"), "{asked}");
        let sent: serde_json::Value = serde_json::from_str(asked.lines().last().unwrap()).unwrap();
        assert_eq!(
            sent,
            json!({
                "subject": { "type": "user", "id": "ada" },
                "action": { "name": "deploy:run" },
                "resource": { "type": "environment", "id": "/billing/production" },
            })
        );
    }
    assert!(Program::alone().files().is_empty());
    let ended = Program::alone().run(&["may", "--server", "http://127.0.0.1:1", "ada", "deploy:run", "/"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("`MUSTER_TOKEN`"), "{ended:?}");
}
