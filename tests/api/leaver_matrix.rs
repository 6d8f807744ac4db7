//! Every way to lose access against everything that admits somebody: refused from the first request after the answer on,
//! by the server that answered and by another, and for good.

mod organizations;
mod signing_in;

use muster::clock::Clock;
use muster::model::{Actor, Caller, CredentialKind, Destinations, EmailAddress, OrganizationId};
use muster::service::access::{NewAssignment, WantedPrincipal};
use muster::service::invitations::{Outcome, Wanted};
use serde_json::{Value, json};

use super::administration::administrator;
use super::console::{Browser, caller, joined, person, services, signed_in_by};
use super::leavers::{HOUR, Stage, WAYS, active, assignment, walk_beside};
use crate::support::{Answer, Backend, Client, Database, FarSide, Organization, Server, Signer, statements};

const SESSION: &str = "__Host-muster-session";

/// A form that was fetched while it was good.
pub struct Form {
    pub browser: Browser,
    pub path: String,
    pub token: String,
}

impl Form {
    pub fn fetch(server: &Server, link: &str) -> Self {
        let browser = Browser::new(server);
        let path = link.strip_prefix(&server.url).unwrap().to_owned();
        let token = browser.page(&path).token();
        Self { browser, path, token }
    }

    pub fn opens(&self) -> bool {
        let answer = self.browser.post(&self.path, &[("token", &self.token), ("given-name", "Somebody")]);
        assert!([303, 403, 410, 404].contains(&answer.status), "{} {}", self.path, answer.html);
        answer.status == 303
    }
}

/// Ada signed in, with a link that would sign her in once more and an invitation she has made, on a server and beside it.
struct Console {
    browsers: Vec<Browser>,
    link: Form,
    invitation: Form,
    profile: String,
}

impl Console {
    fn of(stage: &Stage<'_>, slug: &str, other: Option<&Server>) -> Self {
        let (server, organization) = (stage.server, stage.organization);
        let (services, command) = (services(server), caller(organization));
        // Another administrator, so that nobody minds when Ada goes.
        person(server, organization, "boss", "admin");
        let wanted = assignment(WantedPrincipal::User("ada".to_owned()), None, &server.clock);
        let wanted = NewAssignment { role: "admin".parse().unwrap(), scope: "/".parse().unwrap(), ..wanted };
        server.administration().assign(organization, &wanted).unwrap();
        let ada = stage.ada.parse().unwrap();
        let browser = signed_in_by(server, &services.user_link(&command, ada).unwrap());
        let (accounts, _) = services.sessions_of_user(&command, ada).unwrap();
        let inviting = Caller::local(organization, Actor::Account(accounts[0].id), command.request);
        let address: EmailAddress = format!("guest@{slug}.example.com").parse().unwrap();
        let Outcome::Invited(mail) = services.invite(&inviting, &address, &Wanted::default()).unwrap() else {
            panic!("not invited")
        };
        let invitation = Form::fetch(server, &mail.url);
        let link = Form::fetch(server, &services.user_link(&command, ada).unwrap());
        let beside = other.map(|other| {
            let beside = Browser::new(other);
            beside.set_cookie(SESSION, &browser.cookie(SESSION).unwrap());
            beside
        });
        let browsers: Vec<Browser> = beside.into_iter().chain([browser]).collect();
        Self { browsers, link, invitation, profile: format!("/o/{slug}/profile") }
    }

    fn assert_signed_in(&self, expected: bool, why: &str) {
        for browser in &self.browsers {
            let answer = browser.get(&self.profile);
            assert_eq!(answer.status == 200, expected, "{why}: {}", answer.html);
            assert!(expected || answer.location() == "/sign-in", "{why}");
        }
    }
}

