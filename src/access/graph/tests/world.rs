//! Random organizations, and a plain reading of their rows to hold the graph against.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::model::{Moment, Principal, Validity};

use super::super::*;
use super::rows::*;

pub const USERS: u32 = 6;
pub const GROUPS: u32 = 5;
pub const SCOPES: [&str; 6] = ["/", "/a", "/a/x", "/a/y", "/b", "/b/x"];
const ROLES: [&str; 4] = ["viewer", "deployer", "release-manager", "mine"];
pub const PERMISSIONS: [&str; 4] = ["build:view", "deploy:run", "deploy:approve", "build:ssh"];

/// One thing that happens to an organization.
#[derive(Debug, Clone)]
pub enum Step {
    Standing(u32, bool),
    Membership(u32, u32, bool),
    Nesting(u32, u32, bool),
    Mine(bool),
    Scope(usize, bool),
    Assign(u32, usize, usize, Option<u32>, u32, i64, Option<i64>),
    Unassign(u32),
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..USERS, any::<bool>()).prop_map(|(user, active)| Step::Standing(user, active)),
        6 => (0..GROUPS, 0..USERS, prop::bool::weighted(0.75)).prop_map(|(g, u, joins)| Step::Membership(g, u, joins)),
        3 => (0..GROUPS, 0..GROUPS, prop::bool::weighted(0.75)).prop_map(|(o, i, joins)| Step::Nesting(o, i, joins)),
        1 => any::<bool>().prop_map(Step::Mine),
        2 => (0..SCOPES.len(), prop::bool::weighted(0.8)).prop_map(|(scope, known)| Step::Scope(scope, known)),
        6 => (
            0..8_u32, 0..ROLES.len(), 0..SCOPES.len(), prop::option::of(0..GROUPS), 0..USERS, -2..2_i64,
            prop::option::of(0..3_i64),
        ).prop_map(|(id, role, scope, group, user, from, length)| Step::Assign(id, role, scope, group, user, from, length)),
        2 => (0..8_u32).prop_map(Step::Unassign),
    ]
}

/// The rows as they stand, read plainly.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub active: BTreeSet<u32>,
    seen: BTreeSet<u32>,
    pub members: BTreeSet<(u32, u32)>,
    pub nested: BTreeSet<(u32, u32)>,
    mine: Option<bool>,
    pub scopes: BTreeSet<&'static str>,
    pub assignments: std::collections::BTreeMap<u32, Assignment>,
}

impl World {
    /// Takes a step and says it as a row.
    pub fn take(&mut self, step: &Step) -> Change {
        match *step {
            Step::Standing(number, active) => {
                self.seen.insert(number);
                if active {
                    self.active.insert(number)
                } else {
                    self.active.remove(&number)
                };
                let standing = if active { Standing::Active } else { Standing::Inactive };
                Change::User { subject: user_subject(number), standing }
            }
            Step::Membership(group, member, true) => {
                self.members.insert((group, member));
                joined(group, member)
            }
            Step::Membership(group, member, false) => {
                self.members.remove(&(group, member));
                left(group, member)
            }
            Step::Nesting(outer, inner, true) => {
                self.nested.insert((outer, inner));
                nested(outer, inner)
            }
            Step::Nesting(outer, inner, false) => {
                self.nested.remove(&(outer, inner));
                unnested(outer, inner)
            }
            Step::Mine(with_ssh) => {
                self.mine = Some(with_ssh);
                role("mine", 1, if with_ssh { &["build:ssh"] } else { &["build:view"] })
            }
            Step::Scope(scope_number, true) => {
                self.scopes.insert(SCOPES[scope_number]);
                scope(SCOPES[scope_number])
            }
            Step::Scope(scope_number, false) => {
                self.scopes.remove(SCOPES[scope_number]);
                Change::ScopeRemoved(SCOPES[scope_number].parse().unwrap())
            }
            Step::Assign(id, role, scope, to_group, user, from, length) => {
                let principal = to_group.map_or(user_principal(user), group);
                let from = NOW.plus_micros(from);
                let until = length.map(|length| from.plus_micros(length.max(1)));
                let validity = Validity::new(from, until).unwrap();
                let given = Assignment { validity, ..assignment(id, ROLES[role], SCOPES[scope], principal) };
                self.assignments.insert(id, given.clone());
                Change::Assigned(Box::new(given))
            }
            Step::Unassign(id) => {
                self.assignments.remove(&id);
                Change::Unassigned(assignment_id(id))
            }
        }
    }

