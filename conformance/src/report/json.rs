//! For programs.

use serde_json::{Value, json};

use super::Report;
use crate::outcome::Outcome;

pub fn render(report: &Report) -> String {
    let conversations: Vec<Value> = report
        .conversations
        .iter()
        .map(|one| described(&one.outcome, json!({ "id": one.id, "provider": one.provider, "title": one.title })))
        .collect();
    let requirements: Vec<Value> = report
        .requirements
        .iter()
        .map(|requirement| {
            let checks: Vec<Value> = requirement
                .checks
                .iter()
                .map(|check| described(&check.outcome, json!({ "says": check.says })))
                .collect();
            json!({
                "number": requirement.number.to_string(),
                "title": requirement.title,
                "outcome": requirement.outcome().word(),
                "checks": checks,
            })
        })
        .collect();
    let document = json!({
        "server": report.server,
        "conversations": conversations,
        "requirements": requirements,
        "leftBehind": report.left_behind,
    });
    format!("{document:#}\n")
}

fn described(outcome: &Outcome, mut entry: Value) -> Value {
    entry["outcome"] = json!(outcome.word());
    if !outcome.reason().is_empty() {
        entry["reason"] = json!(outcome.reason());
    }
    if let Outcome::Failed(failure) = outcome
        && let Some(exchange) = &failure.exchange
    {
        entry["request"] = json!(exchange.request);
        entry["answer"] = json!(exchange.answer);
    }
    entry
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::report::tests::sample;

    #[test]
    fn a_program_can_read_it() {
        let document: Value = serde_json::from_str(&super::render(&sample())).unwrap();
        assert_eq!(
            document["conversations"][0],
            json!({ "id": "OK-1", "provider": "Okta", "title": "fine", "outcome": "passed" })
        );
        let failed = &document["requirements"][0]["checks"][1];
        assert_eq!((&failed["outcome"], &failed["request"]), (&json!("failed"), &json!("GET /x?a=<b>")));
        assert_eq!(document["requirements"][3]["outcome"], "not supported");
    }
}
