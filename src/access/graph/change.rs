//! Changing the graph row by row.

use crate::model::{
    Assignment, AssignmentId, Catalogue, GroupId, Leaf, LeafId, Member, MemberKind, Principal, ResourceType, RoleName,
    RoleVersion, Scope, ScopePath, Service,
};

use super::assigned::{Assigned, Held};
use super::subjects::ServiceRecord;
use super::{Facts, Graph, Identifier, Standing, Subject};

/// One row that changed, as it is now. Applying it twice is applying it once.
#[derive(Debug, Clone)]
pub enum Change {
    /// Whether a user takes part.
    User {
        /// The user.
        subject: Subject,
        /// As of now.
        standing: Standing,
    },
    /// A service, whole, its name among its identifiers.
    Service(Box<Service>),
    /// All texts by which a user is known.
    Identifiers {
        /// The user.
        subject: Subject,
        /// All of them.
        identifiers: Vec<Identifier>,
    },
    /// Everything guardrails may read of a user.
    Facts {
        /// The user.
        subject: Subject,
        /// All of it.
        facts: Box<Facts>,
    },
    /// A member joined a group.
    Joined(GroupId, Member),
    /// A member left a group.
    Left(GroupId, Member),
    /// A group was deleted: nobody is in it, and it is in no other.
    GroupDeleted(GroupId),
    /// The catalogue, whole.
    Catalogue(Box<Catalogue>),
    /// A role at its current version.
    Role(Box<RoleVersion>),
    /// A role was removed: assignments of it give nothing.
    RoleRemoved(RoleName),
    /// A scope as it is now.
    Scope(Box<Scope>),
    /// A scope was removed: asking about it is denied.
    ScopeRemoved(ScopePath),
    /// A resource below a scope.
    Leaf(Box<Leaf>),
    /// A resource below a scope was removed.
    LeafRemoved(ResourceType, LeafId),
    /// An assignment as it is now, begun or not.
    Assigned(Box<Assignment>),
    /// An assignment was ended or removed.
    Unassigned(AssignmentId),
}

