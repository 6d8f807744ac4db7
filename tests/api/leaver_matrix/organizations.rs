//! A whole organization that is suspended: whatever admits somebody of it admits nobody, on any server, and others notice
//! nothing.

use muster::clock::Clock;
use muster::model::{Destinations, EmailAddress};
use muster::service::invitations::{Outcome, Wanted};
use serde_json::json;

use super::{Form, Machine, administered, assert_all, machines};
use crate::console::identity::{Attempt, Provider};
use crate::console::{Browser, caller, recovery_administrator, services};
use crate::events;
use crate::support::{Backend, Client, Database, Program, Server};

/// Asks for an access token with what a client was given.
fn granted(server: &Server, client: &serde_json::Value) -> u16 {
    let basic = crate::oauth::basic(client);
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", basic.as_str())];
    let open = Client { base: server.url.clone(), token: String::new() };
    open.send("POST", "/oauth2/token", &headers, Some("grant_type=client_credentials")).status
}

fn walk(servers: &[&Server]) {
    let first = servers[0];
    for other in &servers[1..] {
        other.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
    }
    let (made, admin, publisher, signer) = administered(first);
    let neighbour = first.organization("neighbour");
    let all = machines(first, &admin, &publisher, &signer);
    let (own, anywhere): (Vec<Machine>, Vec<Machine>) =
        all.into_iter().partition(|machine| machine.name.ends_with("access token"));
    let client = admin.post("/clients", &json!({ "kind": "pep" })).expect(201).json();
    let everywhere = |expected: u16| {
        // Each of these servers is an issuer of its own.
        assert_all(&own, &[first], expected);
        assert_all(&anywhere, servers, expected);
        for server in servers {
            assert_eq!(granted(server, &client), if expected == 200 { 200 } else { 401 });
        }
    };
    everywhere(200);
    let browser = recovery_administrator(first, made.id);
    let (services, command) = (services(first), caller(made.id));
    let link = Form::fetch(first, &services.recovery_link(&command).unwrap());
    let address: EmailAddress = "guest@example.com".parse().unwrap();
    let Outcome::Invited(mail) = services.invite(&command, &address, &Wanted::default()).unwrap() else {
        panic!("not invited")
    };
    let invitation = Form::fetch(first, &mail.url);
    let provider = Provider::start();
    admin.put("/identity-provider", &provider.settings()).expect(200);
    let known = json!({ "userName": "kim", "externalId": "subject-1" });
    made.client.post("/Users", &known).expect(201);
    let begins = || {
        let browser = Browser::new(first);
        let attempt = Attempt::begin(first, &browser, "acme");
        (browser, attempt)
    };
    let arrives = |(browser, attempt): &(Browser, Attempt)| {
        let claims = provider.claims(attempt, "subject-1", first.clock.now());
        provider.back(browser, attempt, &claims).status
    };
    let underway = begins();
    let inside: Vec<Browser> = servers
        .iter()
        .map(|server| {
            let beside = Browser::new(server);
            beside.set_cookie(super::SESSION, &browser.cookie(super::SESSION).unwrap());
            beside.page("/o/acme");
            beside
        })
        .collect();

    for _ in 0..2 {
        first.administration().suspend_organization(made.id, true).unwrap();
    }
    let reversed: Vec<&Server> = servers.iter().rev().copied().collect();
    assert_all(&anywhere, &reversed, 401);
    everywhere(401);
    for browser in &inside {
        assert_ne!(browser.get("/o/acme").status, 200);
        assert_ne!(browser.get("/o/acme/people").status, 200);
    }
    assert!(!link.opens() && !invitation.opens());
    assert!([403, 404].contains(&arrives(&underway)));
    Browser::new(first).get("/sign-in/to/acme").expect(404);
    neighbour.client.get("/Users").expect(200);

    first.administration().suspend_organization(made.id, false).unwrap();
    let again = |machine: &Machine| {
        // What is given back arrives with the next look at the feed.
        for server in servers {
            while !machine.name.ends_with("access token") && machine.asks(server).status != 200 {
                std::thread::yield_now();
            }
        }
    };
    anywhere.iter().for_each(again);
    everywhere(200);
    for browser in &inside {
        browser.page("/o/acme");
    }
    assert_eq!(arrives(&begins()), 303);
    let id = made.id.to_string();
    let told: Vec<String> = events::of(first, made.id, &id).into_iter().map(|event| event.action).collect();
    assert_eq!(&told[told.len() - 2..], ["organization.suspended", "organization.resumed"], "once each");
}

on_both_databases! {
    fn nobody_of_a_suspended_organization_is_admitted_by_anything(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&[&server]);
    }

    fn an_organization_is_suspended_and_resumed_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (base, token) = server.first_lines();
        let client = Client { base, token };
        client.get("/Users").expect(200);
        program.done(&["org", "suspend", "default"]);
        client.get("/Users").expect(401);
        assert!(!program.done(&["org", "list"]).lines().nth(1).unwrap().trim_end().ends_with('-'));
        program.done(&["org", "suspend", "default"]);
        program.done(&["org", "resume", "default"]);
        client.get("/Users").expect(200);
        assert!(program.done(&["org", "list"]).lines().nth(1).unwrap().trim_end().ends_with('-'));
        assert_eq!(program.run(&["org", "suspend", "nobody"]).code, Some(1));
        assert_eq!(program.run(&["org", "create", "default"]).code, Some(1));
    }
}

#[test]
fn nobody_of_a_suspended_organization_is_admitted_by_another_server() {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let first = Server::start_at(&database, 0, clock.clone());
    let second = Server::start_at(&database, 0, clock);
    let third = Server::start_at(&database, 0, first.clock.clone());
    walk(&[&first, &second, &third]);
}
