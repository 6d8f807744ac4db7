//! Mirrors: teams and repositories of GitHub as groups here, against a GitHub of the test's own.

mod github;
mod limits_of_github;

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use muster::clock::Clock;
use muster::model::{ConnectionId, CredentialKind, Destinations, limits};
use muster::service::access::{NewScope, WantedPrincipal};
use muster::service::{mirrors, notifications};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::console::services;
use super::events;
use super::leavers::{HOUR, PLACE, assert_all, assignment, issue};
use crate::support::{Answer, Client, Database, Dice, FarSide, Listener, Organization, Program, Server, group};

use github::{Account, World, account, stand_in};

const SECRET: &str = "what GitHub signs with";
const SECOND: i64 = 1_000_000;

struct Fixture {
    server: Server,
    made: Organization,
    admin: Client,
    world: Arc<Mutex<World>>,
    github: FarSide,
}

impl Fixture {
    fn new(database: &Database) -> Self {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let (world, github) = stand_in();
        Self { server, made, admin, world, github }
    }

    fn people(&self) -> [String; 3] {
        ["ada", "ben", "cyn"].map(|name| self.made.client.create_user(name))
    }

    fn system(&self) -> String {
        let source = json!({ "organization": "acme", "token": "gh-token", "api": self.github.url });
        self.admin.post("/systems", &json!({ "name": "GitHub", "github": source })).expect(201).id()
    }

    /// Mirrors by the login, unless something else is said.
    fn mirror(&self, wanted: &Value) -> String {
        let system = self.system();
        self.admin.put(&format!("/systems/{system}/mirror"), wanted).expect(200);
        system
    }

    /// Refreshes now, or as soon as the server has done so by itself.
    fn refresh(&self, system: &str, asked: &Value) -> Answer {
        loop {
            let answer = self.admin.post(&format!("/systems/{system}/mirror/refresh"), asked);
            if !answer.text.contains("being refreshed") {
                return answer;
            }
        }
    }

    fn state(&self, system: &str) -> Value {
        self.admin.get(&format!("/systems/{system}/mirror")).expect(200).json()
    }

    fn groups(&self) -> Vec<(String, String)> {
        let items = self.admin.get("/groups?limit=100").expect(200).json()["items"].as_array().unwrap().clone();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let mut all: Vec<_> = items.iter().map(|item| (text(item, "display_name"), text(item, "id"))).collect();
        all.sort();
        all
    }

    fn id_of(&self, name: &str) -> String {
        self.groups()
            .into_iter()
            .find(|(called, _)| called == name)
            .unwrap_or_else(|| panic!("{name}: {:?}", self.groups()))
            .1
    }

