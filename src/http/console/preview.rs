//! What a change of access would come to, person by person, before it is made.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use serde_json::json;

use crate::access::difference::Right;
use crate::access::graph::Subject;
use crate::model::RoleName;
use crate::service::access::Preview;
use crate::service::administration::{Administration, AdministrationError};

use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::visit::Visit;

/// People a preview names, and rights it names in all; the others are counted. A page stays readable, and within what
/// pages may transfer.
const NAMED: usize = 200;
const RIGHTS: usize = 400;

/// Said where something has changed between the look and the act.
pub(super) const MOVED: &str =
    "Something changed since you looked. Below is what it would come to now; apply it if that is still what you want.";

#[derive(Template)]
#[template(path = "console/preview.html")]
pub(super) struct PreviewPage {
    pub(super) frame: Frame,
    /// What is to be done, in a sentence.
    pub(super) what: String,
    pub(super) action: String,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) button: String,
    pub(super) danger: bool,
    pub(super) back: String,
    pub(super) shown: Shown,
    pub(super) problem: String,
}

/// Who gains and who loses, as it is shown.
pub(super) struct Shown {
    pub(super) fingerprint: String,
    pub(super) gains: Vec<Affected>,
    pub(super) losses: Vec<Affected>,
    pub(super) gaining: usize,
    pub(super) losing: usize,
    pub(super) conflicts: Vec<String>,
    pub(super) closed: Vec<String>,
    pub(super) starved: Vec<String>,
    pub(super) administrators: usize,
    /// The same for a file: JSON.
    pub(super) evidence: String,
}

/// Somebody who gains or loses something, and what.
pub(super) struct Affected {
    id: String,
    pub(super) name: String,
    pub(super) rights: Vec<String>,
}

impl Shown {
    /// Of a change that was tried out just now.
    pub(super) fn of(visit: &Visit, preview: &Preview) -> Result<Self, Refusal> {
        let difference = &preview.difference;
        let name = |subject: &Subject| {
            let id = subject.id();
            preview.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
        };
        let conflicts = difference.conflicts.iter().map(|one| {
            let roles: Vec<&str> = one.roles.iter().map(RoleName::as_str).collect();
            format!("{} would hold {} at {}", name(&one.subject), roles.join(" and "), one.scope)
        });
        let starved = difference.starved.iter().map(|gate| {
            let (passing, least) = (gate.passing, gate.bounds.minimum());
            format!("{} at {}: {passing} could, {least} must", gate.permission, gate.scope)
        });
        let closed = difference.closed.iter().map(|gate| format!("{} at {}", gate.permission, gate.scope));
        let mut shown = Self {
            fingerprint: preview.fingerprint.clone(),
            gaining: difference.gains.len(),
            losing: difference.losses.len(),
            gains: told(&difference.gains, name),
            losses: told(&difference.losses, name),
            conflicts: conflicts.collect(),
            closed: closed.collect(),
            starved: starved.collect(),
            administrators: difference.administrators,
            evidence: String::new(),
        };
        let changes: Vec<_> =
            preview.changes.iter().map(|(action, details)| json!({ "action": action, "details": details })).collect();
        let people = |all: &[Affected]| -> Vec<_> {
            all.iter().map(|one| json!({ "id": one.id, "name": one.name, "rights": one.rights })).collect()
        };
        let evidence = json!({
            "organization": visit.organization()?.to_string(), "tried_out": visit.services.clock.now().to_string(),
            "changes": changes, "gaining": shown.gaining, "losing": shown.losing, "gains": people(&shown.gains),
            "losses": people(&shown.losses), "gates_nobody_could_pass": shown.closed,
            "gates_under_their_minimum": shown.starved, "kept_apart": shown.conflicts,
            "administrators_left": shown.administrators, "fingerprint": shown.fingerprint,
        });
        shown.evidence = serde_json::to_string_pretty(&evidence).unwrap_or_default();
        Ok(shown)
    }

    /// Whether a gate would be left with too few people.
    pub(super) const fn leaves_gates_short(&self) -> bool {
        !self.closed.is_empty() || !self.starved.is_empty()
    }
}

/// By name, as many as a page names.
fn told(people: &BTreeMap<Subject, BTreeSet<Right>>, name: impl Fn(&Subject) -> String) -> Vec<Affected> {
    let mut all: Vec<(String, &Subject, &BTreeSet<Right>)> =
        people.iter().map(|(subject, rights)| (name(subject), subject, rights)).collect();
    all.sort();
    let (mut named, mut left) = (Vec::new(), RIGHTS);
    for (name, subject, rights) in all.into_iter().take(NAMED) {
        if left == 0 {
            break;
        }
        let mut shown: Vec<String> =
            rights.iter().take(left).map(|(scope, permission)| format!("{permission} at {scope}")).collect();
        left = left.saturating_sub(shown.len());
        if shown.len() < rights.len() {
            shown.push(format!("{} more", rights.len().saturating_sub(shown.len())));
        }
        named.push(Affected { id: subject.id().to_string(), name, rights: shown });
    }
    named
}

/// What a change would come to, or what is wrong with it.
pub(super) fn tried(
    visit: &Visit,
    change: impl FnOnce(&Administration) -> Result<(), AdministrationError>,
) -> Result<Result<Shown, String>, Refusal> {
    match visit.administration()?.try_out(change) {
        Ok((preview, ())) => Ok(Ok(Shown::of(visit, &preview)?)),
        Err(error) => match Refusal::from(error) {
            Refusal::Refused(_, text) => Ok(Err(sentence(&text))),
            other => Err(other),
        },
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 person or service".to_owned() } else { format!("{count} people and services") }
}

pub(super) fn headline(shown: &Shown) -> String {
    let of = |count: usize, one: &'static str, several: &'static str| if count == 1 { one } else { several };
    let (gain, lose) = (of(shown.gaining, "gains", "gain"), of(shown.losing, "loses", "lose"));
    match (shown.gaining, shown.losing) {
        (0, 0) => "Nobody gains or loses anything".to_owned(),
        (gaining, 0) => format!("{} {gain}", people(gaining)),
        (0, losing) => format!("{} {lose}", people(losing)),
        (gaining, losing) => format!("{} {gain}, {losing} {lose}", people(gaining)),
    }
}

pub(super) fn button(shown: &Shown) -> String {
    match (shown.gaining, shown.losing) {
        (0, 0) => "Apply: nobody is affected".to_owned(),
        (gaining, 0) => format!("Apply: {gaining} gain"),
        (0, losing) => format!("Apply: {losing} lose"),
        (gaining, losing) => format!("Apply: {gaining} gain, {losing} lose"),
    }
}
