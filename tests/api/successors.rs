//! Services of people who leave: each goes with its owner at once, or is its successor's from the same revision on; and what
//! became of it is certified.

use muster::clock::Clock;
use muster::model::CredentialKind;
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::events;
use super::leavers::{Stage, WAYS, active, assert_all, certificate, wait_until_allowed};
use crate::support::{Answer, Backend, Client, Database, Program, Server, user};

/// Names who comes after Ada for the service.
fn name_successor(stage: &Stage<'_>, successor: &str) -> Value {
    let path = format!("/services/{}", stage.service);
    change(&stage.admin, &path, &json!({ "successor": successor })).expect(200).json()
}

fn change(client: &Client, path: &str, body: &Value) -> Answer {
    client.send("PATCH", path, &[], Some(&body.to_string()))
}

fn shown(stage: &Stage<'_>) -> Value {
    stage.admin.get(&format!("/services/{}", stage.service)).expect(200).json()
}

fn killed(stage: &Stage<'_>) -> Vec<(String, String)> {
    let certificate = certificate(stage);
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let all = certificate["killed"].as_array().unwrap().iter().map(|one| (text(one, "kind"), text(one, "id")));
    all.filter(|(kind, _)| kind.starts_with("service")).collect()
}

fn walk(server: &Server, other: Option<&Server>) {
    for (number, (way, gone, lose)) in WAYS.iter().enumerate() {
        let stage = Stage::set(server, &format!("org{number}"), None);
        let grace = stage.client.create_user("grace");
        assert_eq!(name_successor(&stage, "grace")["successor"], grace.as_str());
        let mut peps = vec![stage.pep.clone()];
        peps.extend(other.map(|other| stage.beside(other)));
        for pep in &peps {
            wait_until_allowed(pep, "service", &stage.service);
        }
        lose(&stage);
        for pep in peps.iter().rev() {
            wait_until_allowed(pep, "service", &stage.service);
            assert_all(pep, ("service", &stage.service), true, way);
            assert_all(pep, ("user", &stage.ada), false, way);
        }
        if *gone {
            let now = shown(&stage);
            assert_eq!(
                (&now["owner"], &now["successor"], &now["stopped_at"]),
                (&json!(grace), &Value::Null, &Value::Null),
                "{way}"
            );
            assert_eq!(killed(&stage), [("service-handed-over".to_owned(), stage.service.clone())], "{way}");
            // It goes with its new owner from then on.
            stage.client.patch(&format!("/Users/{grace}"), &active(false)).expect(200);
            for pep in peps.iter().rev() {
                assert_all(pep, ("service", &stage.service), false, way);
            }
        } else {
            assert_eq!(shown(&stage)["owner"], stage.ada.as_str(), "{way}");
        }
    }
}

