//! Leavers: every way to lose access is in force from the first request after its answer on, and what is certified about
//! it holds.

use muster::clock::Clock;
use muster::live::{Live, LiveSettings};
use muster::model::{
    Actor, AssignmentId, AssignmentSource, Caller, CredentialKind, Moment, OrganizationId, Precondition, RequestId,
};
use muster::service::access::{NewAssignment, NewScope, NewService, WantedPrincipal};
use muster::service::administration::{Administration, NewToken};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::events;
use crate::support::{Answer, Backend, Client, Database, Program, Server, group, user};

pub const HOUR: i64 = 3_600_000_000;
pub const PLACE: &str = "/billing/production";

/// One organization in which Ada, by a nested group, may deploy, and so may a service she answers for.
pub struct Stage<'s> {
    pub server: &'s Server,
    pub organization: OrganizationId,
    pub client: Client,
    pub admin: Client,
    pub pep: Client,
    pep_token: String,
    pub ada: String,
    pub crew: String,
    pub outer: String,
    pub service: String,
    mapped: AssignmentId,
}

pub fn assignment(principal: WantedPrincipal, until: Option<i64>, clock: &Clock) -> NewAssignment {
    NewAssignment {
        principal,
        role: "deployer".parse().unwrap(),
        scope: "/billing".parse().unwrap(),
        from: None,
        until: until.map(|micros| clock.now().plus_micros(micros)),
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }
}

pub fn issue(server: &Server, organization: OrganizationId, kind: CredentialKind) -> String {
    let wanted = NewToken { organization, kind, connection: None, valid_micros: 100 * 24 * HOUR };
    server.administration().issue_token(&wanted).unwrap().to_string()
}

impl<'s> Stage<'s> {
    pub fn set(server: &'s Server, slug: &str, until: Option<i64>) -> Self {
        let made = server.organization(slug);
        let (organization, client, administration) = (made.id, made.client, server.administration());
        let ada = client.post("/Users", &user("ada")).expect(201).id();
        let crew = client.create_group("crew", &[&ada]);
        let outer = client.create_group("outer", &[&crew]);
        let scope = NewScope { path: PLACE.parse().unwrap(), production: true, description: None };
        administration.create_scope(organization, &scope).unwrap();
        let wanted = assignment(WantedPrincipal::Group("outer".to_owned()), until, &server.clock);
        let mapped = administration.assign(organization, &wanted).unwrap().id;
        let expires_at = server.clock.now().plus_micros(1_000 * HOUR);
        let wanted =
            NewService { name: "pipeline".parse().unwrap(), owner: "ada".to_owned(), successor: None, expires_at };
        let service = administration.create_service(organization, &wanted).unwrap().id.to_string();
        let wanted = assignment(WantedPrincipal::Service("pipeline".to_owned()), None, &server.clock);
        administration.assign(organization, &wanted).unwrap();
        let pep_token = issue(server, organization, CredentialKind::Pep);
        let pep = Client { base: server.url.clone(), token: pep_token.clone() };
        let admin = administrator(server, organization, CredentialKind::Admin);
        Self { server, organization, client, admin, pep, pep_token, ada, crew, outer, service, mapped }
    }

    /// Assigns something to Ada herself.
    pub fn assign_to_ada(&self) -> AssignmentId {
        let direct = assignment(WantedPrincipal::User("ada".to_owned()), None, &self.server.clock);
        self.server.administration().assign(self.organization, &direct).unwrap().id
    }

    /// The enforcement point of another server of the same database.
    pub fn beside(&self, other: &Server) -> Client {
        Client { base: other.url.clone(), token: self.pep_token.clone() }
    }
}

pub fn ask(pep: &Client, path: &str, body: &Value) -> Answer {
    pep.send("POST", path, &[("Content-Type", "application/json")], Some(&body.to_string()))
}

