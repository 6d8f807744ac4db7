//! Roles that a connection may assign.

use super::{AssignmentSource, ConnectionId, Moment, ResourceId, RoleName, ScopePath};

/// A role at a scope that an administrator has offered to a connection: users that the connection sends with its value
/// among their `roles` are assigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleOffer {
    /// Its identifier.
    pub id: ResourceId,
    /// To which connection.
    pub connection: ConnectionId,
    /// Which role, at whichever version is current.
    pub role: RoleName,
    /// Where.
    pub scope: ScopePath,
    /// Since when.
    pub created_at: Moment,
    /// Whether a declarative document made it; else an administrator did, one by one.
    pub by_document: bool,
}

impl RoleOffer {
    /// What a connection sends in `roles.value`: `deployer@/billing/production`.
    pub fn value(&self) -> String {
        role_value(&self.role, &self.scope)
    }

    /// Who made it.
    pub const fn source(&self) -> AssignmentSource {
        if self.by_document { AssignmentSource::Document } else { AssignmentSource::Administrator }
    }
}

/// A role at a scope as one value of `roles`.
pub fn role_value(role: &RoleName, scope: &ScopePath) -> String {
    [role.as_str(), "@", scope.as_str()].concat()
}
