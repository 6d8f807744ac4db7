//! The mass-change brake: whoever leaves is denied as always, and held where too many leave at once.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::model::{ConnectionId, CredentialKind, Precondition};
use muster::service::leavers::{brake, purges};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::events;
use super::leavers::{HOUR, Stage, active, assert_all};
use crate::support::rows::number;
use crate::support::{Client, Program, Server, user};

const MINUTE: i64 = HOUR / 60;

/// So many arrive over a connection beside Ada.
const CREW: usize = 60;

pub fn arrive(client: &Client) -> Vec<String> {
    let create =
        |i| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{i}"), "data": user(&format!("crew{i}")) });
    let answer = client.bulk(&Value::Array((0..CREW).map(create).collect())).expect(200).json();
    let made = answer["Operations"].as_array().unwrap().iter();
    made.map(|one| one["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// Half of them are deactivated, the others deleted, all in one request; answered as ever.
pub fn leave(client: &Client, ids: &[String]) {
    let gone = |(i, id): (usize, &String)| {
        let path = format!("/Users/{id}");
        if i % 2 == 0 {
            let data =
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": active(false) });
            json!({ "method": "PATCH", "path": path, "data": data })
        } else {
            json!({ "method": "DELETE", "path": path })
        }
    };
    let operations = Value::Array(ids.iter().enumerate().map(gone).collect());
    let answer = client.bulk(&operations).expect(200).json();
    for one in answer["Operations"].as_array().unwrap() {
        assert!(["200", "204"].contains(&one["status"].as_str().unwrap()), "{one}");
    }
}

fn connection(admin: &Client) -> ConnectionId {
    admin.get("/connections").expect(200).json()["items"][0]["id"].as_str().unwrap().parse().unwrap()
}

pub fn set(admin: &Client) -> String {
    let path = format!("/connections/{}/brake", connection(admin));
    admin.put(&path, &json!({ "share": 20, "least": 50, "minutes": 10 })).expect(200);
    path
}

pub fn look(server: &Server) {
    brake::look(&server.live, &server.clock).unwrap();
    purges::let_go(&server.live, &server.clock, || true).unwrap();
}

/// A receiver that fetches what it is told of people.
struct Told {
    client: Client,
    path: String,
    payloads: RefCell<Vec<String>>,
}

impl Told {
    fn about(server: &Server, stage: &Stage<'_>) -> Self {
        let token = administrator(server, stage.organization, CredentialKind::Receiver).token;
        let client = Client { base: server.url.clone(), token };
        let risc = |event: &str| format!("https://schemas.openid.net/secevent/risc/event-type/{event}");
        let events: Vec<String> = ["account-disabled", "account-purged", "account-enabled"].map(risc).to_vec();
        let wanted = json!({ "events_requested": events,
            "delivery": { "method": "urn:ietf:rfc:8936" } });
        let made = client.post("/ssf/stream", &wanted).expect(201).json();
        let path = format!("/ssf/poll/{}", made["stream_id"].as_str().unwrap());
        Self { client, path, payloads: RefCell::default() }
    }

    /// How often it was told this by now.
    fn of(&self, event: &str) -> usize {
        let mut told = self.payloads.borrow_mut();
        let mut taken: Vec<String> = Vec::new();
        loop {
            let body = json!({ "returnImmediately": true, "ack": taken });
            let sets = self.client.post(&self.path, &body).expect(200).json()["sets"].as_object().unwrap().clone();
            if sets.is_empty() {
                return told.iter().filter(|payload| payload.contains(event)).count();
            }
            for token in sets.values() {
                let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
                told.push(String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap());
            }
            taken = sets.keys().cloned().collect();
        }
    }
}

pub fn quarantines(admin: &Client) -> Vec<Value> {
    admin.get("/quarantines").expect(200).json()["items"].as_array().unwrap().clone()
}

on_both_databases! {
    fn whoever_left_by_mistake_has_again_what_was_cut_off(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let mut crew = arrive(&stage.client);
        let path = set(&stage.admin);
        assert_eq!(stage.admin.get(&path).expect(200).json(), json!({ "share": 20, "least": 50, "minutes": 10 }));
        // Ada is in a group, has an assignment of her own, answers for a service, and is deleted.
        crew.truncate(51);
        let direct = stage.assign_to_ada();
        let extra = crew.pop().unwrap();
        crew.push(stage.ada.clone());
        crew.swap(1, 50);
        leave(&stage.client, &crew);
        assert_all(&stage.pep, ("user", &stage.ada), false, "denied as always");
        look(&server);
        look(&server);
        let open = quarantines(&stage.admin);
        assert_eq!((open.len(), &open[0]["state"], &open[0]["people"]), (1, &json!("open"), &json!(51)), "{open:?}");
        assert_eq!(open[0]["population"], json!(CREW + 1));
        let id = open[0]["id"].as_str().unwrap();
        assert_eq!(events::of(&server, stage.organization, id)[0].action, "brake.fired");
        let restored = stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})).expect(200).json();
        assert_eq!(restored, json!({ "restored": 51, "unchanged": 0, "failed": [], "groups": 0, "failed_groups": [] }));
        assert_all(&stage.pep, ("user", &stage.ada), true, "by her group");
        assert_all(&stage.pep, ("service", &stage.service), true, "her service goes on");
        assert!(stage.client.members(&stage.crew).contains(&stage.ada));
        let assignments = server.administration().assignments(stage.organization).unwrap();
        assert!(assignments.iter().any(|shown| shown.assignment.id == direct));
        for id in &crew {
            assert_eq!(stage.client.get(&format!("/Users/{id}")).expect(200).json()["active"], true);
        }
        let found = stage.client.get("/Users?filter=userName%20eq%20%22ada%22").expect(200).json();
        assert_eq!(found["totalResults"], 1);
        assert_eq!(stage.client.get("/Users?count=1").expect(200).json()["totalResults"], json!(CREW + 1));
        problem(&stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})), 409, "restored already");
        problem(&stage.admin.post(&format!("/quarantines/{id}/release"), &json!({})), 409, "restored already");
        look(&server);
        assert_eq!(quarantines(&stage.admin).len(), 1, "whatever somebody has decided on does not count again");
        // Whoever is back may leave again.
        stage.client.delete(&format!("/Users/{}", stage.ada)).expect(204);
        assert_all(&stage.pep, ("user", &stage.ada), false, "gone again");
        stage.client.get(&format!("/Users/{extra}")).expect(200);
    }

    fn whoever_is_brought_back_holds_the_pushed_roles_that_are_still_offered(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let crew = arrive(&stage.client);
        set(&stage.admin);
        let (administration, connection) = (server.administration(), connection(&stage.admin));
        administration.let_assign_roles(stage.organization, connection, true, &Precondition::None).unwrap();
        let offer = |role: &str| {
            let (role, scope) = (role.parse().unwrap(), "/".parse().unwrap());
            administration.offer_role(stage.organization, connection, &role, &scope).unwrap().id
        };
        let (withdrawn, _stays) = (offer("developer"), offer("auditor"));
        let sent = json!([{ "op": "add", "path": "roles", "value": [{ "value": "developer@/" }, { "value": "auditor@/" }] }]);
        stage.client.patch(&format!("/Users/{}", crew[1]), &sent).expect(200);
        let held = || -> Vec<String> {
            let all = administration.assignments(stage.organization).unwrap().into_iter().map(|shown| shown.assignment);
            all.filter(|one| one.principal.id().to_string() == crew[1]).map(|one| one.role.to_string()).collect()
        };
        assert_eq!(held().len(), 2);
        leave(&stage.client, &crew);
        assert_eq!(held(), Vec::<String>::new(), "the second was deleted");
        administration.withdraw_role(stage.organization, connection, withdrawn).unwrap();
        look(&server);
        let id = quarantines(&stage.admin)[0]["id"].as_str().unwrap().to_owned();
        stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})).expect(200);
        assert_eq!(held(), ["auditor"]);
    }

    fn nobody_is_brought_back_over_what_somebody_else_did_since(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let mut crew = arrive(&stage.client);
        set(&stage.admin);
        crew.truncate(52);
        leave(&stage.client, &crew);
        look(&server);
        let id = quarantines(&stage.admin)[0]["id"].as_str().unwrap().to_owned();
        // The first was deactivated and is barred by an administrator; the second was deleted and somebody bears the name.
        stage.admin.put(&format!("/users/{}/suspension", crew[0]), &json!({})).expect(200);
        stage.client.post("/Users", &user("crew1")).expect(201);
        // The third is back already.
        stage.client.patch(&format!("/Users/{}", crew[2]), &active(true)).expect(200);
        let restored = stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})).expect(200).json();
        assert_eq!((&restored["restored"], &restored["unchanged"]), (&json!(49), &json!(1)), "{restored}");
        let failed: Vec<&str> =
            restored["failed"].as_array().unwrap().iter().map(|one| one["user"].as_str().unwrap()).collect();
        let mut expected = [crew[0].as_str(), crew[1].as_str()];
        expected.sort_unstable();
        assert_eq!(failed, expected, "{restored}");
        stage.client.get(&format!("/Users/{}", crew[1])).expect(404);
    }

    fn whoever_left_as_meant_stays_gone_and_is_held_until_then(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let mut crew = arrive(&stage.client);
        set(&stage.admin);
        crew.truncate(50);
        leave(&stage.client, &crew);
        look(&server);
        let id = quarantines(&stage.admin)[0]["id"].as_str().unwrap().to_owned();
        let released = stage.admin.post(&format!("/quarantines/{id}/release"), &json!({})).expect(200).json();
        assert_eq!(released["state"], "released");
        stage.client.get(&format!("/Users/{}", crew[1])).expect(404);
        problem(&stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})), 409, "released already");
        let auditor = administrator(&server, stage.organization, CredentialKind::Auditor);
        auditor.get(&format!("/quarantines/{id}")).expect(200);
        auditor.post(&format!("/quarantines/{id}/release"), &json!({})).expect(403);
    }

    fn purges_wait_until_the_brake_had_time_to_fire_and_for_as_long_as_anybody_is_held(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        for (outcome, purged, enabled) in [("release", 25, 0), ("restore", 0, 50)] {
            let stage = Stage::set(&server, outcome, None);
            let mut crew = arrive(&stage.client);
            crew.truncate(50);
            set(&stage.admin);
            let told = Told::about(&server, &stage);
            // One alone is purged when ten minutes have passed.
            stage.client.delete(&format!("/Users/{}", stage.ada)).expect(204);
            assert_eq!((told.of("account-disabled"), told.of("account-purged")), (1, 0), "{outcome}");
            server.clock.advance(9 * MINUTE);
            look(&server);
            assert_eq!(told.of("account-purged"), 0, "{outcome}");
            server.clock.advance(2 * MINUTE);
            look(&server);
            assert_eq!(told.of("account-purged"), 1, "{outcome}");
            leave(&stage.client, &crew);
            assert_eq!(told.of("account-disabled"), 51, "whoever has left has no access, and everybody knows");
            look(&server);
            let id = quarantines(&stage.admin)[0]["id"].as_str().unwrap().to_owned();
            server.clock.advance(HOUR);
            look(&server);
            stage.admin.delete(&format!("/connections/{}/brake", connection(&stage.admin))).expect(204);
            look(&server);
            assert_eq!(told.of("account-purged"), 1, "{outcome}: for as long as nobody decides");
            stage.admin.post(&format!("/quarantines/{id}/{outcome}"), &json!({})).expect(200);
            look(&server);
            server.clock.advance(HOUR);
            look(&server);
            assert_eq!((told.of("account-purged"), told.of("account-enabled")), (1 + purged, enabled), "{outcome}");
            assert_eq!(number(database, "SELECT count(*) AS number FROM held_purge"), 0);
            // Without a brake nothing waits.
            let last = stage.client.create_user("last");
            stage.client.delete(&format!("/Users/{last}")).expect(204);
            assert_eq!(told.of("account-purged"), 2 + purged, "{outcome}");
        }
    }

    fn groups_that_were_deleted_by_mistake_are_there_again_with_what_was_mapped_to_them(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let crew = arrive(&stage.client);
        set(&stage.admin);
        let groups: Vec<String> = (0..50).map(|i| stage.client.create_group(&format!("g{i}"), &[&crew[i], &stage.ada])).collect();
        stage.client.delete(&format!("/Groups/{}", groups[49])).expect(204);
        assert_all(&stage.pep, ("user", &stage.ada), true, "by the crew in the outer group");
        // Fifty-one in all, of 52 groups: that of the mapping and the crew in it too, and somebody of one that went before.
        let mut gone: Vec<&String> = groups[..48].iter().collect();
        gone.extend([&stage.crew, &stage.outer]);
        for id in gone {
            stage.client.delete(&format!("/Groups/{id}")).expect(204);
        }
        stage.client.delete(&format!("/Users/{}", crew[0])).expect(204);
        assert_all(&stage.pep, ("user", &stage.ada), false, "denied as always");
        look(&server);
        let open = quarantines(&stage.admin);
        assert_eq!((open.len(), &open[0]["people"], &open[0]["groups"]), (1, &json!(1), &json!(51)), "{open:?}");
        // Somebody made another of one of the names meanwhile.
        stage.client.create_group("G1", &[]);
        let id = open[0]["id"].as_str().unwrap();
        let restored = stage.admin.post(&format!("/quarantines/{id}/restore"), &json!({})).expect(200).json();
        assert_eq!((&restored["restored"], &restored["groups"]), (&json!(1), &json!(50)), "{restored}");
        let failed = restored["failed_groups"].as_array().unwrap();
        assert!(failed.len() == 1 && failed[0]["group"] == groups[1], "{restored}");
        assert_all(&stage.pep, ("user", &stage.ada), true, "the groups, what is in them, and what is mapped to them");
        for at in [0, 2, 47, 49] {
            let expected: std::collections::BTreeSet<String> = [crew[at].clone(), stage.ada.clone()].into();
            assert_eq!(stage.client.members(&groups[at]), expected, "{at}");
        }
        assert_eq!(stage.client.get("/Groups?count=1").expect(200).json()["totalResults"], 52);
        stage.client.delete(&format!("/Groups/{}", stage.outer)).expect(204);
        assert_all(&stage.pep, ("user", &stage.ada), false, "gone again");
    }

    fn a_brake_is_off_until_it_is_set_and_says_before_how_often_it_would_have_fired(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let stage = Stage::set(&server, "acme", None);
        let crew = arrive(&stage.client);
        let path = format!("/connections/{}/brake", connection(&stage.admin));
        stage.admin.get(&path).expect(404);
        leave(&stage.client, &crew);
        server.clock.advance(12 * HOUR);
        look(&server);
        assert_eq!(quarantines(&stage.admin), Vec::<Value>::new());
        let rehearsal = |query: &str| stage.admin.get(&format!("{path}/rehearsal?{query}")).expect(200).json();
        let fired = rehearsal("share=20&least=50&minutes=10");
        assert_eq!((fired["firings"].as_array().unwrap().len(), &fired["firings"][0]["people"]), (1, &json!(50)), "{fired}");
        assert_eq!(rehearsal("share=100")["firings"], json!([]));
        problem(&stage.admin.get(&format!("{path}/rehearsal?least=49")), 400, "50 people and groups at least");
        problem(&stage.admin.put(&path, &json!({ "share": 0, "least": 50, "minutes": 10 })), 400, "percent");
        set(&stage.admin);
        stage.admin.delete(&path).expect(204);
        stage.admin.get(&path).expect(404);
        let other = server.organization("other");
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        stranger.get(&path).expect(404);
        let connection = connection(&stage.admin);
        server.clock.advance(90 * 24 * HOUR);
        let usual = muster::model::Brake::new(20, 50, 10).unwrap();
        let fired = server.administration().rehearse_brake(stage.organization, connection, usual).unwrap();
        assert_eq!(fired, [], "longer ago than is looked at");
    }

    fn brakes_are_set_and_rehearsed_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        let crew = arrive(&client);
        leave(&client, &crew);
        let rehearsed = program.done(&["brake", "rehearse", "default"]);
        assert_eq!(rehearsed.lines().count(), 2, "{rehearsed}");
        assert_eq!(program.run(&["brake", "set", "default", "--least", "3"]).code, Some(2));
        program.done(&["brake", "set", "default", "--minutes", "60"]);
        // The server looks by itself.
        let listed = loop {
            let listed = program.done(&["brake", "list"]);
            if listed.contains("open") {
                break listed;
            }
        };
        let id = listed.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert_eq!(program.done(&["brake", "restore", &id]).trim(), format!("restored {CREW}, unchanged 0, groups 0"));
        assert_eq!(program.run(&["brake", "release", &id]).code, Some(1));
        program.done(&["brake", "remove", "default"]);
    }
}
