//! Whoever asks whether somebody may is told the same on every path, after whatever was done: no path answers from what was
//! before.

use std::collections::BTreeSet;

use muster::clock::Clock;
use muster::service::access::WantedPrincipal;
use serde_json::{Value, json};

use super::leavers::{HOUR, PLACE, Stage, WAYS, active, allows, ask, assignment, question, wait_until_allowed};
use crate::support::{Backend, Client, Database, Server};

/// What each path says of a person beside whom Ben may, who must be told apart from her everywhere.
fn told(stage: &Stage<'_>, server: &Server, ben: &str) -> Vec<(String, bool)> {
    let pep = stage.beside(server);
    let admin = Client { base: format!("{}/api/v1", server.url), token: stage.admin.token.clone() };
    let mut told: Vec<(String, bool)> =
        allows(&pep, "user", &stage.ada).into_iter().map(|(path, allowed)| (path.to_owned(), allowed)).collect();
    for name in ["ada", "ADA"] {
        let answer = ask(&pep, "/access/v1/evaluation", &question("user", name)).expect(200).json();
        told.push((format!("evaluation of {name}"), answer["decision"] == true));
    }
    // Of several questions in one request each has its own answer, whatever order they stand in.
    let one = |id: &str| json!({ "subject": { "type": "user", "id": id } });
    for (place, batch) in [(1, [ben, &stage.ada, ben]), (0, [stage.ada.as_str(), ben, ben])] {
        let mut asked = question("user", ben);
        asked["evaluations"] = Value::Array(batch.iter().map(|id| one(id)).collect());
        let answer = ask(&pep, "/access/v1/evaluations", &asked).expect(200).json();
        let said: Vec<bool> =
            answer["evaluations"].as_array().unwrap().iter().map(|one| one["decision"] == true).collect();
        assert!(said.iter().enumerate().all(|(at, allowed)| at == place || *allowed), "Ben may: {answer}");
        told.push((format!("the evaluation at {place} of three"), said[place]));
    }
    // Page by page, one entry each.
    let mut asked = question("user", ben);
    asked["page"] = json!({ "limit": 1 });
    let mut found = BTreeSet::new();
    loop {
        let answer = ask(&pep, "/access/v1/search/subject", &asked).expect(200).json();
        found.extend(answer["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match answer["page"]["next_token"].as_str().unwrap_or_default() {
            "" => break,
            next => asked["page"]["token"] = json!(next),
        }
    }
    assert!(found.contains(ben));
    told.push(("search/subject page by page".to_owned(), found.contains(&stage.ada)));
    let place = format!("permission=deploy:run&scope={PLACE}");
    let explained = admin.get(&format!("/explanations?subject={}&{place}", stage.ada)).expect(200).json();
    told.push(("explanation".to_owned(), explained["decision"] == true));
    let gates = admin.get("/gates?limit=100").expect(200).json()["items"].clone();
    let is_it = |gate: &&Value| gate["scope"] == PLACE && gate["permission"] == "deploy:run";
    let passing = gates.as_array().unwrap().iter().find(is_it).unwrap()["passing"].as_u64().unwrap();
    told.push((format!("gates, {passing} can pass"), passing == 2));
    told
}

fn assert_all(stage: &Stage<'_>, servers: &[&Server], ben: &str, expected: bool, why: &str) {
    for (number, server) in servers.iter().enumerate() {
        for (path, allowed) in told(stage, server, ben) {
            assert_eq!(allowed, expected, "{why}: server {number}, {path}");
        }
    }
}

fn walk(servers: &[&Server]) {
    let first = servers[0];
    let ends: fn(&Stage<'_>) = |stage| stage.server.clock.advance(HOUR);
    let all = WAYS.iter().map(|(way, gone, lose)| (*way, *gone, None, *lose));
    for (number, (way, gone, until, lose)) in all.chain([("its time is over", false, Some(HOUR), ends)]).enumerate() {
        let stage = Stage::set(first, &format!("org{number}"), until);
        let ben = stage.client.create_user("ben");
        let direct = assignment(WantedPrincipal::User("ben".to_owned()), None, &first.clock);
        first.administration().assign(stage.organization, &direct).unwrap();
        for server in servers {
            wait_until_allowed(&stage.beside(server), "user", &ben);
            wait_until_allowed(&stage.beside(server), "user", &stage.ada);
        }
        assert_all(&stage, servers, &ben, true, way);
        lose(&stage);
        let reversed: Vec<&Server> = servers.iter().rev().copied().collect();
        assert_all(&stage, &reversed, &ben, false, way);
        // Whoever is back is back on every path.
        if gone && stage.client.get(&format!("/Users/{}", stage.ada)).status == 200 {
            stage.client.patch(&format!("/Users/{}", stage.ada), &active(true));
            stage.admin.delete(&format!("/users/{}/suspension", stage.ada));
            for server in servers {
                wait_until_allowed(&stage.beside(server), "user", &stage.ada);
            }
            assert_all(&stage, servers, &ben, true, way);
        }
    }
}

on_both_databases! {
    fn every_path_says_the_same_of_somebody_after_every_kind_of_cut(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&[&server]);
    }
}

#[test]
fn every_path_of_every_server_says_the_same_of_somebody_after_every_kind_of_cut() {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let servers = [(); 3].map(|()| Server::start_at(&database, 0, clock.clone()));
    walk(&servers.each_ref());
}
