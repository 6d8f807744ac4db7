//! The still-gone watch: whoever is back, or left something, is found, once, until it is known or not so any more.

use muster::clock::Clock;
use muster::model::CredentialKind;
use muster::service::leavers::watch;
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::events;
use super::leavers::{HOUR, Stage, active};
use crate::support::{Client, Program, Server, user};

fn look(admin: &Client) -> Value {
    admin.post("/findings/look", &json!({ "leavers": "all" })).expect(200).json()
}

/// What stands: of whom, what, at whom.
fn standing(admin: &Client) -> Vec<(String, String, String)> {
    let items = admin.get("/findings").expect(200).json()["items"].as_array().unwrap().clone();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    items.iter().map(|item| (text(item, "leaver"), text(item, "kind"), text(item, "other"))).collect()
}

fn with_address(name: &str, external_id: Option<&str>, address: &str) -> Value {
    let mut body = user(name);
    body["emails"] = json!([{ "value": address, "primary": true }]);
    if let Some(external_id) = external_id {
        body["externalId"] = json!(external_id);
    }
    body
}

on_both_databases! {
    fn whoever_is_back_is_found_once_until_gone_again(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        assert_eq!(look(&stage.admin), json!({ "leavers": 0, "standing": 0, "found": 0, "ended": 0 }));
        stage.client.patch(&path, &active(false)).expect(200);
        assert_eq!(look(&stage.admin), json!({ "leavers": 1, "standing": 0, "found": 0, "ended": 0 }));
        stage.client.patch(&path, &active(true)).expect(200);
        assert_eq!(look(&stage.admin), json!({ "leavers": 1, "standing": 1, "found": 1, "ended": 0 }));
        assert_eq!(look(&stage.admin), json!({ "leavers": 1, "standing": 1, "found": 0, "ended": 0 }));
        assert_eq!(standing(&stage.admin), [(stage.ada.clone(), "reactivated".to_owned(), stage.ada.clone())]);
        let told: Vec<String> = events::of(&server, stage.organization, &stage.ada).into_iter().map(|event| event.action).collect();
        assert_eq!(told.iter().filter(|action| *action == "leaver.found").count(), 1, "{told:?}");
        stage.client.patch(&path, &active(false)).expect(200);
        assert_eq!(look(&stage.admin), json!({ "leavers": 1, "standing": 0, "found": 0, "ended": 1 }));
        assert_eq!(standing(&stage.admin), []);
        assert!(watch::counts(&server.live).unwrap().values().all(|count| *count == 0));
    }

    fn whoever_bears_what_a_leaver_bore_is_found(database: &Database) {
        let server = Server::start(database);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let create = |body: &Value| made.client.post("/Users", body).expect(201).id();
        let gone = |id: &str| made.client.delete(&format!("/Users/{id}")).expect(204);
        let ada = create(&with_address("ada", Some("e1"), "ada@example.com"));
        gone(&ada);
        let grace = create(&with_address("grace", Some("e2"), "grace@example.com"));
        gone(&grace);
        let joan = create(&with_address("joan", Some("e3"), "joan@example.com"));
        gone(&joan);
        let nobody = create(&with_address("nobody", Some("e4"), "nobody@example.com"));
        gone(&nobody);
        let hal = create(&with_address("hal", Some("e6"), "hal@example.com"));
        made.client.patch(&format!("/Users/{hal}"), &active(false)).expect(200);
        assert_eq!(look(&admin)["standing"], 0);
        // Whoever is only deactivated was not added again: somebody else bears the identifier.
        let beside = create(&with_address("beside", Some("e6"), "hal@example.com"));
        // The same person under a new id; another under a known name; a local account with the address.
        let again = create(&with_address("ADA", Some("e1"), "other@example.com"));
        let recycled = create(&with_address("grace", Some("e9"), "else@example.com"));
        let local = with_address("somebody", None, "Joan@Example.com");
        let local = admin.post("/users", &local).expect(201).id();
        // Whom a connection vouches for under an address that somebody had before is nobody come back.
        create(&with_address("successor", Some("e5"), "nobody@example.com"));
        assert_eq!(look(&admin)["found"], 4);
        let text = |text: &str| text.to_owned();
        let mut expected = vec![
            (ada, text("re-added"), again), (grace, text("identifier-recycled"), recycled), (joan, text("same-address"), local),
            (hal, text("identifier-recycled"), beside),
        ];
        expected.sort();
        let mut found = standing(&admin);
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(watch::counts(&server.live).unwrap()["re-added"], 1);
        let other = server.organization("other");
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        assert_eq!(standing(&stranger), []);
    }

    fn what_is_known_is_told_no_more(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        stage.client.patch(&path, &active(false)).expect(200);
        stage.client.patch(&path, &active(true)).expect(200);
        look(&stage.admin);
        let id = stage.admin.get("/findings").expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
        let auditor = administrator(&server, stage.organization, CredentialKind::Auditor);
        auditor.post(&format!("/findings/{id}/acknowledge"), &json!({})).expect(403);
        let known = stage.admin.post(&format!("/findings/{id}/acknowledge"), &json!({})).expect(200).json();
        assert!(known["acknowledged_at"].is_string(), "{known}");
        assert_eq!(watch::counts(&server.live).unwrap()["reactivated"], 0);
        assert_eq!(look(&stage.admin)["found"], 0);
        let other = server.organization("other");
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        problem(&stranger.post(&format!("/findings/{id}/acknowledge"), &json!({})), 404, "no such finding");
    }

    fn every_organization_is_looked_at_once_a_day(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        let daily = || watch::look_daily(&server.live, &server.clock, || true).unwrap();
        daily();
        stage.client.patch(&path, &active(false)).expect(200);
        stage.client.patch(&path, &active(true)).expect(200);
        server.clock.advance(20 * HOUR);
        daily();
        let counted = || watch::counts(&server.live).unwrap()["reactivated"];
        assert_eq!(counted(), 0, "not due yet");
        server.clock.advance(5 * HOUR);
        daily();
        assert_eq!(counted(), 1);
    }

    fn leavers_are_watched_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        let ada = client.create_user("ada");
        let path = format!("/Users/{ada}");
        client.patch(&path, &active(false)).expect(200);
        assert_eq!(program.run(&["watch"]).code, Some(0));
        client.patch(&path, &active(true)).expect(200);
        let found = program.run(&["watch"]);
        assert_eq!(found.code, Some(3), "{found:?}");
        assert!(found.stdout.contains("reactivated") && found.stdout.contains(&ada), "{found:?}");
        let id = found.stdout.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert!(program.done(&["watch", "--acknowledge", &id]).contains("known"));
    }
}
