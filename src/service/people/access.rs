//! What a person may do, where, and because of what; and what the organization would miss without the person.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::decide::{Question, Rules};
use crate::access::gates::Gate;
use crate::access::graph::{Path, Resource, Subject};
use crate::db::access::principals;
use crate::model::{Assignment, AssignmentId, Caller, GateBounds, GroupId, Moment, Permission, ScopePath, UserId};
use crate::service::{ServiceError, Services};

/// Scopes that are looked at for one person, at most.
const SCOPES: usize = 500;

/// Something assigned that a person or a service holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// What is assigned.
    pub assignment: Assignment,
    /// The groups it comes through, from the one the person is in; none: assigned to the person.
    pub groups: Vec<String>,
    /// What it allows that nothing else before it does, guardrails taken off.
    pub permissions: BTreeSet<Permission>,
}

/// A gate the person can pass.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The gate.
    pub gate: Gate,
    /// Whether fewer could pass it than must, without the person.
    pub falls_short: bool,
}

/// What a person may do.
#[derive(Debug, Clone, Default)]
pub struct PersonAccess {
    /// What is held, by scope and role.
    pub held: Vec<Held>,
    /// The gates that can be passed.
    pub gates: Vec<Passed>,
}

/// What a person may do now. Blocks.
///
/// # Errors
/// [`ServiceError::Unavailable`] when it cannot be judged.
pub fn access(services: &Services, caller: &Caller, user: UserId) -> Result<PersonAccess, ServiceError> {
    let now = services.clock.now();
    let gates = services.live.judge(caller.organization, |rules, _revision| passed(rules, Subject::User(user), now))?;
    Ok(PersonAccess { held: held(services, caller, Subject::User(user))?, gates })
}

/// What a person or a service holds now, by scope and role. Blocks.
///
/// # Errors
/// [`ServiceError::Unavailable`] when it cannot be judged.
pub fn held(services: &Services, caller: &Caller, subject: Subject) -> Result<Vec<Held>, ServiceError> {
    let now = services.clock.now();
    let paths = services.live.judge(caller.organization, |rules, _revision| paths(rules, subject, now))?;
    let groups: BTreeSet<GroupId> = paths.values().flat_map(|(path, _)| path.groups.iter().copied()).collect();
    let groups: Vec<GroupId> = groups.into_iter().collect();
    let names: BTreeMap<GroupId, String> = services.live.read::<_, ServiceError>(|tx| {
        let named = principals::groups(tx, caller.organization, &groups)?;
        Ok(named.into_iter().map(|group| (group.id, group.name)).collect())
    })?;
    let mut held: Vec<Held> = paths
        .into_values()
        .map(|(path, permissions)| Held {
            groups: path.groups.iter().filter_map(|group| names.get(group).cloned()).collect(),
            assignment: path.assignment,
            permissions,
        })
        .collect();
    held.sort_by(|one, other| {
        let place = |held: &Held| (held.assignment.scope.clone(), held.assignment.role.clone());
        place(one).cmp(&place(other))
    });
    Ok(held)
}

fn paths(rules: &Rules<'_>, subject: Subject, now: Moment) -> BTreeMap<AssignmentId, (Path, BTreeSet<Permission>)> {
    let mut scopes: Vec<&ScopePath> = rules.graph.scopes().map(|scope| &scope.path).collect();
    scopes.sort_unstable();
    let root = ScopePath::root();
    let mut found: BTreeMap<AssignmentId, (Path, BTreeSet<Permission>)> = BTreeMap::new();
    for scope in std::iter::once(&root).chain(scopes.into_iter().filter(|scope| **scope != root)).take(SCOPES) {
        let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
        let question = Question { subject: Ok(subject), permission: "", resource, circumstances: None };
        for permission in rules.permissions_at(&question, now, None, usize::MAX) {
            let resolved = rules.graph.resolve(subject, permission.as_str(), resource);
            let Some(path) = resolved.ok().and_then(|resolved| rules.graph.path(&resolved, now)) else { continue };
            let entry = found.entry(path.assignment.id).or_insert_with(|| (path, BTreeSet::new()));
            entry.1.insert(permission.clone());
        }
    }
    found
}

fn passed(rules: &Rules<'_>, subject: Subject, now: Moment) -> Vec<Passed> {
    let passes = |(scope, permission, _): &(ScopePath, Permission, GateBounds)| {
        let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
        let permission = permission.as_str();
        let question = Question { subject: Ok(subject), permission, resource, circumstances: None };
        rules.decide(&question, now).is_allowed()
    };
    // Who else can pass is counted of those gates alone.
    let gates = rules.watched_gates().into_iter().filter(passes);
    gates
        .map(|watched| rules.gate(watched, now))
        .map(|gate| {
            let left = u32::try_from(gate.passing.saturating_sub(1)).unwrap_or(u32::MAX);
            Passed { falls_short: left < gate.bounds.minimum(), gate }
        })
        .collect()
}
