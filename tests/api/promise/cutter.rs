//! One who gives access and takes it away, to people nobody else touches.

use std::sync::atomic::{AtomicBool, Ordering};

use muster::clock::Clock;
use serde_json::{Value, json};

use super::fleet::{Caller, Fleet, insist_on_command};
use super::ledger::Ledger;
use crate::support::{Dice, group, user};

/// People of one cutter; the last of them is asked about with a token of its own, which is revoked.
pub(super) const PEOPLE: usize = 5;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(super) struct Cutter {
    caller: Caller,
    names: Vec<String>,
    ids: Vec<String>,
    group_name: String,
    group: String,
    mapping: String,
}

/// How somebody loses access.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Deactivation,
    Removal,
}

pub(super) fn id(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap()["id"].as_str().unwrap().to_owned()
}

pub(super) fn patch(operation: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

impl Cutter {
    /// Makes people who may deploy by a group of theirs.
    pub(super) fn prepare(fleet: &Fleet, number: usize) -> Self {
        let (caller, mut dice) = (Caller::new(), Dice::seeded(number));
        let names: Vec<String> = (0..PEOPLE).map(|person| format!("person-{number}-{person}")).collect();
        let mut make = |path: &str, body: Value| id(&caller.insist(fleet, &mut dice, "POST", path, &body));
        let ids: Vec<String> = names.iter().map(|name| make("/Users", user(name))).collect();
        let group_name = format!("crew-{number}");
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = make("/Groups", group(&group_name, &members));
        let mapping = insist_on_command(fleet, &["map", &group_name, "deployer", "/billing/production"]);
        let token = insist_on_command(fleet, &["token", "issue", "--kind", "pep"]);
        fleet.tokens.lock().unwrap().push((names[PEOPLE - 1].clone(), token));
        Self { caller, names, ids, group_name, group, mapping }
    }

    pub(super) fn subjects(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Takes away and gives until it is over. `first`: its people's place in the ledger.
    pub(super) fn run(mut self, fleet: &Fleet, ledger: &Ledger, first: usize, mut dice: Dice, over: &AtomicBool) {
        for round in 0.. {
            let cuts: Vec<Cut> =
                (0..PEOPLE - 1).map(|_| if dice.once_in(2) { Cut::Deactivation } else { Cut::Removal }).collect();
            for (person, cut) in cuts.iter().enumerate() {
                let began = Clock::monotonic();
                self.change(fleet, &mut dice, person, *cut, false);
                ledger.took(began.elapsed());
                ledger.has_cut(first + person);
            }
            for (person, cut) in cuts.iter().enumerate() {
                ledger.gives(first + person);
                self.change(fleet, &mut dice, person, *cut, true);
            }
            if over.load(Ordering::SeqCst) {
                return;
            }
            match round % 4 {
                1 => self.end_mapping(fleet, ledger, first),
                3 => self.revoke(fleet, ledger, first + PEOPLE - 1),
                _ => {}
            }
        }
    }

    fn change(&self, fleet: &Fleet, dice: &mut Dice, person: usize, cut: Cut, gives: bool) {
        let who = &self.ids[person];
        let (path, operation) = match (cut, gives) {
            (Cut::Deactivation, _) => {
                (format!("/Users/{who}"), json!({ "op": "replace", "path": "active", "value": gives }))
            }
            (Cut::Removal, true) => (
                format!("/Groups/{}", self.group),
                json!({ "op": "add", "path": "members", "value": [{ "value": who }] }),
            ),
            (Cut::Removal, false) => {
                let path = format!("members[value eq \"{who}\"]");
                (format!("/Groups/{}", self.group), json!({ "op": "remove", "path": path }))
            }
        };
        self.caller.insist(fleet, dice, "PATCH", &path, &patch(operation));
    }

    /// Ends the mapping of everybody's group by a command, and maps it again.
    fn end_mapping(&mut self, fleet: &Fleet, ledger: &Ledger, first: usize) {
        // A command that was cut short may have done it already: then it finds nothing to end, and says so.
        let ended = fleet.program.run(&["mapping", "remove", &self.mapping]);
        if ended.code == Some(0) {
            (0..PEOPLE).for_each(|person| ledger.has_cut(first + person));
        }
        (0..PEOPLE).for_each(|person| ledger.gives(first + person));
        let name = self.group_name.clone();
        self.mapping = insist_on_command(fleet, &["map", &name, "deployer", "/billing/production"]);
    }

    /// Revokes a token: whatever is asked with it afterwards is not answered. Another takes its place.
    fn revoke(&self, fleet: &Fleet, ledger: &Ledger, subject: usize) {
        let name = &self.names[PEOPLE - 1];
        let place = |tokens: &Vec<(String, String)>| tokens.iter().position(|(of, _)| of == name).unwrap();
        let old = {
            let tokens = fleet.tokens.lock().unwrap();
            tokens[place(&tokens)].1.clone()
        };
        if fleet.program.run(&["token", "revoke", &old]).code == Some(0) {
            ledger.has_cut(subject);
            // Asked about with the revoked token for as long as the next one takes to be issued.
            let next = insist_on_command(fleet, &["token", "issue", "--kind", "pep"]);
            ledger.gives(subject);
            let mut tokens = fleet.tokens.lock().unwrap();
            let place = place(&tokens);
            tokens[place].1 = next;
        }
    }
}