fn walk(server: &Server, other: Option<&Server>) {
    for (number, (way, gone, lose)) in WAYS.iter().enumerate() {
        let slug = format!("org{number}");
        let stage = Stage::set(server, &slug, None);
        let console = Console::of(&stage, &slug, other);
        console.assert_signed_in(true, way);
        let before = server.clock.now();
        lose(&stage);
        console.assert_signed_in(!gone, way);
        if *gone {
            assert!(!console.link.opens(), "{way}: a link");
            assert!(!console.invitation.opens(), "{way}: an invitation");
        }
        // Whoever comes back comes back with nothing of it.
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(true));
        stage.admin.delete(&format!("/users/{}/suspension", stage.ada));
        console.assert_signed_in(!gone, way);
        // A link is good for ten minutes, whatever happens.
        let stands = !gone && server.clock.now() == before;
        assert_eq!(console.link.opens(), stands, "{way}: a link, afterwards");
        assert_eq!(console.invitation.opens(), !gone, "{way}: an invitation, afterwards");
    }
}

/// Something that admits a machine: what it is called, its credential and its token.
struct Machine {
    name: String,
    credential: String,
    token: String,
}

impl Machine {
    /// Asks what a machine of its kind may ask.
    fn asks(&self, server: &Server) -> Answer {
        let client = Client { base: server.url.clone(), token: self.token.clone() };
        let question = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "deploy:run" },
            "resource": { "type": "organization", "id": "/" } });
        match self.name.split(' ').next().unwrap() {
            "scim" => client.get("/scim/v2/Users"),
            "pep" => client.post("/access/v1/evaluation", &question),
            "receiver" => client.get("/ssf/stream"),
            _ => client.get("/api/v1/users"),
        }
    }
}

fn connection(admin: &Client) -> Value {
    admin.get("/connections").expect(200).json()["items"][0]["id"].clone()
}

/// Issued tokens of every kind, access tokens of clients of every kind that has some, and a token of an outside issuer.
fn machines(server: &Server, admin: &Client, publisher: &FarSide, signer: &Signer) -> Vec<Machine> {
    let mut all = Vec::new();
    for kind in ["scim", "pep", "receiver", "admin", "auditor"] {
        let mut body = json!({ "kind": kind, "expires_in_days": 1 });
        if kind == "scim" {
            body["connection"] = connection(admin);
        }
        let issued = admin.post("/credentials", &body).expect(201).json();
        let text = |name: &str| issued[name].as_str().unwrap().to_owned();
        all.push(Machine { name: format!("{kind} token"), credential: text("id"), token: text("token") });
    }
    for kind in ["scim", "pep", "receiver"] {
        let mut body = json!({ "kind": kind });
        if kind == "scim" {
            body["connection"] = connection(admin);
        }
        let client = admin.post("/clients", &body).expect(201).json();
        let text = |name: &str| client[name].as_str().unwrap().to_owned();
        let basic = super::oauth::basic(&client);
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", basic.as_str())];
        let open = Client { base: server.url.clone(), token: String::new() };
        let granted =
            open.send("POST", "/oauth2/token", &headers, Some("grant_type=client_credentials")).expect(200).json();
        let token = granted["access_token"].as_str().unwrap().to_owned();
        all.push(Machine { name: format!("{kind} access token"), credential: text("credential"), token });
    }
    let issuer = json!({ "connection": connection(admin), "issuer": "https://sts.example/", "audience": "https://muster.example",
        "claims": { "tid": "t" }, "keys_url": format!("{}/keys", publisher.url) });
    let registered = admin.post("/issuers", &issuer).expect(201).json();
    let now = server.clock.now().as_micros() / 1_000_000;
    let claims = json!({ "iss": "https://sts.example/", "aud": "https://muster.example", "tid": "t", "sub": "s", "iat": now,
        "nbf": now, "exp": now + 3_600 });
    let credential = registered["credential"].as_str().unwrap().to_owned();
    all.push(Machine { name: "scim token of an outside issuer".to_owned(), credential, token: signer.sign(&claims) });
    all
}

fn administered(server: &Server) -> (Organization, Client, FarSide, Signer) {
    server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
    let made = server.organization("acme");
    let admin = administrator(server, made.id, CredentialKind::Admin);
    let signer = Signer::new("idp");
    let keys = signer.keys().to_string();
    (made, admin, FarSide::start(move |_| (200, keys.clone())), signer)
}

