//! One who asks, one by one and in batches, whichever server answers.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::fleet::{Caller, Fleet};
use super::ledger::Ledger;
use crate::support::Dice;

/// Questions in a batch, at most.
const BATCH: usize = 100;

pub(super) fn question(who: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": who },
        "action": { "name": "deploy:run" },
        "resource": { "type": "environment", "id": "/billing/production" },
    })
}

/// Asks until it is over.
pub(super) fn ask(fleet: &Fleet, ledger: &Ledger, mut dice: Dice, over: &AtomicBool) {
    let caller = Caller::new();
    while !over.load(Ordering::SeqCst) {
        let base = fleet.any(&mut dice);
        let subject = dice.below(ledger.len());
        let own = fleet
            .tokens
            .lock()
            .unwrap()
            .iter()
            .find(|(of, _)| of == ledger.name(subject))
            .map(|(_, token)| token.clone());
        match own {
            Some(token) => one(&caller, &base, &token, ledger, subject),
            None if dice.once_in(2) => one(&caller, &base, &fleet.pep, ledger, subject),
            None => many(&caller, fleet, &base, ledger, &mut dice),
        }
    }
}

fn one(caller: &Caller, base: &str, token: &str, ledger: &Ledger, subject: usize) {
    let begun = ledger.begin(subject);
    let url = format!("{base}/access/v1/evaluation");
    match caller.send("POST", &url, token, &question(ledger.name(subject))) {
        Some((200, text)) => {
            let answer: Value = serde_json::from_str(&text).unwrap();
            ledger.end(begun, answer["decision"].as_bool().unwrap(), &text);
        }
        // Its token was revoked: no allow.
        Some((401, text)) => ledger.end(begun, false, &text),
        Some((503, _)) | None => ledger.unanswered(),
        Some((status, text)) => panic!("{status}: {text}"),
    }
}

fn many(caller: &Caller, fleet: &Fleet, base: &str, ledger: &Ledger, dice: &mut Dice) {
    // Whoever is asked about with a token of their own stays allowed when it is revoked.
    let own: Vec<String> = fleet.tokens.lock().unwrap().iter().map(|(of, _)| of.clone()).collect();
    let common: Vec<usize> = (0..ledger.len()).filter(|of| !own.iter().any(|name| name == ledger.name(*of))).collect();
    let batch = 1 + dice.below(BATCH);
    let begun: Vec<_> = (0..batch).map(|_| common[dice.below(common.len())]).map(|of| (of, ledger.begin(of))).collect();
    let questions: Vec<Value> = begun.iter().map(|(of, _)| question(ledger.name(*of))).collect();
    let url = format!("{base}/access/v1/evaluations");
    match caller.send("POST", &url, &fleet.pep, &json!({ "evaluations": questions })) {
        Some((200, text)) => {
            let answers: Value = serde_json::from_str(&text).unwrap();
            let answers = answers["evaluations"].as_array().unwrap();
            assert_eq!(answers.len(), batch, "{text}");
            for ((_, begun), answer) in begun.into_iter().zip(answers) {
                ledger.end(begun, answer["decision"].as_bool().unwrap(), &answer.to_string());
            }
        }
        Some((503, _)) | None => ledger.unanswered(),
        Some((status, text)) => panic!("{status}: {text}"),
    }
}