    fn is_in(&self, user: u32, asked: Principal) -> bool {
        let mut reached: BTreeSet<u32> = self.members.iter().filter(|row| row.1 == user).map(|row| row.0).collect();
        for _ in 0..GROUPS {
            let more: Vec<u32> =
                self.nested.iter().filter(|(_, inner)| reached.contains(inner)).map(|(outer, _)| *outer).collect();
            reached.extend(more);
        }
        asked == user_principal(user) || reached.into_iter().any(|number| asked == group(number))
    }

    pub fn holds(&self, role: &str, permission: &str) -> bool {
        match role {
            "viewer" => permission == "build:view",
            "deployer" => ["build:view", "deploy:run"].contains(&permission),
            "release-manager" => ["build:view", "deploy:run", "deploy:approve"].contains(&permission),
            _ => self.mine.is_some_and(|ssh| permission == if ssh { "build:ssh" } else { "build:view" }),
        }
    }

    fn may(&self, user: u32, permission: &str, path: &str, now: Moment) -> bool {
        let around = |scope: &str| scope == "/" || path == scope || path.starts_with(&format!("{scope}/"));
        self.active.contains(&user)
            && (path == "/" || self.scopes.contains(path))
            && self.assignments.values().any(|given| {
                let validity = given.validity;
                self.is_in(user, given.principal)
                    && around(given.scope.as_str())
                    && self.holds(given.role.as_str(), permission)
                    && validity.from() <= now
                    && validity.until().is_none_or(|until| now < until)
            })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MUSTER_TEST_LONG").is_some() { 10_000 } else { 300 }))]

    #[test]
    fn the_graph_answers_and_finds_what_a_plain_reading_of_its_rows_does(steps in prop::collection::vec(step(), 0..60)) {
        let (mut world, mut changed) = (World::default(), Graph::empty());
        let mut rows = Vec::new();
        for step in &steps {
            // The organization itself is never removed.
            if matches!(step, Step::Scope(0, false)) {
                continue;
            }
            let row = world.take(step);
            changed.apply(row.clone());
            rows.push(row);
        }
        let mut loading = Graph::load();
        for row in &rows {
            if !matches!(row, Change::Joined(..) | Change::Left(..)) {
                loading.row(row.clone());
            }
        }
        for (outer, inner) in world.nested.iter().rev() {
            loading.row(nested(*outer, *inner));
        }
        for (group, user) in world.members.iter().rev() {
            let Change::Joined(group, member) = joined(*group, *user) else { continue };
            loading.membership(group, member);
        }
        let loaded = loading.finish();
        let now = NOW;
        for graph in [&changed, &loaded] {
            for permission in PERMISSIONS {
                for path in SCOPES {
                    let expected: Vec<Subject> =
                        (0..USERS).filter(|user| world.may(*user, permission, path, now)).map(user_subject).collect();
                    let one_by_one: Vec<Subject> = (0..USERS)
                        .map(user_subject)
                        .filter(|user| graph.may(*user, permission, place(path), now).outcome.is_ok())
                        .collect();
                    prop_assert_eq!(&one_by_one, &expected, "{} at {}", permission, path);
                    prop_assert_eq!(&who(graph, permission, path), &expected, "{} at {}", permission, path);
                }
            }
            for user in 0..USERS {
                for path in SCOPES {
                    let expected: BTreeSet<&str> =
                        PERMISSIONS.into_iter().filter(|permission| world.may(user, permission, path, now)).collect();
                    let found = graph.permissions_at(user_subject(user), place(path), now, None, 99);
                    prop_assert_eq!(found.into_iter().map(crate::model::Permission::as_str).collect::<BTreeSet<_>>(), expected);
                }
                let found = graph.resources_where_may(user_subject(user), "deploy:run", "environment", now, None, 99);
                let expected: Vec<&str> = ["/a/x", "/a/y", "/b/x"]
                    .into_iter()
                    .filter(|path| world.may(user, "deploy:run", path, now))
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn until_the_next_turn_the_clock_changes_no_answer(steps in prop::collection::vec(step(), 0..60)) {
        let (mut world, mut graph) = (World::default(), Graph::empty());
        for step in &steps {
            graph.apply(world.take(step));
        }
        for user in 0..USERS {
            for path in SCOPES {
                let answer = graph.may(user_subject(user), "deploy:run", place(path), NOW);
                for micros in 1..6 {
                    let later = NOW.plus_micros(micros);
                    if answer.next_turn.is_some_and(|turn| turn <= later) {
                        break;
                    }
                    let then = graph.may(user_subject(user), "deploy:run", place(path), later);
                    prop_assert_eq!(then.outcome.is_ok(), answer.outcome.is_ok());
                }
            }
        }
    }
}
