//! Gates: how many people can pass what somebody must be able to pass, guardrails included.

use crate::model::{GateBounds, Moment, Permission, ScopeKind, ScopePath};

use super::decide::{Rules, Who};
use super::graph::{Resource, Subject};

/// What is watched at every production environment, set or not.
const ALWAYS: [&str; 2] = ["deploy:run", "deploy:approve"];

/// A gate and how many people can pass it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateState {
    /// Where.
    pub scope: ScopePath,
    /// What passes it.
    pub permission: Permission,
    /// How many must and may; `None`: nobody set it, and it is watched because it is production.
    pub bounds: Option<GateBounds>,
    /// How many users can pass. Guardrails that read what only a caller knows are left out.
    pub passing: usize,
}

/// Whether a gate is as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// Within its bounds.
    Within,
    /// Fewer than must.
    BelowMinimum,
    /// More than may.
    AboveMaximum,
}

impl Liveness {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::BelowMinimum => "below-minimum",
            Self::AboveMaximum => "above-maximum",
        }
    }
}

impl GateState {
    /// Whether it is as it must be; a gate nobody set must be passed by somebody.
    pub fn liveness(&self) -> Liveness {
        let minimum = self.bounds.map_or(1, GateBounds::minimum);
        let maximum = self.bounds.and_then(GateBounds::maximum);
        let is_above = |bound: u32| usize::try_from(bound).is_ok_and(|bound| self.passing > bound);
        if usize::try_from(minimum).is_ok_and(|minimum| self.passing < minimum) {
            Liveness::BelowMinimum
        } else if maximum.is_some_and(is_above) {
            Liveness::AboveMaximum
        } else {
            Liveness::Within
        }
    }
}

/// The gates of an organization: those that are set, and deploying and approving at every production environment.
fn watched<'a>(rules: &Rules<'a>) -> Vec<(&'a ScopePath, &'a Permission, Option<GateBounds>)> {
    let mut watched = Vec::new();
    for scope in rules.graph.scopes() {
        watched.extend(scope.gates.iter().map(|(permission, bounds)| (&scope.path, permission, Some(*bounds))));
        let place = rules.graph.whereabouts(at(&scope.path));
        if scope.path.kind() == ScopeKind::Environment && place.is_some_and(|place| place.production) {
            let known = ALWAYS.iter().filter_map(|name| rules.graph.catalogue().entry(name));
            let unset = known.filter(|(permission, _)| !scope.gates.contains_key(*permission));
            watched.extend(unset.map(|(permission, _)| (&scope.path, permission, None)));
        }
    }
    watched.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    watched
}

/// A scope as a resource.
pub fn at(path: &ScopePath) -> Resource<'_> {
    Resource { resource_type: path.kind().as_str(), id: path.as_str() }
}

/// The users who can do something somewhere, guardrails that read what only a caller knows left out.
pub fn who(rules: &Rules<'_>, scope: &ScopePath, permission: &str, now: Moment, limit: usize) -> Vec<Subject> {
    let who = Who { subject_type: "user", permission, resource: at(scope), circumstances: None };
    rules.subjects_who_may(&who, now, None, limit)
}

/// Every gate with how many users can pass it, by scope and permission.
pub fn all(rules: &Rules<'_>, now: Moment) -> Vec<GateState> {
    watched(rules)
        .into_iter()
        .map(|(scope, permission, bounds)| GateState {
            scope: scope.clone(),
            permission: permission.clone(),
            bounds,
            passing: who(rules, scope, permission.as_str(), now, usize::MAX).len(),
        })
        .collect()
}

/// The gates somebody can pass before a change and nobody after it.
pub fn closed_by(before: &Rules<'_>, after: &Rules<'_>, now: Moment) -> Vec<GateState> {
    let somebody = |rules: &Rules<'_>, scope: &ScopePath, permission: &Permission| {
        !who(rules, scope, permission.as_str(), now, 1).is_empty()
    };
    watched(after)
        .into_iter()
        .filter(|(scope, permission, _)| somebody(before, scope, permission) && !somebody(after, scope, permission))
        .map(|(scope, permission, bounds)| GateState {
            scope: scope.clone(),
            permission: permission.clone(),
            bounds,
            passing: 0,
        })
        .collect()
}
