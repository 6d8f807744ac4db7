//! The gates of the organizations in memory, looked at by the clock: whether enough people, and not too many, can pass.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::access::gates::{Gate, GateState};
use crate::model::OrganizationId;

use super::Live;

/// What was seen last.
#[derive(Default)]
pub(super) struct GateWatch(Mutex<BTreeMap<OrganizationId, Vec<Gate>>>);

impl Live {
    /// Looks at every gate of every organization that is in memory, and tells the log of those that have gone out of
    /// their bounds since the last look. A gate at a time: no change of access waits for more than one.
    pub fn watch_gates(&self) {
        let mut seen = BTreeMap::new();
        for organization in self.0.graphs.loaded() {
            let watched = self.judge_from_memory(organization, |rules, _| rules.watched_gates());
            let watched = watched.ok().flatten().unwrap_or_default();
            let gates = watched.into_iter().filter_map(|bounds| {
                let now = self.0.clock.now();
                self.judge_from_memory(organization, |rules, _| rules.gate(bounds, now)).ok().flatten()
            });
            seen.insert(organization, gates.collect::<Vec<Gate>>());
        }
        let mut known = self.0.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (organization, gate) in each(&seen).filter(|(_, gate)| gate.state() != GateState::Open) {
            let same = |before: &Gate| (&before.scope, &before.permission) == (&gate.scope, &gate.permission);
            let before = known.get(organization).and_then(|gates| gates.iter().find(|before| same(before)));
            if before.is_none_or(|before| before.state() != gate.state()) {
                tracing::warn!(
                    organization = %organization, scope = %gate.scope, permission = %gate.permission,
                    passing = gate.passing, state = gate.state().as_str(), "a gate is out of its bounds"
                );
            }
        }
        *known = seen;
    }

    /// Every gate as it was seen last, with its organization.
    pub fn gates_seen(&self) -> Vec<(OrganizationId, Gate)> {
        let known = self.0.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        each(&known).map(|(organization, gate)| (*organization, gate.clone())).collect()
    }
}

fn each(seen: &BTreeMap<OrganizationId, Vec<Gate>>) -> impl Iterator<Item = (&OrganizationId, &Gate)> {
    seen.iter().flat_map(|(organization, gates)| gates.iter().map(move |gate| (organization, gate)))
}
