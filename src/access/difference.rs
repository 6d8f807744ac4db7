//! What a change would come to: who gains, who loses, which rules it breaks, which gates it closes.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Moment, Permission, RoleName, ScopePath};

use super::decide::{Rules, Who};
use super::gates::{Gate, GateState};
use super::graph::{Resource, Subject};

/// Something somebody may do somewhere, and in everything within.
pub type Right = (ScopePath, Permission);

/// Somebody who would hold roles at one scope that must be kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// Who.
    pub subject: Subject,
    /// The roles.
    pub roles: Vec<RoleName>,
    /// Where.
    pub scope: ScopePath,
}

/// What a change can touch: everything else is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// These permissions; `None`: any.
    pub permissions: Option<BTreeSet<Permission>>,
    /// At these scopes and within them; `None`: anywhere.
    pub scopes: Option<BTreeSet<ScopePath>>,
}

/// The difference between what holds and what would hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What somebody could do that they cannot now.
    pub gains: BTreeMap<Subject, BTreeSet<Right>>,
    /// What somebody can do that they could not any more.
    pub losses: BTreeMap<Subject, BTreeSet<Right>>,
    /// Roles held together that must be kept apart, where they are not now.
    pub conflicts: BTreeSet<Conflict>,
    /// Gates somebody can pass now and nobody could any more.
    pub closed: Vec<Gate>,
    /// Gates enough people can pass now and too few could, though some.
    pub starved: Vec<Gate>,
    /// How many active users would be `admin` at `/`.
    pub administrators: usize,
}

impl Touched {
    fn permission(&self, permission: &Permission) -> bool {
        self.permissions.as_ref().is_none_or(|touched| touched.contains(permission))
    }

    fn scope(&self, path: &ScopePath) -> bool {
        self.scopes.as_ref().is_none_or(|touched| touched.iter().any(|scope| scope.contains(path)))
    }
}

/// What changes from `before` to `after`, as far as it is touched. Guardrails that read what only a caller knows are
/// left out.
pub fn difference(before: &Rules<'_>, after: &Rules<'_>, touched: &Touched, now: Moment) -> Difference {
    let (closed, starved) = lost_by(before, after, now);
    let mut difference =
        Difference { closed, starved, administrators: administrators(after, now), ..Difference::default() };
    let permissions: BTreeSet<&Permission> = [before, after]
        .into_iter()
        .flat_map(|rules| rules.graph.catalogue().permissions().map(|(name, _)| name))
        .collect();
    let scopes: BTreeSet<&ScopePath> =
        [before, after].into_iter().flat_map(|rules| rules.graph.scopes().map(|scope| &scope.path)).collect();
    for scope in scopes.into_iter().filter(|scope| touched.scope(scope)) {
        for permission in permissions.iter().filter(|permission| touched.permission(permission)) {
            let (had, has) = (who(before, scope, permission, now), who(after, scope, permission, now));
            let right = || (scope.clone(), (*permission).clone());
            for subject in has.difference(&had) {
                difference.gains.entry(*subject).or_default().insert(right());
            }
            for subject in had.difference(&has) {
                difference.losses.entry(*subject).or_default().insert(right());
            }
        }
        let known = conflicts(before, scope, now);
        difference.conflicts.extend(conflicts(after, scope, now).into_iter().filter(|one| !known.contains(one)));
    }
    difference.gains.values_mut().chain(difference.losses.values_mut()).for_each(leave_out_what_lies_within);
    // Whoever holds them together around a scope holds them there, too.
    let all = difference.conflicts.clone();
    difference
        .conflicts
        .retain(|one| !one.scope.ancestors().skip(1).any(|scope| all.contains(&Conflict { scope, ..one.clone() })));
    difference
}

fn who(rules: &Rules<'_>, scope: &ScopePath, permission: &Permission, now: Moment) -> BTreeSet<Subject> {
    let ask = |subject_type| {
        let who = Who { subject_type, permission: permission.as_str(), resource: at(scope), circumstances: None };
        rules.subjects_who_may(&who, now, None, usize::MAX)
    };
    ["user", "service"].into_iter().flat_map(ask).collect()
}

/// A right at a scope is one in everything within it.
fn leave_out_what_lies_within(rights: &mut BTreeSet<Right>) {
    let all = rights.clone();
    rights.retain(|(scope, permission)| {
        !scope.ancestors().skip(1).any(|around| all.contains(&(around, permission.clone())))
    });
}

/// Who holds roles at a scope that some guardrail keeps apart.
fn conflicts(rules: &Rules<'_>, scope: &ScopePath, now: Moment) -> BTreeSet<Conflict> {
    let mut found = BTreeSet::new();
    for guardrail in rules.guardrails.iter().filter(|guardrail| !guardrail.roles_apart().is_empty()) {
        let bears = |name: &&Permission| guardrail.bears_on(name);
        for permission in rules.graph.catalogue().permissions().map(|(name, _)| name).filter(bears) {
            let candidates = rules.graph.candidates("user", permission.as_str(), at(scope), now, None, true);
            for (subject, set) in &candidates.people {
                let Some(held) = candidates.role_sets.get(*set) else { continue };
                let apart = guardrail.roles_apart().iter();
                let held_together = apart.filter(|roles| roles.iter().all(|role| held.contains(role.as_str())));
                found.extend(held_together.map(|roles| Conflict {
                    subject: *subject,
                    roles: roles.clone(),
                    scope: scope.clone(),
                }));
            }
        }
    }
    found
}

/// A scope as a resource.
pub fn at(path: &ScopePath) -> Resource<'_> {
    Resource { resource_type: path.kind().as_str(), id: path.as_str() }
}

/// The gates somebody can pass before a change and nobody after it.
pub fn closed_by(before: &Rules<'_>, after: &Rules<'_>, now: Moment) -> Vec<Gate> {
    lost_by(before, after, now).0
}

/// The gates nobody can pass after a change, and those too few can, as they would be; those that were so before left out.
fn lost_by(before: &Rules<'_>, after: &Rules<'_>, now: Moment) -> (Vec<Gate>, Vec<Gate>) {
    let key = |gate: &Gate| (gate.scope.clone(), gate.permission.clone());
    let known: BTreeMap<(ScopePath, Permission), Gate> =
        before.gates(now).into_iter().map(|gate| (key(&gate), gate)).collect();
    let (mut closed, mut starved) = (Vec::new(), Vec::new());
    for gate in after.gates(now) {
        let was = known.get(&key(&gate)).filter(|was| was.passing > 0);
        match was {
            Some(_) if gate.passing == 0 => closed.push(gate),
            Some(was) if gate.state() == GateState::TooFew && was.state() != GateState::TooFew => starved.push(gate),
            _ => {}
        }
    }
    (closed, starved)
}

fn administrators(rules: &Rules<'_>, now: Moment) -> usize {
    let root = ScopePath::root();
    let permission = "organization:manage-access";
    let candidates = rules.graph.candidates("user", permission, at(&root), now, None, true);
    let is_admin = |set: &usize| candidates.role_sets.get(*set).is_some_and(|held| held.contains(RoleName::ADMIN));
    candidates.people.iter().filter(|(_, set)| is_admin(set)).count()
}

#[cfg(test)]
mod tests;