    fn members(&self, name: &str) -> Vec<String> {
        let items =
            self.admin.get(&format!("/groups/{}/members", self.id_of(name))).expect(200).json()["items"].clone();
        let mut ids: Vec<String> =
            items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    fn pep(&self) -> Client {
        Client { base: self.server.url.clone(), token: issue(&self.server, self.made.id, CredentialKind::Pep) }
    }

    /// Only who administers the repository may deploy.
    fn map(&self, group: &str) {
        let administration = self.server.administration();
        let scope = NewScope { path: PLACE.parse().unwrap(), production: true, description: None };
        administration.create_scope(self.made.id, &scope).unwrap();
        let wanted = assignment(WantedPrincipal::Group(group.to_owned()), None, &self.server.clock);
        administration.assign(self.made.id, &wanted).unwrap();
    }

    fn actions(&self, resource: &str) -> Vec<String> {
        events::of(&self.server, self.made.id, resource).into_iter().map(|event| event.action).collect()
    }

    fn deliver(&self, path: &str, signature: &str, body: &[u8]) -> Answer {
        let client = Client { base: self.server.url.clone(), token: String::new() };
        let headers = [("Authorization", ""), ("X-GitHub-Event", "membership"), ("X-Hub-Signature-256", signature)];
        client.send_bytes("POST", path, &headers, Some(body))
    }
}

fn by_login() -> Value {
    json!({ "subject": "{login}" })
}

fn signature(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

on_both_databases! {
    fn only_administrators_of_a_repository_may_deploy_for_as_long_as_they_are(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ben, cyn] = fixture.people();
        let system = fixture.mirror(&by_login());
        let first = fixture.refresh(&system, &json!({})).expect(200).json();
        assert_eq!((&first["groups"], &first["unknown"]), (&json!(4), &json!(0)), "{first}");
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&ada, &ben, &cyn]), "three of them, on two pages");
        assert_eq!(fixture.members("acme/billing:admin"), sorted(&[&ada]));
        assert_eq!(fixture.members("acme/billing:maintain"), sorted(&[&ada, &ben]));
        assert_eq!(fixture.members("acme/billing:write"), sorted(&[&ada, &ben, &cyn]), "who only reads is not in it");
        fixture.map("acme/billing:admin");
        let pep = fixture.pep();
        assert_all(&pep, ("user", &ada), true, "an administrator");
        assert_all(&pep, ("user", &ben), false, "a maintainer");
        fixture.world.lock().unwrap().repositories[0].2[0].1 = "write";
        fixture.world.lock().unwrap().repositories[0].2[1].1 = "admin";
        fixture.refresh(&system, &json!({})).expect(200);
        assert_all(&pep, ("user", &ada), false, "no administrator any more");
        assert_all(&pep, ("user", &ben), true, "one by now");
        let again = fixture.refresh(&system, &json!({})).expect(200).json();
        assert_eq!((&again["joined"], &again["left"]), (&json!(0), &json!(0)));
    }

    fn what_is_renamed_stays_the_same_group_and_what_is_gone_there_goes_here(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ..] = fixture.people();
        let system = fixture.mirror(&by_login());
        fixture.refresh(&system, &json!({})).expect(200);
        fixture.map("acme/billing:admin");
        let before = fixture.id_of("acme/billing:admin");
        fixture.world.lock().unwrap().repositories[0].1 = "invoices".to_owned();
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.id_of("acme/invoices:admin"), before);
        let pep = fixture.pep();
        assert_all(&pep, ("user", &ada), true, "the mapping is to the group, whatever it is called");
        // Another repository of the name is another group, to which nothing is mapped.
        fixture.world.lock().unwrap().repositories[0].0 = 21;
        fixture.refresh(&system, &json!({})).expect(200);
        assert_ne!(fixture.id_of("acme/invoices:admin"), before);
        assert_all(&pep, ("user", &ada), false, "that repository is gone");
        fixture.world.lock().unwrap().teams.clear();
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.groups().len(), 3, "{:?}", fixture.groups());
        // Only those that are named.
        fixture.world.lock().unwrap().repositories.push((22, "web".to_owned(), Vec::new()));
        fixture.admin.put(&format!("/systems/{system}/mirror"), &json!({ "subject": "{login}", "repositories": ["WEB"] })).expect(200);
        fixture.refresh(&system, &json!({})).expect(200);
        assert!(fixture.groups().iter().all(|(name, _)| name.starts_with("acme/web:")), "{:?}", fixture.groups());
    }

    fn an_answer_that_is_not_whole_changes_nothing_and_is_told(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ben, cyn] = fixture.people();
        let system = fixture.mirror(&by_login());
        fixture.refresh(&system, &json!({})).expect(200);
        let before = fixture.groups();
        for broken in ["crew/members?per_page=100&page=2", "collaborators", "orgs/acme/repos", "teams?"] {
            {
                let mut world = fixture.world.lock().unwrap();
                world.broken = Some(broken);
                world.teams[0].2[0] = account(77, "zoe");
            }
            problem(&fixture.refresh(&system, &json!({})), 409, "GitHub answers 500");
            assert_eq!(fixture.groups(), before, "{broken}");
            assert_eq!(fixture.members("@acme/crew"), sorted(&[&ada, &ben, &cyn]), "{broken}");
            fixture.world.lock().unwrap().teams[0].2[0] = account(1, "ada");
        }
        let state = fixture.state(&system);
        assert!(state["problem"].as_str().unwrap().contains("500") && state["failing_since"].is_string(), "{state}");
        let listener = Listener::start();
        let wanted = json!({ "url": listener.url, "kinds": ["connection-failing"] });
        fixture.admin.post("/notifications", &wanted).expect(201);
        notifications::look(&services(&fixture.server), || true).unwrap();
        let notices = fixture.admin.get("/notices").expect(200).text;
        assert!(notices.contains("The groups of `GitHub` have not been refreshed since"), "{notices}");
        fixture.world.lock().unwrap().broken = None;
        fixture.refresh(&system, &json!({})).expect(200);
        let state = fixture.state(&system);
        assert!(state.get("problem").is_none_or(Value::is_null) && state["refreshed_at"].is_string(), "{state}");
        assert_eq!(fixture.actions(&system), ["system.added", "mirror.set", "mirror.failed", "mirror.recovered"], "once each");
        problem(&fixture.admin.put(&format!("/systems/{system}/mirror"), &json!({ "repositories": ["a/b"] })), 400, "no name of a repository");
        fixture.admin.put(&format!("/systems/{system}/mirror"), &json!({ "subject": "{login}", "repositories": ["gone"] })).expect(200);
        problem(&fixture.refresh(&system, &json!({})), 409, "shows no repository `acme/gone`");
        assert_eq!(fixture.groups(), before);
    }

    fn most_memberships_do_not_end_unless_somebody_says_that_this_is_right(database: &Database) {
        let fixture = Fixture::new(database);
        let many: Vec<Account> = (100..112).map(|id| account(id, &format!("p{id}"))).collect();
        for (_, login) in &many {
            fixture.made.client.create_user(login);
        }
        *fixture.world.lock().unwrap() = World { teams: vec![(10, "crew".to_owned(), many)], ..World::default() };
        let system = fixture.mirror(&by_login());
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew").len(), 12);
        // A token that lost its rights sees the same as one whose teams are gone.
        fixture.world.lock().unwrap().teams.clear();
        problem(&fixture.refresh(&system, &json!({})), 409, "12 of 12 memberships would end");
        assert_eq!(fixture.members("@acme/crew").len(), 12);
        assert!(fixture.state(&system)["problem"].as_str().unwrap().contains("12 of 12"));
        fixture.refresh(&system, &json!({ "accept": true })).expect(200);
        assert_eq!(fixture.groups(), []);
    }

    fn an_account_is_somebodys_only_by_what_does_not_change_hands(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ben, cyn] = fixture.people();
        let system = fixture.mirror(&json!({}));
        let none = fixture.refresh(&system, &json!({})).expect(200).json();
        assert_eq!((&none["joined"], &none["unknown"]), (&json!(0), &json!(3)), "nobody has said whose they are: {none}");
        let tie = |account: &str, user: &str| {
            let path = format!("/systems/{system}/accounts");
            fixture.admin.put(&path, &json!({ "account": account, "user": user })).expect(204);
        };
        tie("2", &cyn);
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&cyn]), "as an administrator said");
        fixture.admin.put(&format!("/systems/{system}/mirror"), &by_login()).expect(200);
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&ada, &cyn]), "of Cyn one account counts, and Ben's is tied to another");
        // Ada has left GitHub, and somebody else is called so there now.
        for (_, _, members) in &mut fixture.world.lock().unwrap().teams {
            members[0].0 = 99;
        }
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&cyn]));
        // A newcomer who bears the name of somebody deleted is not in their place either.
        fixture.made.client.delete(&format!("/Users/{cyn}")).expect(204);
        fixture.made.client.create_user("cyn");
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew").len(), 1, "the account `cyn` has not been anybody's before");
        assert!(!fixture.members("@acme/crew").contains(&ben));
    }

    fn a_webhook_that_is_signed_brings_a_refresh_and_nothing_else(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ..] = fixture.people();
        let system = fixture.mirror(&json!({ "subject": "{login}", "webhook_secret": SECRET }));
        fixture.refresh(&system, &json!({})).expect(200);
        let place = fixture.state(&system)["webhook"].as_str().unwrap().split_once("/webhooks").unwrap().1.to_owned();
        let path = format!("/webhooks{place}");
        let (clock, services) = (&fixture.server.clock, services(&fixture.server));
        let is_in = || fixture.members("@acme/crew").contains(&ada);
        let leave_or_come = |there: bool| {
            let members = if there { vec![account(1, "ada")] } else { Vec::new() };
            fixture.world.lock().unwrap().teams[0].2 = members;
        };
        let looked = || mirrors::look(&services, || true).unwrap();
        leave_or_come(false);
        clock.advance(11 * SECOND);
        let body = json!({ "action": "removed", "member": { "login": "ada" } }).to_string();
        let signed = signature(SECRET, body.as_bytes());
        for (shown, body) in [
            ("", body.as_str()),
            ("sha256=", &body),
            ("sha256=00", &body),
            (&signature("something else", body.as_bytes()), &body),
            (&signed, "{}"),
            (&signed.to_uppercase(), &body),
            (&signed, ""),
        ] {
            let answer = fixture.deliver(&path, shown, body.as_bytes()).expect(401);
            assert!(answer.text.contains("signature"), "{}", answer.text);
        }
        let slug = path.replace("/acme/", "/other/");
        let nobody = path.replace(&system, &fixture.made.id.to_string());
        for wrong in [slug.as_str(), &nobody, "/webhooks/mirrors/acme", "/webhooks/mirrors/acme/x", "/webhooks/mirrors//"] {
            assert_eq!(fixture.deliver(wrong, &signed, body.as_bytes()).status, 404, "{wrong}");
        }
        let large = vec![b'a'; limits::WEBHOOK_BYTES + 1];
        assert_eq!(fixture.deliver(&path, &signature(SECRET, &large), &large).status, 413);
        let client = Client { base: fixture.server.url.clone(), token: String::new() };
        assert_eq!(client.send("GET", &path, &[("Authorization", "")], None).status, 405);
        looked();
        assert!(is_in(), "nobody has said anything");
        fixture.deliver(&path, &signed, body.as_bytes()).expect(200);
        while is_in() {
            looked();
        }
        // The same again, however late, is no news.
        leave_or_come(true);
        clock.advance(11 * SECOND);
        fixture.deliver(&path, &signed, body.as_bytes()).expect(200);
        looked();
        assert!(!is_in());
        // Whatever GitHub signs is taken, be it what it may.
        let mut dice = Dice::new();
        for length in [0, 1, 100] {
            let bytes: Vec<u8> = (0..length).map(|_| u8::try_from(dice.below(256)).unwrap()).collect();
            fixture.deliver(&path, &signature(SECRET, &bytes), &bytes).expect(200);
        }
        while !is_in() {
            looked();
        }
        // Many at once bring one refresh, not sooner than ten seconds after the last.
        leave_or_come(false);
        for number in 0..20 {
            let body = format!("{number}");
            fixture.deliver(&path, &signature(SECRET, body.as_bytes()), body.as_bytes()).expect(200);
        }
        looked();
        assert!(is_in());
        clock.advance(11 * SECOND);
        while is_in() {
            looked();
        }
        // And without any webhook it is refreshed by the clock.
        leave_or_come(true);
        clock.advance(HOUR / 4 + SECOND);
        while !is_in() {
            looked();
        }
    }

    fn what_is_mirrored_is_changed_nowhere_else(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ..] = fixture.people();
        let system = fixture.mirror(&by_login());
        fixture.refresh(&system, &json!({})).expect(200);
        let crew = fixture.id_of("@acme/crew");
        let connection: ConnectionId = fixture.state(&system)["connection"].as_str().unwrap().parse().unwrap();
        let wanted = json!({ "kind": "scim", "connection": connection.to_string() });
        problem(&fixture.admin.post("/credentials", &wanted), 400, "come from GitHub alone");
        problem(&fixture.admin.post("/connections", &json!({ "name": "x", "profile": "github" })), 400, "mirror");
        fixture.admin.delete(&format!("/groups/{crew}")).expect(403);
        fixture.made.client.get(&format!("/Groups/{crew}")).expect(404);
        fixture.made.client.put(&format!("/Groups/{crew}"), &group("@acme/crew", &[])).expect(404);
        assert_eq!(fixture.members("@acme/crew").len(), 3);
        problem(&fixture.admin.delete(&format!("/systems/{system}")), 409, "remove the mirror first");
        // A group of the same name that somebody else brings is another group.
        fixture.made.client.create_group("@ACME/crew", &[]);
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew").len(), 3);
        let other = fixture.server.organization("other");
        let stranger = administrator(&fixture.server, other.id, CredentialKind::Admin);
        let path = format!("/systems/{system}/mirror");
        for answer in [stranger.get(&path), stranger.delete(&path), stranger.post(&format!("{path}/refresh"), &json!({}))] {
            problem(&answer, 404, "no such system");
        }
        let auditor = administrator(&fixture.server, fixture.made.id, CredentialKind::Auditor);
        auditor.get(&path).expect(200);
        auditor.post(&format!("{path}/refresh"), &json!({})).expect(403);
        // Paused, nothing is changed; removed, nobody is left whom nobody keeps true.
        let name = fixture.server.administration().connection(fixture.made.id, connection).unwrap().name;
        fixture.server.administration().pause_connection(fixture.made.id, &name.parse().unwrap(), true).unwrap();
        problem(&fixture.refresh(&system, &json!({})), 409, "paused");
        fixture.admin.delete(&path).expect(204);
        problem(&fixture.admin.get(&path), 404, "not mirrored");
        assert!(fixture.groups().iter().all(|(_, id)| *id != crew), "{:?}", fixture.groups());
        fixture.admin.put(&path, &by_login()).expect(200);
        assert_eq!(fixture.state(&system)["connection"], connection.to_string(), "the same connection goes on");
        fixture.refresh(&system, &json!({})).expect(200);
        assert!(fixture.members("@acme/crew").contains(&ada));
    }

    fn a_mirror_is_kept_on_the_command_line(database: &Database) {
        let (world, github) = stand_in();
        let program = Program::on(database).with("MUSTER_OUTBOUND_NETWORKS", "127.0.0.0/8");
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        client.create_user("ada@example.com");
        std::fs::write(program.folder().join("token"), "gh-token\n").unwrap();
        std::fs::write(program.folder().join("secret"), SECRET).unwrap();
        program.done(&["system", "add", "GitHub", "--github", "acme", "--token-file", "token", "--api", &github.url]);
        program.done(&["system", "add", "registry"]);
        assert_eq!(program.run(&["mirror", "set", "registry"]).code, Some(2));
        assert_eq!(program.run(&["mirror", "set", "GitHub", "--subject", "login"]).code, Some(2));
        assert_eq!(program.run(&["mirror", "set", "GitHub", "--minutes", "1"]).code, Some(2));
        let set = ["mirror", "set", "GitHub", "--subject", "{login}@example.com", "--webhook-secret-file", "secret"];
        assert!(program.done(&set).starts_with("webhooks: /webhooks/mirrors/default/"));
        let refreshed = loop {
            let refreshed = program.run(&["mirror", "refresh", "GitHub"]);
            if !refreshed.stderr.contains("being refreshed") {
                break refreshed;
            }
        };
        assert!(refreshed.code == Some(0) && refreshed.stdout.starts_with("4 groups, "), "{refreshed:?}");
        assert!(program.done(&["mirror", "list"]).contains("GitHub"));
        world.lock().unwrap().broken = Some("acme");
        while program.run(&["mirror", "refresh", "GitHub"]).stderr.contains("being refreshed") {}
        assert!(program.done(&["mirror", "list"]).contains("GitHub answers 500"));
        program.done(&["map", "acme/billing:admin", "deployer", "/"]);
        program.done(&["mirror", "remove", "GitHub"]);
        assert_eq!(program.done(&["mirror", "list"]).lines().count(), 1);
    }
}