/// Each is asked for on every server first, so that whatever they remember is there.
fn assert_all(all: &[Machine], servers: &[&Server], expected: u16) {
    for machine in all {
        for server in servers {
            let answer = machine.asks(server);
            assert_eq!(answer.status, expected, "{}: {}", machine.name, answer.text);
        }
    }
}

fn revoke_each(servers: &[&Server]) {
    let first = servers[0];
    let (_, admin, publisher, signer) = administered(first);
    for other in servers {
        other.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
    }
    let all = machines(first, &admin, &publisher, &signer);
    assert_eq!(all.len(), 9);
    // Each of these servers has an address of its own, and so is an issuer of its own.
    let asked = |machine: &Machine| {
        let only = if machine.name.ends_with("access token") { 1 } else { servers.len() };
        servers.iter().copied().take(only).rev().collect::<Vec<&Server>>()
    };
    for machine in &all {
        assert_all(std::slice::from_ref(machine), &asked(machine), 200);
        admin.delete(&format!("/credentials/{}", machine.credential)).expect(204);
        for server in asked(machine) {
            assert_eq!(machine.asks(server).status, 401, "{}", machine.name);
        }
    }
}

on_both_databases! {
    fn whatever_admits_somebody_to_the_console_admits_nobody_from_the_next_request_on(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&server, None);
    }

    fn whatever_admits_a_machine_admits_nobody_once_it_is_revoked(database: &Database) {
        let server = Server::start(database);
        revoke_each(&[&server]);
    }

    fn whatever_admits_a_machine_ends_by_the_clock(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let server = Server::start_at(database, 0, clock.clone());
        let (_, admin, publisher, signer) = administered(&server);
        let all = machines(&server, &admin, &publisher, &signer);
        assert_all(&all, &[&server], 200);
        clock.advance(25 * HOUR);
        assert_all(&all, &[&server], 401);
        clock.advance(-HOUR / 2);
        assert_all(&all, &[&server], 401);
    }

    fn a_paused_connection_takes_nothing_by_whatever_admits_to_it(database: &Database) {
        let server = Server::start(database);
        let (made, admin, publisher, signer) = administered(&server);
        let all = machines(&server, &admin, &publisher, &signer);
        let scim = || all.iter().filter(|machine| machine.name.starts_with("scim"));
        let writes = |machine: &Machine, number: usize| {
            let client = Client { base: format!("{}/scim/v2", server.url), token: machine.token.clone() };
            client.post("/Users", &crate::support::user(&format!("u{number}"))).status
        };
        for (number, machine) in scim().enumerate() {
            assert_eq!(writes(machine, number), 201, "{}", machine.name);
        }
        server.administration().pause_connection(made.id, &"first".parse().unwrap(), true).unwrap();
        for (number, machine) in scim().enumerate() {
            assert_eq!(writes(machine, 10 + number), 403, "{}", machine.name);
        }
    }

    fn whoever_waits_for_signals_is_cut_off_when_the_credential_ends(database: &Database) {
        // What a look at what waits asks the database for.
        const LOOK: &str = "AND finished_at IS NULL ORDER BY id LIMIT";
        statements::watch();
        let server = Server::start(database);
        let (_, admin, publisher, signer) = administered(&server);
        let all = machines(&server, &admin, &publisher, &signer);
        for machine in all.iter().filter(|machine| machine.name.starts_with("receiver")) {
            let client = Client { base: server.url.clone(), token: machine.token.clone() };
            let made = client.post("/ssf/stream", &json!({ "delivery": { "method": "urn:ietf:rfc:8936" } })).expect(201).json();
            let path = format!("/ssf/poll/{}", made["stream_id"].as_str().unwrap());
            statements::with(LOOK);
            let waiting = std::thread::spawn(move || client.post(&path, &json!({})));
            // It has begun to wait.
            while statements::with(LOOK) == 0 {
                std::thread::yield_now();
            }
            admin.delete(&format!("/credentials/{}", machine.credential)).expect(204);
            statements::with(LOOK);
            let answer = waiting.join().unwrap();
            assert_eq!(answer.status, 401, "{}: {}", machine.name, answer.text);
            // One may have been on its way; the next is not made.
            let looks = statements::with(LOOK);
            assert!(looks <= 1, "{}: {looks} looks", machine.name);
        }
    }

    fn a_certificate_names_the_sessions_links_and_invitations_that_ended(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let stage = Stage::set(&server, "acme", None);
        let console = Console::of(&stage, "acme", None);
        // What was over before is not among it.
        let used = Console::guest(&server, stage.organization);
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(false)).expect(200);
        let certificate = |id: &str| -> Vec<String> {
            let text = stage.admin.get(&format!("/users/{id}/leaver-certificate")).expect(200).text;
            let statement: Value = serde_json::from_str(&text).unwrap();
            let killed = statement["statement"]["content"]["killed"].as_array().unwrap().clone();
            killed.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
        };
        let expected = ["assignment", "service", "session", "sign-in-link", "invitation"];
        assert_eq!(certificate(&stage.ada), expected);
        console.assert_signed_in(false, "gone");
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(true)).expect(200);
        server.clock.advance(HOUR);
        stage.client.delete(&format!("/Users/{}", stage.ada)).expect(204);
        assert_eq!(certificate(&stage.ada), ["assignment", "service"], "nothing else had admitted her since");
        used.page("/o/acme/profile");
    }
}