pub fn question(subject: &str, id: &str) -> Value {
    json!({ "subject": { "type": subject, "id": id }, "action": { "name": "deploy:run" },
        "resource": { "type": "environment", "id": PLACE } })
}

/// What each path by which decisions are asked for says of somebody: allowed or not, one name a path.
pub fn allows(pep: &Client, subject: &str, id: &str) -> Vec<(&'static str, bool)> {
    let whole = question(subject, id);
    let mut batch = whole.clone();
    batch["evaluations"] = json!([{}]);
    let found = |what: &str| {
        let results = ask(pep, &format!("/access/v1/search/{what}"), &whole).expect(200).json()["results"].clone();
        results.as_array().unwrap().clone()
    };
    vec![
        ("evaluation", ask(pep, "/access/v1/evaluation", &whole).expect(200).json()["decision"].as_bool().unwrap()),
        (
            "evaluations",
            ask(pep, "/access/v1/evaluations", &batch).expect(200).json()["evaluations"][0]["decision"]
                .as_bool()
                .unwrap(),
        ),
        ("search/subject", found("subject").iter().any(|one| one["id"] == id)),
        ("search/resource", found("resource").iter().any(|one| one["id"] == PLACE)),
        ("search/action", found("action").iter().any(|one| one["name"] == "deploy:run")),
    ]
}

pub fn assert_all(pep: &Client, (subject, id): (&str, &str), expected: bool, why: &str) {
    for (path, allowed) in allows(pep, subject, id) {
        assert_eq!(allowed, expected, "{subject} over {path}: {why}");
    }
}

/// Patience for what need not be waited for: access that is given arrives with the next look at the feed.
pub fn wait_until_allowed(pep: &Client, subject: &str, id: &str) {
    while ask(pep, "/access/v1/evaluation", &question(subject, id)).expect(200).json()["decision"] != true {
        std::thread::yield_now();
    }
}

pub fn active(active: bool) -> Value {
    json!([{ "op": "replace", "path": "active", "value": active }])
}

fn patch_of(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn bulk(stage: &Stage<'_>, method: &str, data: &Value) {
    let mut operation = json!({ "method": method, "path": format!("/Users/{}", stage.ada) });
    if !data.is_null() {
        operation["data"] = data.clone();
    }
    let answer = stage.client.bulk(&json!([operation])).expect(200).json();
    assert!(["200", "204"].contains(&answer["Operations"][0]["status"].as_str().unwrap()), "{answer}");
}

/// A way to lose access, and whether the person itself is gone with it (and with the person the service).
pub type Way = (&'static str, bool, fn(&Stage<'_>));

pub const WAYS: &[Way] = &[
    ("PATCH active", true, |s| {
        s.client.patch(&format!("/Users/{}", s.ada), &active(false)).expect(200);
    }),
    ("PATCH without a path, as Okta", true, |s| {
        let operations = json!([{ "op": "replace", "value": { "active": false } }]);
        s.client.patch(&format!("/Users/{}", s.ada), &operations).expect(200);
    }),
    ("PATCH with a text, as Entra", true, |s| {
        let operations = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        s.client.patch(&format!("/Users/{}", s.ada), &operations).expect(200);
    }),
    ("PUT active", true, |s| {
        let mut body = user("ada");
        body["active"] = json!(false);
        s.client.put(&format!("/Users/{}", s.ada), &body).expect(200);
    }),
    ("DELETE", true, |s| {
        s.client.delete(&format!("/Users/{}", s.ada)).expect(204);
    }),
    ("Bulk PATCH", true, |s| bulk(s, "PATCH", &patch_of(&active(false)))),
    ("Bulk PUT", true, |s| {
        let mut body = user("ada");
        body["active"] = json!(false);
        bulk(s, "PUT", &body);
    }),
    ("Bulk DELETE", true, |s| bulk(s, "DELETE", &Value::Null)),
    ("suspension", true, |s| {
        s.admin.put(&format!("/users/{}/suspension", s.ada), &json!({})).expect(200);
    }),
    ("PATCH of the group", false, |s| {
        let operations = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", s.ada) }]);
        s.client.patch(&format!("/Groups/{}", s.crew), &operations).expect(200);
    }),
    ("PUT of the group", false, |s| {
        s.client.put(&format!("/Groups/{}", s.crew), &group("crew", &[])).expect(200);
    }),
    ("DELETE of the group", false, |s| {
        s.client.delete(&format!("/Groups/{}", s.crew)).expect(204);
    }),
    ("the group out of the group around it", false, |s| {
        let operations = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", s.crew) }]);
        s.client.patch(&format!("/Groups/{}", s.outer), &operations).expect(200);
    }),
    ("DELETE of the group around it", false, |s| {
        s.client.delete(&format!("/Groups/{}", s.outer)).expect(204);
    }),
    ("removal of the mapping", false, |s| {
        s.server.administration().end_assignment(s.organization, s.mapped, None).unwrap();
    }),
    ("a shorter mapping", false, |s| {
        let now = s.server.clock.now();
        s.server.administration().end_assignment(s.organization, s.mapped, Some(now.plus_micros(HOUR))).unwrap();
        s.server.clock.advance(HOUR);
    }),
];

