//! Who may, where may one, what may one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Moment, Permission, Principal, RoleVersion, ScopeKind};

use super::dense::Bits;
use super::find::Place;
use super::roles::PermissionNumber;
use super::{Graph, Resource, Subject};

/// Everybody the assignments allow something, each with the roles held at the resource.
#[derive(Debug, Default)]
pub struct Candidates {
    /// In the order of ids; the number is a place in `role_sets`.
    pub people: Vec<(Subject, usize)>,
    /// Names of roles held together; one empty set where roles were not asked for.
    pub role_sets: Vec<BTreeSet<String>>,
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
        let Some((permission, place)) = self.roles.permission(permission).zip(self.place(resource)) else {
            return Vec::new();
        };
        let allowed = self.allowed(&self.holders(place, now), permission);
        let of_type = self.of_type(&allowed, subject_type, now, after);
        let mut found: Vec<Subject> = of_type.into_iter().map(|(_, subject)| subject).collect();
        if found.len() > limit {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        found
    }

    /// The same with the roles each holds there, if they are asked for.
    pub(crate) fn candidates(
        &self,
        subject_type: &str,
        permission: &str,
        resource: Resource<'_>,
        now: Moment,
        after: Option<Subject>,
        with_roles: bool,
    ) -> Candidates {
        let Some((permission, place)) = self.roles.permission(permission).zip(self.place(resource)) else {
            return Candidates::default();
        };
        let holders = self.holders(place, now);
        let mut found = self.of_type(&self.allowed(&holders, permission), subject_type, now, after);
        found.sort_unstable_by_key(|(_, subject)| *subject);
        if !with_roles {
            let people = found.into_iter().map(|(_, subject)| (subject, 0)).collect();
            return Candidates { people, role_sets: vec![BTreeSet::new()] };
        }
        let mut numbers: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut role_sets = Vec::new();
        let mut people = Vec::with_capacity(found.len());
        for (number, subject) in found {
            let held = holders.iter().filter(|(_, everybody)| everybody.contains(number)).map(|(role, _)| *role);
            let held: Vec<u32> = held.collect();
            let names = |held: &[u32]| held.iter().filter_map(|role| self.roles.version(*role)).map(named).collect();
            let set = *numbers.entry(held).or_insert_with_key(|held| {
                role_sets.push(names(held));
                role_sets.len().saturating_sub(1)
            });
            people.push((subject, set));
        }
        Candidates { people, role_sets }
    }

    /// Everybody who holds a role that allows it.
    fn allowed(&self, holders: &BTreeMap<u32, Bits>, permission: PermissionNumber) -> Bits {
        let mut people = Bits::default();
        for (role, everybody) in holders {
            if self.roles.allows(*role, permission) {
                people.extend(everybody);
            }
        }
        people
    }

    /// Those of a type that take part, after one, in no order.
    fn of_type(&self, people: &Bits, subject_type: &str, now: Moment, after: Option<Subject>) -> Vec<(u32, Subject)> {
        let service = subject_type == "service";
        if !service && subject_type != "user" {
            return Vec::new();
        }
        let wanted = |number: u32| {
            let subject = *self.subjects.key(number)?;
            let of_type = matches!(subject, Subject::Service(_)) == service;
            let later = after.is_none_or(|after| subject > after);
            let takes_part = || self.subjects.get(number).is_some_and(|record| self.takes_part(record, now).is_ok());
            (of_type && later && takes_part()).then_some((number, subject))
        };
        people.iter().filter_map(wanted).collect()
    }

    /// Who holds which role at a place now, whether taking part or not, by the role's number.
    pub(super) fn holders(&self, place: Place, now: Moment) -> BTreeMap<u32, Bits> {
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
        by_role
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

fn named(version: &RoleVersion) -> String {
    version.role.to_string()
}
