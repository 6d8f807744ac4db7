//! The question itself: may this subject do this here, now?

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::model::{Assignment, Moment, RoleName};

use super::assigned::{Assigned, Held};
use super::find::Place;
use super::roles::PermissionNumber;
use super::scopes::Chain;
use super::subjects::SubjectRecord;
use super::{Graph, Resolved, Resource, Standing, Subject};

/// What the assignments say; guardrails come after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'g> {
    /// Allowed by an assignment, or denied.
    pub outcome: Result<Grant<'g>, Denial>,
    /// When the clock alone may change the answer.
    pub next_turn: Option<Moment>,
    /// Whether the resource is production.
    pub production: bool,
}

/// What allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'g> {
    /// The assignment that holds longest.
    pub assignment: &'g Assignment,
}

/// Why the assignments do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// Nobody of that name.
    UnknownSubject,
    /// More than one of that name.
    AmbiguousSubject,
    /// Not in the catalogue.
    UnknownPermission,
    /// No such scope or resource.
    UnknownResource,
    /// Deactivated, suspended or deleted.
    NotActive(Standing),
    /// A service past its end.
    ServiceExpired,
    /// A service whose owner is not active.
    OwnerNotActive,
    /// Nothing that holds now allows it here.
    NotAssigned,
}

/// How long an answer may be used without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Microseconds, for production.
    pub production: i64,
    /// Microseconds, for everything else.
    pub other: i64,
}

impl Default for Lifetimes {
    /// Not at all for production, a minute else.
    fn default() -> Self {
        Self { production: 0, other: 60_000_000 }
    }
}

impl Lifetimes {
    /// Until when an answer given at `now` may be used.
    pub fn valid_until(self, now: Moment, production: bool, next_turn: Option<Moment>) -> Moment {
        let longest = now.plus_micros(if production { self.production } else { self.other });
        next_turn.map_or(longest, |turn| turn.min(longest)).max(now)
    }
}

/// What was found so far on the way through the assignments.
#[derive(Default)]
struct Found {
    held: Option<Held>,
    begins: Option<Moment>,
}

impl Graph {
    /// Whether the assignments allow it. Anything unknown is denied.
    pub fn may(&self, subject: Subject, permission: &str, resource: Resource<'_>, now: Moment) -> Answer<'_> {
        match self.resolve(subject, permission, resource) {
            Ok(question) => self.answer(&question, now),
            Err(denial) => Answer { outcome: Err(denial), next_turn: None, production: true },
        }
    }

    /// Whether the assignments allow what was resolved against this same graph.
    pub fn answer(&self, question: &Resolved, now: Moment) -> Answer<'_> {
        let Place { chain, production } = question.place;
        let denied = |denial| Answer { outcome: Err(denial), next_turn: None, production };
        let Some(record) = self.subjects.get(question.subject) else { return denied(Denial::UnknownSubject) };
        let ends = match self.takes_part(record, now) {
            Ok(ends) => ends,
            Err(denial) => return denied(denial),
        };
        let found = self.look(record, question.permission, chain, now);
        let Some(assignment) = found.held.and_then(|held| self.assignments.get(&held.id)) else {
            return Answer { outcome: Err(Denial::NotAssigned), next_turn: earlier(found.begins, ends), production };
        };
        let next_turn = earlier(assignment.validity.until(), ends);
        Answer { outcome: Ok(Grant { assignment }), next_turn, production }
    }

    /// The roles a subject holds at a resource now, and when the clock changes that.
    pub fn roles_at(&self, question: &Resolved, now: Moment) -> (BTreeSet<&RoleName>, Option<Moment>) {
        let (mut roles, mut next_turn) = (BTreeSet::new(), None);
        if let Some(record) = self.subjects.get(question.subject) {
            self.each_assigned(record, |assigned| {
                for held in question.place.chain.iter().flat_map(|scope| assigned.at(scope)) {
                    next_turn = earlier(next_turn, held.next_turn(now));
                    if held.validity.holds(now) {
                        roles.extend(self.roles.version(held.role).map(|version| &version.role));
                    }
                }
                ControlFlow::Continue(())
            });
        }
        (roles, next_turn)
    }