impl Console {
    /// Somebody else, who stays.
    fn guest(server: &Server, organization: OrganizationId) -> Browser {
        let (services, command) = (services(server), caller(organization));
        let address: EmailAddress = "stays@example.com".parse().unwrap();
        let Outcome::Invited(mail) = services.invite(&command, &address, &Wanted::default()).unwrap() else {
            panic!("not invited")
        };
        joined(server, mail.url.strip_prefix(&server.url).unwrap(), "Somebody")
    }
}

#[test]
fn a_clock_that_jumps_brings_nobody_back() {
    let database = Database::fresh(Backend::Postgres);
    let now = Clock::system().now();
    let (clock, other) = (Clock::manual(now), Clock::manual(now.plus_micros(240 * HOUR)));
    let first = Server::start_at(&database, 0, clock.clone());
    let second = Server::start_at(&database, 0, other.clone());
    for (number, jump) in [0, -HOUR, -24 * HOUR, 12 * HOUR, HOUR].into_iter().enumerate() {
        let slug = format!("org{number}");
        let stage = Stage::set(&first, &slug, None);
        let beside = stage.beside(&second);
        super::leavers::wait_until_allowed(&beside, "user", &stage.ada);
        // Between the change and what went before it, and after it.
        clock.advance(jump);
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(false)).expect(200);
        for after in [0, -jump, -HOUR, 12 * HOUR, -12 * HOUR] {
            clock.advance(after);
            other.advance(-after);
            for pep in [&stage.pep, &beside] {
                super::leavers::assert_all(pep, ("user", &stage.ada), false, &format!("{jump}, {after}"));
                super::leavers::assert_all(pep, ("service", &stage.service), false, &format!("{jump}, {after}"));
            }
            assert!(first.live.is_current() && second.live.is_current(), "leases go by no clock that can be set");
        }
        let text = stage.admin.get(&format!("/users/{}/leaver-certificate", stage.ada)).expect(200).text;
        assert_eq!(muster::evidence::bundle::verify(&text, None).unwrap().unconfirmed, Vec::<String>::new());
    }
}

#[test]
fn whatever_admits_to_the_console_is_refused_by_another_server_too() {
    walk_beside(walk);
}

#[test]
fn whatever_admits_a_machine_is_refused_by_another_server_too() {
    let database = Database::fresh(Backend::Postgres);
    let (first, second) = (Server::start(&database), Server::start(&database));
    revoke_each(&[&first, &second]);
}
