//! What would change: who gains, who loses, what no longer works.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Assignment, AssignmentId, Moment, Permission, RoleName, RoleVersion, ScopePath};

use super::decide::{Rules, Who};
use super::gates::{Gate, GateState};
use super::graph::{Graph, Resource, Subject};

/// Somebody may do something somewhere, and in everything within.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// Who.
    pub subject: Subject,
    /// What.
    pub permission: Permission,
    /// Where.
    pub scope: ScopePath,
}

/// Somebody would hold roles together that are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// Who.
    pub subject: Subject,
    /// Where.
    pub scope: ScopePath,
    /// Which roles.
    pub roles: Vec<RoleName>,
}

/// What a change would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Who would be allowed what they are not.
    pub gains: BTreeSet<Effect>,
    /// Who would no longer be allowed what they are.
    pub losses: BTreeSet<Effect>,
    /// Conflicts that are not there now.
    pub conflicts: BTreeSet<Conflict>,
    /// Gates that nobody could pass any more.
    pub closed_gates: Vec<(ScopePath, Permission)>,
    /// Users who could still change who may do what.
    pub administrators: BTreeSet<Subject>,
}

impl Difference {
    /// From the rules as they are to the rules as they would be.
    ///
    /// Guardrails that read what only the caller knows are left out, as they are for gates.
    pub fn between(before: Rules<'_>, after: Rules<'_>, now: Moment) -> Self {
        let mut difference = Self::default();
        for (permission, scope) in places(before, after, now) {
            let (was, will) = (who(before, &permission, &scope, now), who(after, &permission, &scope, now));
            let effect =
                |subject: &Subject| Effect { subject: *subject, permission: permission.clone(), scope: scope.clone() };
            difference.gains.extend(will.difference(&was).map(effect));
            difference.losses.extend(was.difference(&will).map(effect));
        }
        widest(&mut difference.gains);
        widest(&mut difference.losses);
        let there = conflicts(before, after, now);
        difference.conflicts = conflicts(after, after, now).difference(&there).cloned().collect();
        let closed = |gate: &Gate| gate.state() == GateState::Closed;
        let place = |gate: Gate| (gate.scope, gate.permission);
        let were: BTreeSet<_> = before.gates(now).into_iter().filter(closed).map(place).collect();
        // A gate that comes closed counts, too.
        let will = after.gates(now).into_iter().filter(closed).map(place);
        difference.closed_gates = will.filter(|gate| !were.contains(gate)).collect();
        if let Ok(permission) = "organization:manage-access".parse() {
            difference.administrators = who(after, &permission, &ScopePath::root(), now);
        }
        difference
    }

    /// Whether nothing would change for anybody.
    pub fn is_empty(&self) -> bool {
        self.gains.is_empty() && self.losses.is_empty() && self.conflicts.is_empty() && self.closed_gates.is_empty()
    }

    /// Equal for equal differences alone: what was previewed is applied only if it still does the same.
    pub fn fingerprint(&self) -> String {
        // Every text in it is of characters that never end a line, so lines tell entries apart.
        let mut canonical = String::new();
        let mut line = |parts: &[&str]| {
            canonical.push_str(&parts.join(" "));
            canonical.push('\n');
        };
        for (sign, effects) in [("+", &self.gains), ("-", &self.losses)] {
            for Effect { subject, permission, scope } in effects {
                line(&[sign, kind(*subject), &subject.id().to_string(), permission.as_str(), scope.as_str()]);
            }
        }
        for Conflict { subject, scope, roles } in &self.conflicts {
            let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
            line(&["!", kind(*subject), &subject.id().to_string(), scope.as_str(), &roles.join(",")]);
        }
        for (scope, permission) in &self.closed_gates {
            line(&["x", scope.as_str(), permission.as_str()]);
        }
        for subject in &self.administrators {
            line(&["a", &subject.id().to_string()]);
        }
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }
}

const fn kind(subject: Subject) -> &'static str {
    match subject {
        Subject::User(_) => "user",
        Subject::Service(_) => "service",
    }
}

fn who(rules: Rules<'_>, permission: &Permission, scope: &ScopePath, now: Moment) -> BTreeSet<Subject> {
    let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
    let found = ["user", "service"].into_iter().flat_map(|subject_type| {
        let who = Who { subject_type, permission: permission.as_str(), resource, circumstances: None };
        rules.subjects_who_may(&who, now, None, usize::MAX)
    });
    found.collect()
}

/// Drops what is said of a wider scope already.
fn widest(effects: &mut BTreeSet<Effect>) {
    let all = effects.clone();
    effects.retain(|effect| {
        let mut wider = effect.scope.ancestors().skip(1);
        !wider.any(|scope| all.contains(&Effect { scope, ..effect.clone() }))
    });
}

