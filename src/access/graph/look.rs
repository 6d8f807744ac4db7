//! What the graph holds, to be shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Assignment, AssignmentId, Catalogue, Moment, Principal, RoleName, RoleVersion, Scope, ScopePath};

use super::dense::Bits;
use super::{Graph, Resource, Subject};

impl Graph {
    /// The permissions the organization knows.
    pub fn catalogue(&self) -> &Catalogue {
        self.roles.catalogue()
    }

    /// A role at its current version.
    pub fn role(&self, name: &RoleName) -> Option<&RoleVersion> {
        self.roles.named(name)
    }

    /// Every role at its current version, by name.
    pub fn roles(&self) -> BTreeMap<&RoleName, &RoleVersion> {
        self.roles.versions()
    }

    /// A scope.
    pub fn scope(&self, path: &ScopePath) -> Option<&Scope> {
        self.scopes.known(path.as_str()).map(|(_, scope)| scope)
    }

    /// Every scope, in no order.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.iter().map(|(_, scope)| scope)
    }

    /// An assignment.
    pub fn assignment(&self, id: AssignmentId) -> Option<&Assignment> {
        self.assignments.get(&id)
    }

    /// Every assignment, in no order.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.values()
    }

    /// Everybody who takes part and holds what is assigned to a principal.
    pub fn people(&self, principal: Principal, now: Moment) -> BTreeSet<Subject> {
        let mut people = Bits::default();
        match principal {
            Principal::Group(group) => {
                if let Some(group) = self.groups.number(&group) {
                    self.add_everybody_in(group, &mut people);
                }
            }
            Principal::User(user) => self.add(Subject::User(user), &mut people),
            Principal::Service(service) => self.add(Subject::Service(service), &mut people),
        }
        self.taking_part(&people, now)
    }

    /// Everybody who takes part and holds every one of these roles at a scope.
    pub(crate) fn holders_of_all(&self, roles: &[RoleName], scope: &ScopePath, now: Moment) -> BTreeSet<Subject> {
        let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
        let Some(place) = self.place(resource) else { return BTreeSet::new() };
        let holders = self.holders(place, now);
        let held = |role: &RoleName| holders.get(&self.roles.number(role)?);
        let Some(each) = roles.iter().map(held).collect::<Option<Vec<&Bits>>>() else { return BTreeSet::new() };
        let Some((first, others)) = each.split_first() else { return BTreeSet::new() };
        let mut all = Bits::default();
        for number in first.iter().filter(|number| others.iter().all(|other| other.contains(*number))) {
            all.insert(number);
        }
        self.taking_part(&all, now)
    }

    fn add(&self, subject: Subject, people: &mut Bits) {
        if let Some(number) = self.subjects.number(&subject) {
            people.insert(number);
        }
    }

    fn taking_part(&self, people: &Bits, now: Moment) -> BTreeSet<Subject> {
        let present = |number: &u32| self.subjects.get(*number).is_some_and(|one| self.takes_part(one, now).is_ok());
        people.iter().filter(present).filter_map(|number| self.subjects.key(number).copied()).collect()
    }
}
