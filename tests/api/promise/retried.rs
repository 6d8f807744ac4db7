//! A cut whose server died before it could acknowledge it, asked for again.

use serde_json::{Value, json};

use super::asker::question;
use super::cutter::{id, patch};
use super::fleet::{Caller, Fleet, insist_on_command};
use crate::support::{Backend, Database, Dice, group, user};

#[test]
fn a_cut_that_is_asked_for_again_is_acknowledged_only_when_it_holds() {
    let database = Database::fresh(Backend::Postgres);
    let fleet = Fleet::start(database.url(), 2);
    let (caller, mut dice) = (Caller::new(), Dice::seeded(1));
    let mut make = |path: &str, body: Value| id(&caller.insist(&fleet, &mut dice, "POST", path, &body));
    let ada = make("/Users", user("ada"));
    make("/Groups", group("crew", &[&ada]));
    insist_on_command(&fleet, &["map", "crew", "deployer", "/billing/production"]);
    let asks = |base: &str| {
        let answer = caller.send("POST", &format!("{base}/access/v1/evaluation"), &fleet.pep, &question("ada"));
        answer.is_some_and(|(_, text)| text.contains("\"decision\":true"))
    };
    let lagging = fleet.base(1);
    while !asks(&lagging) {}

    // It stands still, with a lease that the others must wait for.
    fleet.signal(1, "STOP");
    let path = format!("/Users/{ada}");
    let cut = patch(json!({ "op": "replace", "path": "active", "value": false }));
    let first = format!("{}/scim/v2{path}", fleet.base(0));
    std::thread::scope(|scope| {
        let unanswered = scope.spawn(|| Caller::new().send("PATCH", &first, &fleet.scim, &cut));
        let written = || {
            caller
                .send("GET", &first, &fleet.scim, &Value::Null)
                .is_some_and(|(_, text)| text.contains("\"active\":false"))
        };
        while !written() {}
        fleet.replace(0);
        assert_eq!(unanswered.join().unwrap(), None, "it waited for the one that stands still");
    });
    let again = caller.send("PATCH", &format!("{}/scim/v2{path}", fleet.base(0)), &fleet.scim, &cut);
    assert_eq!(again.map(|(status, _)| status), Some(200));
    let allowed = std::thread::scope(|scope| {
        let asked = scope.spawn(|| asks(&lagging));
        fleet.signal(1, "CONT");
        asked.join().unwrap()
    });
    assert!(!allowed, "allowed after the acknowledgement");
}
