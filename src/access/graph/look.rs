//! What the graph holds, to be shown.

use std::collections::BTreeMap;

use crate::model::{Assignment, AssignmentId, Catalogue, RoleName, RoleVersion, Scope, ScopePath};

use super::Graph;

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
}
