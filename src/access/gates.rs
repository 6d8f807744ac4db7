//! Gate liveness: whether enough people, and not too many, can pass what somebody must be able to pass.

use std::collections::BTreeMap;

use crate::model::{GateBounds, Moment, Permission, ScopeKind, ScopePath};

use super::decide::{Rules, Who};
use super::graph::Resource;

/// Permissions that are a gate at every production environment, with or without bounds of its own.
const AT_PRODUCTION: [&str; 2] = ["deploy:run", "deploy:approve"];

/// A gate and who can pass it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Where.
    pub scope: ScopePath,
    /// What.
    pub permission: Permission,
    /// How many active people can pass it, guardrails included; services do not count.
    pub passing: usize,
    /// How many must and may.
    pub bounds: GateBounds,
}

/// What is to be said of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateState {
    /// Nobody can pass it.
    Closed,
    /// Fewer than must.
    TooFew,
    /// As many as must and may.
    Open,
    /// More than may.
    TooMany,
}

impl GateState {
    /// The word on the surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::TooFew => "too few",
            Self::Open => "open",
            Self::TooMany => "too many",
        }
    }
}

impl Gate {
    /// What is to be said of it. A gate nobody must pass is open with nobody.
    pub fn state(&self) -> GateState {
        let count = u32::try_from(self.passing).unwrap_or(u32::MAX);
        if count < self.bounds.minimum() {
            return if count == 0 { GateState::Closed } else { GateState::TooFew };
        }
        match self.bounds.maximum() {
            Some(maximum) if count > maximum => GateState::TooMany,
            _ => GateState::Open,
        }
    }
}

impl Rules<'_> {
    /// Every gate, by scope and permission: those with bounds, and `deploy:run` and `deploy:approve` at every
    /// production environment, which one person at least must be able to pass unless bounds say otherwise.
    ///
    /// Guardrails that read what only the caller knows (who wrote the commit) are left out: under some circumstances
    /// everybody counted can pass.
    pub fn gates(&self, now: Moment) -> Vec<Gate> {
        self.watched_gates().into_iter().map(|watched| self.gate(watched, now)).collect()
    }

    /// The gates of [`Rules::gates`] with their bounds, without asking who can pass.
    pub fn watched_gates(&self) -> Vec<(ScopePath, Permission, GateBounds)> {
        let mut bounds: BTreeMap<(ScopePath, Permission), GateBounds> = BTreeMap::new();
        let one = GateBounds::new(1, None).ok();
        for scope in self.graph.scopes() {
            let resource = resource(&scope.path);
            let production = self.graph.whereabouts(resource).is_some_and(|place| place.production);
            if production && scope.path.kind() == ScopeKind::Environment {
                let known = self.graph.catalogue().permissions().map(|(permission, _)| permission);
                for permission in known.filter(|permission| AT_PRODUCTION.contains(&permission.as_str())) {
                    bounds.extend(one.map(|one| ((scope.path.clone(), permission.clone()), one)));
                }
            }
            let own = scope.gates.iter();
            bounds.extend(own.map(|(permission, own)| ((scope.path.clone(), permission.clone()), *own)));
        }
        bounds.into_iter().map(|((scope, permission), bounds)| (scope, permission, bounds)).collect()
    }

    /// A gate and who can pass it now.
    pub fn gate(&self, (scope, permission, bounds): (ScopePath, Permission, GateBounds), now: Moment) -> Gate {
        let passing = self.passing(&permission, &scope, now);
        Gate { scope, permission, passing, bounds }
    }

    fn passing(&self, permission: &Permission, scope: &ScopePath, now: Moment) -> usize {
        let who = Who {
            subject_type: "user",
            permission: permission.as_str(),
            resource: resource(scope),
            circumstances: None,
        };
        self.subjects_who_may(&who, now, None, usize::MAX).len()
    }
}

fn resource(scope: &ScopePath) -> Resource<'_> {
    Resource { resource_type: scope.kind().as_str(), id: scope.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::graph::tests::rows::*;
    use crate::access::graph::{Change, Lifetimes};
    use crate::access::guardrail::tests::{guardrail, vocabulary};
    use crate::access::guardrail::{Guardrail, Guardrails};
    use crate::model::{Principal, Scope};

    fn production(gates: &[(&str, u32, Option<u32>)]) -> Change {
        let bounds = |(name, minimum, maximum): &(&str, u32, Option<u32>)| {
            (name.parse().unwrap(), GateBounds::new(*minimum, *maximum).unwrap())
        };
        let gates = gates.iter().map(bounds).collect();
        Change::Scope(Box::new(Scope { production: true, gates, ..scope_of("/billing/production") }))
    }

    fn states(rows: &[Change], rule: Option<&str>) -> Vec<(String, usize, GateState)> {
        let mut graph = graph([user(1), user(2), scope("/billing"), scope("/billing/staging")]);
        for row in rows {
            graph.apply(row.clone());
        }
        let parsed = rule.map(|rule| Guardrail::parse(&guardrail("g", rule), &vocabulary()).unwrap());
        let guardrails = Guardrails::new(parsed, vocabulary());
        let gates = Rules { graph: &graph, guardrails: &guardrails, lifetimes: Lifetimes::default() }.gates(NOW);
        gates.iter().map(|gate| (gate.permission.to_string(), gate.passing, gate.state())).collect()
    }

    #[test]
    fn production_is_watched_without_anybody_asking_and_bounds_are_kept() {
        let run = |count, state| ("deploy:run".to_owned(), count, state);
        let approve = |count, state| ("deploy:approve".to_owned(), count, state);
        let both = [
            assigned(1, "release-manager", "/", user_principal(1)),
            assigned(2, "deployer", "/billing", user_principal(2)),
            assigned(3, "deployer", "/", Principal::Service(service(1, user_id(1), NOW.plus_micros(1)).id)),
            Change::Service(Box::new(service(1, user_id(1), NOW.plus_micros(1)))),
        ];
        assert_eq!(states(&[], None), [], "nothing is production");
        let closed = [approve(0, GateState::Closed), run(0, GateState::Closed)];
        assert_eq!(states(&[production(&[])], None), closed);
        let rows = |gates| [both.to_vec(), vec![production(gates)]].concat();
        assert_eq!(states(&rows(&[]), None), [approve(1, GateState::Open), run(2, GateState::Open)]);
        let bounds = [("deploy:approve", 2, None), ("deploy:run", 0, Some(1))];
        assert_eq!(states(&rows(&bounds), None), [approve(1, GateState::TooFew), run(2, GateState::TooMany)]);
        let nobody = [("deploy:approve", 0, None)];
        assert_eq!(states(&[production(&nobody)], None)[0], approve(0, GateState::Open));
        let forbidding = "forbid (principal, action == Action::\"deploy:run\", resource);";
        let forbidden = [approve(1, GateState::Open), run(0, GateState::Closed)];
        assert_eq!(states(&rows(&[]), Some(forbidding)), forbidden);
        let author = "forbid (principal, action, resource) when { principal.is_author };";
        assert_eq!(states(&rows(&[]), Some(author)), [approve(1, GateState::Open), run(2, GateState::Open)]);
    }
}
