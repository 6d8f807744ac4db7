//! Who may, where may one, what may one.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Moment, Permission, Principal, ScopeKind};

use super::dense::Bits;
use super::find::Place;
use super::{Graph, Resource, Subject};

/// Who holds which role at a place now: what searching for people starts from.
#[derive(Debug)]
pub(super) struct Holders {
    /// By the role's number: everybody who holds it, whether taking part or not.
    by_role: BTreeMap<u32, Bits>,
}

impl Graph {
    /// Subjects of a type (`user`, `service`) that the assignments allow it, in the order of their ids, after one.
    ///
    /// Unknown names find nobody.
    pub fn subjects_who_may(
        &self,
        subject_type: &str,
        permission: &str,
        resource: Resource<'_>,
        now: Moment,
        after: Option<Subject>,
        limit: usize,
    ) -> Vec<Subject> {
        let mut found: Vec<Subject> = self
            .candidates(subject_type, permission, resource, now)
            .filter(|(_, subject)| after.is_none_or(|after| *subject > after))
            .map(|(_, subject)| subject)
            .collect();
        if found.len() > limit {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        found
    }

    /// Everybody of a type whom the assignments allow it, in no order.
    fn candidates(
        &self,
        subject_type: &str,
        permission: &str,
        resource: Resource<'_>,
        now: Moment,
    ) -> impl Iterator<Item = (u32, Subject)> {
        let mut people = Bits::default();
        if let (Some(permission), Some(place)) = (self.roles.permission(permission), self.place(resource)) {
            for (role, holders) in self.holders(place, now).by_role {
                if self.roles.allows(role, permission) {
                    people.extend(&holders);
                }
            }
        }
        let service = subject_type == "service";
        let known_type = service || subject_type == "user";
        let numbers: Vec<u32> = people.iter().collect();
        numbers.into_iter().filter_map(move |number| {
            let subject = *self.subjects.key(number)?;
            let of_type = known_type && matches!(subject, Subject::Service(_)) == service;
            let record = self.subjects.get(number)?;
            (of_type && self.takes_part(record, now).is_ok()).then_some((number, subject))
        })
    }

    /// Who holds which role at a place now.
    pub(super) fn holders(&self, place: Place, now: Moment) -> Holders {
        let mut by_role: BTreeMap<u32, Bits> = BTreeMap::new();
        let mut groups_done: BTreeSet<(u32, u32)> = BTreeSet::new();
        let at_scopes = place.chain.iter().filter_map(|scope| self.scopes.get(scope));
        let assignments = at_scopes.flat_map(|scope| &scope.assignments).filter_map(|id| self.assignments.get(id));
        for assignment in assignments.filter(|assignment| assignment.validity.holds(now)) {
            let Some(role) = self.roles.number(&assignment.role) else { continue };
            let people = by_role.entry(role).or_default();
            let subject = match assignment.principal {
                Principal::Group(group) => {
                    let group = self.groups.number(&group);
                    if let Some(group) = group.filter(|group| groups_done.insert((role, *group))) {
                        self.add_everybody_in(group, people);
                    }
                    continue;
                }
                Principal::User(user) => Subject::User(user),
                Principal::Service(service) => Subject::Service(service),
            };
            if let Some(number) = self.subjects.number(&subject) {
                people.insert(number);
            }
        }
        Holders { by_role }
    }

    /// Ids of resources of a type at which the assignments allow a subject it, in order, after one.
    pub fn resources_where_may(
        &self,
        subject: Subject,
        permission: &str,
        resource_type: &str,
        now: Moment,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<String> {
        let Some(open) = self.scopes_open_to(subject, permission, now) else { return Vec::new() };
        let within = |scope: u32| self.scopes.chain(scope).iter().any(|around| open.contains(&around));
        let mut found: Vec<&str> = if let Some(kind) = ScopeKind::from_name(resource_type) {
            let of_kind = self.scopes.iter().filter(|(_, scope)| scope.path.kind() == kind);
            of_kind.filter(|(number, _)| within(*number)).map(|(_, scope)| scope.path.as_str()).collect()
        } else {
            let known = |scope: u32| self.scopes.get(scope).is_some_and(|record| record.scope.is_some());
            let leaves = self.scopes.leaves(resource_type).filter(|leaf| known(leaf.scope) && within(leaf.scope));
            leaves.map(|record| record.leaf.id.as_str()).collect()
        };
        found.retain(|id| after.is_none_or(|after| *id > after));
        if found.len() > limit {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        found.into_iter().map(str::to_owned).collect()
    }

    /// The scopes at which something assigned to a subject allows it now.
    fn scopes_open_to(&self, subject: Subject, permission: &str, now: Moment) -> Option<BTreeSet<u32>> {
        let permission = self.roles.permission(permission)?;
        let record = self.subjects.get(self.subjects.number(&subject)?)?;
        self.takes_part(record, now).ok()?;
        let mut open = BTreeSet::new();
        self.each_assigned(record, |assigned| {
            let holding = assigned.iter().filter(|held| held.validity.holds(now));
            open.extend(holding.filter(|held| self.roles.allows(held.role, permission)).map(|held| held.scope));
            std::ops::ControlFlow::Continue(())
        });
        Some(open)
    }

    /// Permissions the assignments allow a subject at a resource, in order, after one.
    pub fn permissions_at(
        &self,
        subject: Subject,
        resource: Resource<'_>,
        now: Moment,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<&Permission> {
        let record = self.subjects.number(&subject).and_then(|number| self.subjects.get(number));
        let (Some(record), Some(place)) = (record, self.place(resource)) else { return Vec::new() };
        if self.takes_part(record, now).is_err() {
            return Vec::new();
        }
        let mut roles = BTreeSet::new();
        self.each_assigned(record, |assigned| {
            let here = place.chain.iter().flat_map(|scope| assigned.at(scope));
            roles.extend(here.filter(|held| held.validity.holds(now)).map(|held| held.role));
            std::ops::ControlFlow::Continue(())
        });
        let allowed = self.roles.allowed_by(roles.into_iter());
        allowed.into_iter().filter(|one| after.is_none_or(|after| one.as_str() > after)).take(limit).collect()
    }
}
