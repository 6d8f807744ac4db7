//! How an answer came about, and what would change it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Assignment, GroupId, Moment, Principal, RoleName, RoleVersion};

use super::assigned::{Assigned, Held};
use super::{Denial, Graph, Resolved, Resource, Subject};

/// From the subject to what is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Groups from the one the subject is in to the one that is assigned the role; none: assigned to the subject.
    pub groups: Vec<GroupId>,
    /// What is assigned.
    pub assignment: Assignment,
    /// The role as it is now.
    pub role: RoleVersion,
}

/// A change that would allow what the assignments do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Something is assigned already and begins later.
    Wait(Path),
    /// Something was assigned and has ended.
    Renew(Path),
    /// A member of this group would be allowed.
    Join {
        /// The group.
        group: GroupId,
        /// What it is assigned.
        assignment: Assignment,
        /// How many permissions joining brings, counted at each scope.
        gives: usize,
    },
    /// The role that gives least besides, at the resource's scope.
    Assign {
        /// The role.
        role: RoleName,
        /// How many permissions it gives.
        gives: usize,
    },
}

impl Graph {
    /// How a subject comes to be allowed it: the fewest groups, then what holds longest.
    pub(crate) fn path(&self, question: &Resolved, now: Moment) -> Option<Path> {
        let end = |path: &Path| Reverse(path.assignment.validity.until().map_or(i64::MAX, Moment::as_micros));
        let holding = self.paths(question).into_iter().filter(|path| path.assignment.validity.holds(now));
        holding.min_by_key(|path| (path.groups.len(), end(path), path.assignment.id))
    }

    /// What would allow it, the least first: at most one of each kind.
    ///
    /// Empty where no assignment would help: an unknown name, or a subject that does not take part.
    pub(crate) fn openings(
        &self,
        subject: Subject,
        permission: &str,
        resource: Resource<'_>,
        now: Moment,
    ) -> Vec<Opening> {
        let Ok(question) = self.resolve(subject, permission, resource) else { return Vec::new() };
        if self.answer(&question, now).outcome.err() != Some(Denial::NotAssigned) {
            return Vec::new();
        }
        let mut later = None;
        let mut ended = None;
        for path in self.paths(&question) {
            let validity = path.assignment.validity;
            if validity.from() > now {
                let sooner = |other: &Path| validity.from() < other.assignment.validity.from();
                if later.as_ref().is_none_or(sooner) {
                    later = Some(path);
                }
            } else if ended.as_ref().is_none_or(|other: &Path| other.assignment.validity.until() < validity.until()) {
                ended = Some(path);
            }
        }
        let mut openings: Vec<Opening> = later.map(Opening::Wait).into_iter().collect();
        openings.extend(ended.map(Opening::Renew));
        let mut grants: Vec<Opening> = self.least_role(&question).into_iter().collect();
        if matches!(subject, Subject::User(_)) {
            grants.extend(self.least_group(&question, now));
        }
        grants.sort_by_key(Opening::gives);
        openings.extend(grants);
        openings
    }

    /// Every way from a subject to an assignment that allows it, holding or not, the shortest to each.
    fn paths(&self, question: &Resolved) -> Vec<Path> {
        let Some(record) = self.subjects.get(question.subject) else { return Vec::new() };
        let mut paths = Vec::new();
        let mut collect = |assigned: &Assigned, groups: &[GroupId]| {
            for held in question.place.chain.iter().flat_map(|scope| assigned.at(scope)) {
                let path = || {
                    let assignment = self.assignments.get(&held.id)?.clone();
                    Some(Path { groups: groups.to_vec(), assignment, role: self.roles.version(held.role)?.clone() })
                };
                paths.extend(self.roles.allows(held.role, question.permission).then(path).flatten());
            }
        };
        collect(&record.assigned, &[]);
        // Level by level, in the order of ids, so that the same rows give the same way.
        let mut level: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for group in record.groups.as_slice().iter().filter_map(|group| self.groups.key(*group)) {
            level.insert(*group, vec![*group]);
        }
        let mut seen: BTreeSet<GroupId> = BTreeSet::new();
        while !level.is_empty() {
            let mut next: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
            for (group, way) in level {
                let record = self.groups.number(&group).and_then(|number| self.groups.get(number));
                let Some(record) = record.filter(|_| seen.insert(group)) else { continue };
                collect(&record.assigned, &way);
                for outer in record.outer.as_slice().iter().filter_map(|outer| self.groups.key(*outer)) {
                    next.entry(*outer).or_insert_with(|| way.iter().copied().chain([*outer]).collect());
                }
            }
            level = next;
        }
        paths
    }

    /// The role that allows it and least besides.
    fn least_role(&self, question: &Resolved) -> Option<Opening> {
        let roles = self.roles.versions().into_values().filter_map(|version| {
            let number = self.roles.number(&version.role)?;
            self.roles.allows(number, question.permission).then(|| (self.permissions_of(number), &version.role))
        });
        let (gives, role) = roles.min()?;
        Some(Opening::Assign { role: role.clone(), gives })
    }

    /// The group that allows its members it and least besides.
    fn least_group(&self, question: &Resolved, now: Moment) -> Option<Opening> {
        let at_scopes = question.place.chain.iter().filter_map(|scope| self.scopes.get(scope));
        let assignments = at_scopes.flat_map(|scope| &scope.assignments).filter_map(|id| self.assignments.get(id));
        let groups = assignments.filter(|assignment| assignment.validity.holds(now)).filter_map(|assignment| {
            let Principal::Group(group) = assignment.principal else { return None };
            let role = self.roles.number(&assignment.role)?;
            let allows = self.roles.allows(role, question.permission);
            allows.then(|| (self.gives(group, now), assignment.id, group, assignment))
        });
        let (gives, _, group, assignment) = groups.min_by_key(|(gives, id, ..)| (*gives, *id))?;
        Some(Opening::Join { group, assignment: assignment.clone(), gives })
    }

    /// How many permissions a group and those around it bring, counted at each scope.
    fn gives(&self, group: GroupId, now: Moment) -> usize {
        let mut total = 0_usize;
        let direct: Vec<u32> = self.groups.number(&group).into_iter().collect();
        self.each_group_around(&direct, |group| {
            let assigned = self.groups.get(group).map(|record| &record.assigned);
            let holding = assigned.into_iter().flat_map(Assigned::iter).filter(|held: &&Held| held.validity.holds(now));
            total = holding.fold(total, |total, held| total.saturating_add(self.permissions_of(held.role)));
            std::ops::ControlFlow::Continue(())
        });
        total
    }

    fn permissions_of(&self, role: u32) -> usize {
        self.roles.allowed_by(std::iter::once(role)).len()
    }
}

impl Opening {
    /// How many permissions it gives; 0 where nothing new is assigned.
    fn gives(&self) -> usize {
        match self {
            Self::Wait(_) | Self::Renew(_) => 0,
            Self::Join { gives, .. } | Self::Assign { gives, .. } => *gives,
        }
    }
}