/// Walks through every way; `other` is asked too, with everything in its memory before.
fn walk(server: &Server, other: Option<&Server>) {
    for (number, (way, gone, lose)) in WAYS.iter().enumerate() {
        let stage = Stage::set(server, &format!("org{number}"), None);
        let mut peps = vec![stage.pep.clone()];
        peps.extend(other.map(|other| stage.beside(other)));
        for pep in &peps {
            wait_until_allowed(pep, "user", &stage.ada);
            wait_until_allowed(pep, "service", &stage.service);
            assert_all(pep, ("user", &stage.ada), true, way);
            assert_all(pep, ("service", &stage.service), true, way);
        }
        lose(&stage);
        for pep in peps.iter().rev() {
            assert_all(pep, ("user", &stage.ada), false, way);
            let by_name = ask(pep, "/access/v1/evaluation", &question("user", "ada")).expect(200).json();
            assert_eq!(by_name["decision"], false, "{way}: by name");
            assert_all(pep, ("service", &stage.service), !gone, way);
        }
    }
}

/// The certificate over HTTP, as it stands.
pub fn certificate(stage: &Stage<'_>) -> Value {
    let text = stage.admin.get(&format!("/users/{}/leaver-certificate", stage.ada)).expect(200).text;
    let key = muster::evidence::bundle::verify(&text, None).unwrap().key;
    let organization = stage.server.administration().organization(stage.organization).unwrap();
    let pinned = stage.server.administration().verifier_key(&organization, "127.0.0.1").unwrap();
    assert_eq!(key, pinned);
    let verified = muster::evidence::bundle::verify(&text, Some(&pinned)).unwrap();
    assert_eq!(verified.unconfirmed, Vec::<String>::new());
    serde_json::from_str::<Value>(&text).unwrap()["statement"]["content"].clone()
}