impl Graph {
    /// Applies one row.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::User { subject, standing } => self.set_standing(subject, standing),
            Change::Service(service) => self.set_service(&service),
            Change::Identifiers { subject, identifiers } => self.identify(subject, identifiers),
            Change::Facts { subject, facts } => self.describe(subject, *facts),
            Change::Joined(group, member) => self.join(group, member),
            Change::Left(group, member) => self.leave(group, member),
            Change::GroupDeleted(group) => self.delete_group(group),
            Change::Catalogue(catalogue) => self.roles.set_catalogue(*catalogue),
            Change::Role(version) => self.roles.set(*version),
            Change::RoleRemoved(role) => self.roles.remove(&role),
            Change::Scope(scope) => self.scopes.set(*scope),
            Change::ScopeRemoved(path) => self.scopes.remove(&path),
            Change::Leaf(leaf) => self.scopes.set_leaf(*leaf),
            Change::LeafRemoved(resource_type, id) => self.scopes.remove_leaf(&resource_type, &id),
            Change::Assigned(assignment) => self.assign(*assignment),
            Change::Unassigned(id) => self.unassign(id),
        }
    }

    fn set_standing(&mut self, subject: Subject, standing: Standing) {
        if let Some(record) = self.subjects.entry(&subject) {
            record.standing = standing;
        }
    }

    fn set_service(&mut self, service: &Service) {
        let subject = Subject::Service(service.id);
        let owner = self.subjects.intern(&Subject::User(service.owner));
        if let Some(record) = self.subjects.entry(&subject) {
            record.standing = if service.stopped_at.is_some() { Standing::Deleted } else { Standing::Active };
            record.service = Some(Box::new(ServiceRecord { owner, expires_at: service.expires_at }));
        }
        self.identify(subject, vec![Identifier::name(service.name.as_str())]);
    }

    fn join(&mut self, group: GroupId, member: Member) {
        let outer = self.groups.intern(&group);
        match member.kind {
            MemberKind::User => {
                let subject = self.subjects.intern(&Subject::User(member.id.into()));
                self.groups.get_mut(outer).into_iter().for_each(|record| record.members.insert(subject));
                self.subjects.get_mut(subject).into_iter().for_each(|record| record.groups.insert(outer));
            }
            MemberKind::Group => {
                let inner = self.groups.intern(&member.id.into());
                self.groups.get_mut(outer).into_iter().for_each(|record| record.inner.insert(inner));
                self.groups.get_mut(inner).into_iter().for_each(|record| record.outer.insert(outer));
            }
        }
    }

    fn leave(&mut self, group: GroupId, member: Member) {
        let Some(outer) = self.groups.number(&group) else { return };
        match member.kind {
            MemberKind::User => {
                let Some(subject) = self.subjects.number(&Subject::User(member.id.into())) else { return };
                self.groups.get_mut(outer).into_iter().for_each(|record| record.members.remove(subject));
                self.subjects.get_mut(subject).into_iter().for_each(|record| record.groups.remove(outer));
            }
            MemberKind::Group => {
                let Some(inner) = self.groups.number(&GroupId::from(member.id)) else { return };
                self.groups.get_mut(outer).into_iter().for_each(|record| record.inner.remove(inner));
                self.groups.get_mut(inner).into_iter().for_each(|record| record.outer.remove(outer));
            }
        }
    }

    fn delete_group(&mut self, group: GroupId) {
        let Some(number) = self.groups.number(&group) else { return };
        let Some(record) = self.groups.get_mut(number) else { return };
        let (members, inner, outer) = (record.members.take(), record.inner.take(), record.outer.take());
        for subject in members {
            self.subjects.get_mut(subject).into_iter().for_each(|record| record.groups.remove(number));
        }
        for group in inner {
            self.groups.get_mut(group).into_iter().for_each(|record| record.outer.remove(number));
        }
        for group in outer {
            self.groups.get_mut(group).into_iter().for_each(|record| record.inner.remove(number));
        }
    }

    fn assign(&mut self, assignment: Assignment) {
        self.unassign(assignment.id);
        let held = Held {
            scope: self.scopes.intern(&assignment.scope),
            role: self.roles.intern(&assignment.role),
            id: assignment.id,
            validity: assignment.validity,
        };
        let group = match assignment.principal {
            Principal::Group(group) => Some(self.groups.intern(&group)),
            Principal::User(_) | Principal::Service(_) => None,
        };
        if let Some(record) = self.scopes.get_mut(held.scope) {
            record.assignments.insert(assignment.id);
            if let Some(group) = group {
                record.groups.insert(group);
            }
        }
        if let Some(assigned) = self.assigned_to(assignment.principal) {
            assigned.insert(held);
        }
        self.assignments.insert(assignment.id, assignment);
    }

    fn unassign(&mut self, id: AssignmentId) {
        let Some(assignment) = self.assignments.remove(&id) else { return };
        let scope = self.scopes.intern(&assignment.scope);
        if let Some(record) = self.scopes.get_mut(scope) {
            record.assignments.remove(&id);
        }
        let Some(assigned) = self.assigned_to(assignment.principal) else { return };
        assigned.remove(scope, id);
        let was_last = assigned.at(scope).next().is_none();
        if let Principal::Group(group) = assignment.principal
            && was_last
            && let Some(number) = self.groups.number(&group)
            && let Some(record) = self.scopes.get_mut(scope)
        {
            record.groups.remove(number);
        }
    }

    fn assigned_to(&mut self, principal: Principal) -> Option<&mut Assigned> {
        match principal {
            Principal::Group(group) => self.groups.entry(&group).map(|record| &mut record.assigned),
            Principal::User(user) => self.subjects.entry(&Subject::User(user)).map(|record| &mut record.assigned),
            Principal::Service(service) => {
                self.subjects.entry(&Subject::Service(service)).map(|record| &mut record.assigned)
            }
        }
    }
}