on_both_databases! {
    fn a_service_is_its_successors_from_the_moment_its_owner_loses_access(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&server, None);
    }

    fn what_was_handed_over_stays_so_when_the_owner_comes_back(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let grace = stage.client.create_user("grace");
        name_successor(&stage, &grace);
        let path = format!("/Users/{}", stage.ada);
        stage.client.patch(&path, &active(false)).expect(200);
        let line = events::of(&server, stage.organization, &stage.service).pop().unwrap();
        let left = events::of(&server, stage.organization, &stage.ada).pop().unwrap();
        assert_eq!((line.action.as_str(), line.revision), ("service.handed-over", left.revision), "one transaction");
        let details: Value = serde_json::from_str(&line.details).unwrap();
        assert_eq!((&details["before"], &details["owner"]), (&json!(stage.ada), &json!(grace)));
        stage.client.patch(&path, &active(true)).expect(200);
        assert_eq!(shown(&stage)["owner"], grace.as_str());
        // Whoever leaves once more leaves nothing of it.
        stage.client.delete(&path).expect(204);
        assert_eq!(killed(&stage), []);
        assert_all(&stage.pep, ("service", &stage.service), true, "it is not hers");
    }

    fn without_a_successor_who_is_active_a_service_goes_with_its_owner(database: &Database) {
        let server = Server::start(database);
        for (number, cut) in ["PATCH", "DELETE"].into_iter().enumerate() {
            let stage = Stage::set(&server, &format!("org{number}"), None);
            let grace = stage.client.create_user("grace");
            name_successor(&stage, &grace);
            stage.client.patch(&format!("/Users/{grace}"), &active(false)).expect(200);
            let path = format!("/Users/{}", stage.ada);
            if cut == "PATCH" {
                stage.client.patch(&path, &active(false)).expect(200);
            } else {
                stage.client.delete(&path).expect(204);
            }
            assert_all(&stage.pep, ("service", &stage.service), false, cut);
            stage.client.patch(&format!("/Users/{grace}"), &active(true)).expect(200);
            assert_all(&stage.pep, ("service", &stage.service), false, "nobody takes over later");
            assert_eq!(killed(&stage), [("service".to_owned(), stage.service.clone())]);
            assert_eq!(shown(&stage)["stopped_at"].is_string(), cut == "DELETE");
        }
    }

    fn a_service_is_handed_over_before_its_owner_leaves_or_after(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let (grace, path) = (stage.client.create_user("grace"), format!("/services/{}", stage.service));
        let change = |body: &Value| change(&stage.admin, &path, body);
        problem(&change(&json!({ "successor": "nobody" })), 404, "nobody");
        problem(&change(&json!({ "successor": "ada" })), 400, "name somebody else");
        let mut idle = user("idle");
        idle["active"] = json!(false);
        stage.client.post("/Users", &idle).expect(201);
        problem(&change(&json!({ "successor": "idle" })), 400, "the successor of a service must be");
        assert_eq!(shown(&stage)["successor"], Value::Null, "nothing was changed");
        change(&json!({ "successor": "grace" })).expect(200);
        assert_eq!(change(&json!({ "successor": "" })).expect(200).json()["successor"], Value::Null);
        change(&json!({ "successor": "grace" })).expect(200);
        // The successor becomes the owner, and nobody comes after.
        let now = change(&json!({ "owner": "grace" })).expect(200).json();
        assert_eq!((&now["owner"], &now["successor"]), (&json!(grace), &Value::Null));
        stage.client.patch(&format!("/Users/{}", stage.ada), &active(false)).expect(200);
        assert_all(&stage.pep, ("service", &stage.service), true, "handed over before");
        assert_eq!(killed(&stage), []);
        stage.client.patch(&format!("/Users/{grace}"), &active(false)).expect(200);
        assert_all(&stage.pep, ("service", &stage.service), false, "gone with its owner");
        let kim = stage.client.create_user("kim");
        let of_grace = || -> Value {
            let text = stage.admin.get(&format!("/users/{grace}/leaver-certificate")).expect(200).text;
            serde_json::from_str::<Value>(&text).unwrap()["statement"]["content"]["killed"].clone()
        };
        let before = of_grace();
        assert_eq!((&before[0]["kind"], &before[0]["id"]), (&json!("service"), &json!(stage.service)));
        assert_eq!(change(&json!({ "owner": "kim" })).expect(200).json()["owner"], kim.as_str());
        wait_until_allowed(&stage.pep, "service", &stage.service);
        assert_eq!(of_grace(), before, "what was cut off was cut off, whatever became of it since");
        let auditor = administrator(&server, stage.organization, CredentialKind::Auditor);
        super::successors::change(&auditor, &path, &json!({ "successor": "ada" })).expect(403);
        let expires_at = server.clock.now().plus_micros(super::leavers::HOUR).to_string();
        let wanted = json!({ "name": "bot", "owner": "kim", "successor": "kim", "expires_at": expires_at });
        problem(&stage.admin.post("/services", &wanted), 400, "name somebody else");
    }

    fn a_successor_is_named_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        let (ada, grace) = (client.create_user("ada"), client.create_user("grace"));
        program.done(&["service", "create", "nightly", "--owner", "ada", "--successor", "grace"]);
        let line = || program.done(&["service", "list"]).lines().nth(1).unwrap().to_owned();
        assert!(line().contains(&ada) && line().trim_end().ends_with(&grace), "{}", line());
        program.done(&["service", "hand-over", "nightly", "--no-successor"]);
        assert!(!line().contains(&grace));
        program.done(&["service", "hand-over", "nightly", "--successor", "grace"]);
        assert_eq!(program.run(&["service", "hand-over", "nightly"]).code, Some(2));
        assert_eq!(program.run(&["service", "hand-over", "nightly", "--successor", "ada"]).code, Some(2));
        client.delete(&format!("/Users/{ada}")).expect(204);
        assert!(line().contains(&grace) && !line().contains(&ada), "{}", line());
        assert!(program.done(&["leaver", "ada"]).contains("service-handed-over"));
        program.done(&["service", "hand-over", "nightly", "--owner", "grace", "--until", "2d"]);
        program.done(&["service", "stop", "nightly"]);
    }
}

#[test]
fn a_service_is_its_successors_on_every_server() {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let first = Server::start_at(&database, 0, clock.clone());
    let second = Server::start_at(&database, 0, clock);
    walk(&first, Some(&second));
}