on_both_databases! {
    fn whoever_loses_access_is_refused_from_the_next_request_on_however_it_was_lost(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&server, None);
    }

    fn an_assignment_that_is_over_admits_nobody(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let stage = Stage::set(&server, "acme", Some(HOUR));
        assert_all(&stage.pep, ("user", &stage.ada), true, "before its end");
        server.clock.advance(HOUR);
        assert_all(&stage.pep, ("user", &stage.ada), false, "at its end");
    }

    fn a_revoked_credential_asks_nothing_and_a_paused_connection_takes_nothing(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        server.administration().pause_connection(stage.organization, &"first".parse().unwrap(), true).unwrap();
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(false)).expect(403);
        assert_all(&stage.pep, ("user", &stage.ada), true, "a pause is no departure");
        let known = server.administration().tokens(stage.organization).unwrap();
        let pep = known.into_iter().find(|stored| stored.credential.kind == CredentialKind::Pep).unwrap();
        server.administration().revoke_token(stage.organization, pep.credential.id).unwrap();
        for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
            ask(&stage.pep, &format!("/access/v1/{path}"), &question("user", &stage.ada)).expect(401);
        }
    }

    fn a_command_beside_a_server_cuts_off_on_that_server_too(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        assert_all(&stage.pep, ("user", &stage.ada), true, "before");
        let settings = LiveSettings { serves: false, root_key: None };
        let (live, threads) = Live::start(server.database.clone(), server.clock.clone(), settings).unwrap();
        let administration = Administration::new(live.clone(), server.clock.clone(), Actor::CommandLine);
        administration.end_assignment(stage.organization, stage.mapped, None).unwrap();
        assert_all(&stage.pep, ("user", &stage.ada), false, "not mapped any more");
        drop((administration, live));
        threads.join();
    }

    fn whoever_comes_back_has_what_was_not_taken_away_meanwhile(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        let direct = stage.assign_to_ada();
        stage.client.patch(&path, &active(false)).expect(200);
        assert!(stage.client.members(&stage.crew).contains(&stage.ada), "memberships are kept for who may come back");
        server.administration().end_assignment(stage.organization, stage.mapped, None).unwrap();
        stage.client.patch(&path, &active(true)).expect(200);
        assert_all(&stage.pep, ("user", &stage.ada), true, "by the assignment to Ada herself");
        assert_all(&stage.pep, ("service", &stage.service), true, "the service goes on");
        stage.client.patch(&path, &active(false)).expect(200);
        server.administration().end_assignment(stage.organization, direct, None).unwrap();
        stage.client.patch(&path, &active(true)).expect(200);
        assert_all(&stage.pep, ("user", &stage.ada), false, "both were taken away meanwhile");
        let of_service: Vec<String> =
            events::of(&server, stage.organization, &stage.service).into_iter().map(|event| event.action).collect();
        assert_eq!(of_service, ["service.created", "service.suspended", "service.resumed", "service.suspended", "service.resumed"]);
    }

    fn what_a_deleted_person_answered_for_stops_for_good(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let direct = stage.assign_to_ada();
        stage.client.delete(&format!("/Users/{}", stage.ada)).expect(204);
        let last = |id: &str| events::of(&server, stage.organization, id).pop().unwrap();
        assert_eq!(last(&stage.service).action, "service.stopped");
        assert_eq!(last(&direct.to_string()).action, "assignment.removed");
        assert_eq!(last(&stage.service).revision, last(&stage.ada).revision, "one transaction");
        let services = server.administration().services(stage.organization).unwrap();
        assert!(services.iter().all(|service| service.stopped_at.is_some()));
        let left = server.administration().assignments(stage.organization).unwrap();
        assert!(left.iter().all(|shown| shown.assignment.id != direct));
        stage.client.post("/Users", &user("ada")).expect(201);
        assert_all(&stage.pep, ("service", &stage.service), false, "a newcomer of the name revives nothing");
    }

    fn a_certificate_says_what_arrived_and_that_nothing_is_left(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        let proof = format!("/users/{}/leaver-certificate", stage.ada);
        problem(&stage.admin.get(&proof), 409, "has not left");
        problem(&stage.admin.get(&format!("/users/{}/leaver-certificate", stage.crew)), 404, "no user");
        let direct = stage.assign_to_ada();
        let body = patch_of(&active(false)).to_string();
        let answer = stage.client.send("PATCH", &path, &[], Some(&body)).expect(200);
        let first = certificate(&stage);
        let request: RequestId = answer.header("X-Request-ID").parse().unwrap();
        let digest = muster::evidence::digest::of_body(body.as_bytes()).unwrap();
        assert_eq!(first["arrival"]["request"], request.to_string());
        assert_eq!(first["arrival"]["digest"], muster::evidence::digest::text(&digest));
        assert_eq!((&first["arrival"]["action"], &first["arrival"]["actor"]), (&json!("user.deactivated"), &json!("connection first")));
        let killed = |certificate: &Value| -> Vec<(String, String)> {
            let rows = certificate["killed"].as_array().unwrap();
            rows.iter().map(|row| (row["kind"].as_str().unwrap().to_owned(), row["id"].as_str().unwrap().to_owned())).collect()
        };
        let expected = vec![("assignment".to_owned(), direct.to_string()), ("service".to_owned(), stage.service.clone())];
        assert_eq!(killed(&first), expected);
        assert_eq!(first["search"]["allowed"], json!([]));
        assert!(first["search"]["asked"].as_u64().unwrap() >= 3 * 7 * 2, "{first}");
        let moment = |value: &Value| -> Moment { value.as_str().unwrap().parse().unwrap() };
        let denials = first["denials"].as_array().unwrap();
        assert_eq!((denials.len(), &denials[0]["how"]), (1, &json!("applied")), "{first}");
        let (arrived, denied) = (moment(&first["arrival"]["at"]), moment(&denials[0]["at"]));
        assert!(arrived <= denied && denied < arrived.plus_micros(5_000_000), "{first}");
        let relied_on = moment(&first["answers_valid_until"]);
        assert!(relied_on >= denied.plus_micros(60_000_000) && relied_on < arrived.plus_micros(65_000_000), "{first}");
        assert_eq!(first["told"], json!([]), "there are no receivers");
        // Who is deleted after that left when access was cut off.
        stage.client.delete(&path).expect(204);
        let second = certificate(&stage);
        assert_eq!(second["arrival"], first["arrival"]);
        assert_eq!(killed(&second), expected);
    }

    fn a_certificate_is_for_who_is_gone_now_and_for_nobody_else(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        let proof = |id: &str| format!("/users/{id}/leaver-certificate");
        stage.client.patch(&path, &active(false)).expect(200);
        certificate(&stage);
        stage.client.patch(&path, &active(true)).expect(200);
        problem(&stage.admin.get(&proof(&stage.ada)), 409, "has not left");
        stage.admin.put(&format!("/users/{}/suspension", stage.ada), &json!({})).expect(200);
        let suspended = certificate(&stage);
        assert_eq!(suspended["arrival"]["action"], "user.suspended");
        assert!(suspended["arrival"]["actor"].as_str().unwrap().starts_with("credential "));
        stage.admin.delete(&format!("/users/{}/suspension", stage.ada)).expect(200);
        let account = muster::ids::account(server.clock.now());
        let boss = Caller::local(stage.organization, Actor::Account(account), muster::ids::request(server.clock.now()));
        let (services, ada) = (super::console::services(&server), stage.ada.parse().unwrap());
        muster::service::people::suspend(&services, &boss, ada, None, &Precondition::None).unwrap();
        assert_eq!(certificate(&stage)["arrival"]["actor"], format!("account {account}"), "which of them");
        let mut never = user("never");
        never["active"] = json!(false);
        let never = stage.client.post("/Users", &never).expect(201).id();
        problem(&stage.admin.get(&proof(&never)), 409, "has not left");
        let other = server.organization("other");
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        problem(&stranger.get(&proof(&stage.ada)), 404, "no user");
        let auditor = administrator(&server, stage.organization, CredentialKind::Auditor);
        auditor.get(&proof(&stage.ada)).expect(200);
    }
}