    /// What a subject holds now, itself (`true`) or through groups; nothing where it does not take part.
    pub fn held_by(&self, subject: Subject, now: Moment) -> Vec<(&Assignment, bool)> {
        let record = self.subjects.number(&subject).and_then(|number| self.subjects.get(number));
        let Some(record) = record.filter(|record| self.takes_part(record, now).is_ok()) else { return Vec::new() };
        let mut held = Vec::new();
        self.each_assigned(record, |assigned| {
            let now_held = assigned.iter().filter(|one| one.validity.holds(now));
            held.extend(now_held.filter_map(|one| {
                let assignment = self.assignments.get(&one.id)?;
                Some((assignment, assignment.principal.id() == subject.id()))
            }));
            ControlFlow::Continue(())
        });
        held
    }

    /// Whether a subject takes part at all, and when that ends by the clock.
    pub(super) fn takes_part(&self, record: &SubjectRecord, now: Moment) -> Result<Option<Moment>, Denial> {
        match record.standing {
            Standing::Active => {}
            Standing::Unknown => return Err(Denial::UnknownSubject),
            other => return Err(Denial::NotActive(other)),
        }
        let Some(service) = &record.service else { return Ok(None) };
        if service.expires_at <= now {
            return Err(Denial::ServiceExpired);
        }
        match self.subjects.get(service.owner).map(|owner| owner.standing) {
            Some(Standing::Active) => Ok(Some(service.expires_at)),
            _ => Err(Denial::OwnerNotActive),
        }
    }

    /// Visits what is assigned to a subject itself and to each group around it.
    pub(super) fn each_assigned<'g>(
        &'g self,
        record: &'g SubjectRecord,
        mut visit: impl FnMut(&'g Assigned) -> ControlFlow<()>,
    ) {
        if !record.assigned.is_empty() && visit(&record.assigned).is_break() {
            return;
        }
        self.each_group_around(record.groups.as_slice(), |group| match self.groups.get(group) {
            Some(group) if !group.assigned.is_empty() => visit(&group.assigned),
            _ => ControlFlow::Continue(()),
        });
    }

    fn look(&self, record: &SubjectRecord, permission: PermissionNumber, chain: Chain, now: Moment) -> Found {
        let mut found = Found::default();
        let mut weigh = |assigned: &Assigned, scope: u32| {
            for held in assigned.at(scope).filter(|held| self.roles.allows(held.role, permission)) {
                found.weigh(held, now);
            }
            // Nothing holds longer than what has no end.
            match found.held {
                Some(held) if held.validity.until().is_none() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        if chain.iter().any(|scope| weigh(&record.assigned, scope).is_break()) {
            return found;
        }
        // Asked from the scopes' side first: of the groups somebody is in, few are assigned something just here.
        let mut there = self.scopes.with_groups(chain);
        let there = [there.next(), there.next(), there.next()];
        if there.iter().flatten().next().is_none() {
            return found;
        }
        self.each_group_around(record.groups.as_slice(), |group| {
            for (scope, _) in there.iter().flatten().filter(|(_, groups)| groups.contains(group)) {
                if let Some(record) = self.groups.get(group) {
                    weigh(&record.assigned, *scope)?;
                }
            }
            ControlFlow::Continue(())
        });
        found
    }
}

impl Found {
    fn weigh(&mut self, held: &Held, now: Moment) {
        if held.validity.holds(now) {
            let end = |held: &Held| held.validity.until().map_or(i64::MAX, Moment::as_micros);
            if self.held.is_none_or(|best| end(&best) < end(held)) {
                self.held = Some(*held);
            }
        } else if held.validity.from() > now {
            self.begins = earlier(self.begins, Some(held.validity.from()));
        }
    }
}

/// The earlier of two moments that may not be.
pub(super) fn earlier(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