/// The permissions and scopes at which anybody's answer can differ.
fn places(before: Rules<'_>, after: Rules<'_>, now: Moment) -> BTreeSet<(Permission, ScopePath)> {
    let mut roots: BTreeSet<(Permission, ScopePath)> = BTreeSet::new();
    // A guardrail that reads roles makes what is allowed by one role depend on the others.
    let reads_roles = |permission: &Permission| {
        let bearing = [before, after].into_iter().filter_map(|rules| rules.guardrails.on(permission.as_str(), false));
        bearing.into_iter().any(|bearing| bearing.reads_roles())
    };
    let mut add = |graph: &Graph, assignment: &Assignment| {
        let role = graph.role(&assignment.role);
        let allowed = graph.catalogue().permissions().map(|(permission, _)| permission);
        let allowed =
            allowed.filter(|permission| role.is_some_and(|role| role.allows(permission)) || reads_roles(permission));
        roots.extend(allowed.map(|permission| (permission.clone(), assignment.scope.clone())));
    };
    let ids: BTreeSet<AssignmentId> =
        [before, after].iter().flat_map(|rules| rules.graph.assignments()).map(|one| one.id).collect();
    for id in ids {
        let (was, will) = (held(before.graph, id), held(after.graph, id));
        let same_people = || match was.or(will) {
            Some((one, _)) => before.graph.people(one.principal, now) == after.graph.people(one.principal, now),
            None => true,
        };
        if was != will || before.graph.catalogue() != after.graph.catalogue() || !same_people() {
            if let Some((assignment, _)) = was {
                add(before.graph, assignment);
            }
            if let Some((assignment, _)) = will {
                add(after.graph, assignment);
            }
        }
    }
    let scopes: BTreeMap<&ScopePath, bool> = [after, before].iter().flat_map(|rules| scopes(rules.graph)).collect();
    let mut places = roots.clone();
    // Within an affected scope the answer can differ from the scope's own where something else is assigned or forbidden.
    let assigned: BTreeSet<&ScopePath> =
        [before, after].iter().flat_map(|rules| rules.graph.assignments()).map(|one| &one.scope).collect();
    for (permission, root) in &roots {
        let judged = [before, after].iter().any(|rules| rules.guardrails.on(permission.as_str(), false).is_some());
        let within = scopes.keys().filter(|scope| root.contains(scope) && (judged || assigned.contains(**scope)));
        places.extend(within.map(|scope| (permission.clone(), (*scope).clone())));
    }
    // Guardrails that differ, and scopes that come, go or change between production and not.
    let texts = |rules: Rules<'_>| rules.guardrails.iter().map(|one| one.text().to_owned()).collect::<BTreeSet<_>>();
    let (was, will) = (texts(before), texts(after));
    for (permission, _) in after.graph.catalogue().permissions() {
        let bearing = [before, after].into_iter().flat_map(|rules| rules.guardrails.iter());
        let mut differing = bearing.filter(|one| was.contains(one.text()) != will.contains(one.text()));
        if differing.any(|one| one.bears_on(permission)) {
            places.extend(scopes.keys().map(|scope| (permission.clone(), (*scope).clone())));
        }
        let moved = scopes.keys().filter(|scope| state(before.graph, scope) != state(after.graph, scope));
        places.extend(moved.map(|scope| (permission.clone(), (*scope).clone())));
    }
    places
}

type Held<'g> = (&'g Assignment, Option<&'g RoleVersion>);

fn held(graph: &Graph, id: AssignmentId) -> Option<Held<'_>> {
    let assignment = graph.assignment(id)?;
    Some((assignment, graph.role(&assignment.role)))
}

fn scopes(graph: &Graph) -> impl Iterator<Item = (&ScopePath, bool)> {
    graph.scopes().map(|scope| (&scope.path, scope.production))
}

/// Whether a scope is there, and production.
fn state(graph: &Graph, scope: &ScopePath) -> Option<bool> {
    let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
    graph.whereabouts(resource).map(|place| place.production)
}

/// Who holds roles together that `by` keeps apart.
fn conflicts(rules: Rules<'_>, by: Rules<'_>, now: Moment) -> BTreeSet<Conflict> {
    let mut found = BTreeSet::new();
    for roles in by.guardrails.iter().flat_map(super::guardrail::Guardrail::roles_apart) {
        let concerned = rules.graph.assignments().filter(|assignment| roles.contains(&assignment.role));
        let scopes: BTreeSet<&ScopePath> = concerned.map(|assignment| &assignment.scope).collect();
        for scope in scopes {
            let people = rules.graph.holders_of_all(roles, scope, now);
            found.extend(people.into_iter().map(|subject| Conflict {
                subject,
                scope: scope.clone(),
                roles: roles.clone(),
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests;