/// Walks on one of two servers of a database, which live by one clock, beside the other.
pub fn walk_beside(walk: impl FnOnce(&Server, Option<&Server>)) {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let [first, second] = [clock.clone(), clock].map(|clock| Server::start_at(&database, 0, clock));
    walk(&first, Some(&second));
}

#[test]
fn whoever_loses_access_on_one_server_is_refused_by_the_other_from_the_next_request_on() {
    walk_beside(walk);
}

#[test]
fn a_certificate_names_every_server_that_could_have_allowed_something() {
    let database = Database::fresh(Backend::Postgres);
    let (first, second) = (Server::start(&database), Server::start(&database));
    let stage = Stage::set(&first, "acme", None);
    for pep in [stage.pep.clone(), stage.beside(&second)] {
        wait_until_allowed(&pep, "user", &stage.ada);
    }
    stage.client.delete(&format!("/Users/{}", stage.ada)).expect(204);
    let content = certificate(&stage);
    let hows: Vec<&str> =
        content["denials"].as_array().unwrap().iter().map(|denial| denial["how"].as_str().unwrap()).collect();
    assert_eq!(hows, ["applied", "acknowledged"], "{content}");
    assert_ne!(content["denials"][0]["server"], content["denials"][1]["server"]);
}

/// The commands of the README from one heading to another, but for what stands for what `serve` prints.
fn commands_of_the_readme(from: &str, to: &str) -> String {
    let readme = include_str!("../../README.md");
    let part = readme.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let blocks = part.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let lines = blocks.flat_map(str::lines).filter(|line| !line.starts_with("BASE=") && !line.starts_with("TOKEN="));
    lines.collect::<Vec<_>>().join("\n")
}

on_both_databases! {
    fn the_readme_cuts_somebody_off_and_proves_it(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (base, token) = server.first_lines();
        let script = commands_of_the_readme("## Provision a user and a group", "## PostgreSQL");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-eu", "-c", &script]).current_dir(program.folder()).stdin(std::process::Stdio::null());
        let directory = std::path::Path::new(env!("CARGO_BIN_EXE_muster")).parent().unwrap();
        let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
        shell.env("PATH", path).env("BASE", base).env("TOKEN", token).env("MUSTER_DATABASE_URL", database.url());
        let output = shell.output().unwrap();
        let (told, complained) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{told}\n{complained}");
        // Each is told after the one before it.
        let mut rest = told.as_str();
        for expected in [
            "\"decision\":true",
            "\"active\":false",
            "\"decision\":false",
            "not confirmed: receiver `ci` has not acknowledged",
            "exit code 3",
            "authentic",
            "it holds",
            "refused",
        ] {
            rest = rest.split_once(expected).unwrap_or_else(|| panic!("no {expected}: {told}\n{complained}")).1;
        }
        assert!(complained.contains("forged.json` does not hold: the signature does not fit"), "{complained}");
    }

    fn a_leaver_is_named_on_the_command_line_by_id_or_by_a_name_nobody_else_bore(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let create = || {
            let made = server.post("/scim/v2/Users", &token, &user("ada").to_string());
            serde_json::from_str::<Value>(&made.body).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let first = create();
        let stays = program.run(&["leaver", "ada"]);
        assert!(stays.code == Some(1) && stays.stderr.contains("has not left"), "{stays:?}");
        let gone = |id: &str| {
            let client = Client { base: server.base().to_owned(), token: token.clone() };
            client.delete(&format!("/scim/v2/Users/{id}")).expect(204);
        };
        gone(&first);
        let certificate = program.done(&["leaver", "ADA"]);
        std::fs::write(program.folder().join("ada.json"), &certificate).unwrap();
        assert!(certificate.contains(&first) && certificate.contains("user.deleted"), "{certificate}");
        assert!(program.done(&["verify", "ada.json"]).contains("not pinned"));
        let second = create();
        let several = program.run(&["leaver", "ada"]);
        assert_eq!(several.code, Some(2));
        assert!(several.stderr.contains(&first) && several.stderr.contains(&second), "{several:?}");
        assert!(program.done(&["leaver", &first]).contains(&first));
        let page = program.done(&["leaver", "--html", &first]);
        assert!(page.contains("<h1>Leaver certificate</h1>") && page.contains("ada") && page.contains(&first), "{page}");
        assert_eq!(program.run(&["leaver", "nobody"]).code, Some(1));
    }
}
