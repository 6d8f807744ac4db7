//! Who may do what where, as rows: intervals of revisions, written only under the organization's lock.

pub mod assignments;
pub mod catalogue;
pub mod facts;
pub mod guardrails;
mod interval;
pub mod leaves;
pub mod past;
pub mod people;
pub mod principals;
pub mod scopes;
pub mod services;
mod state;

use std::collections::BTreeMap;

use crate::access::guardrail::{Attribute, AttributeOwner};
use crate::model::{
    AssignmentId, GuardrailId, LeafId, OrganizationId, Permission, ResourceType, Revision, RoleName, ScopePath,
    ServiceId,
};

use super::sql::{Bind, Statement};

pub use assignments::AssignmentRow;
pub use catalogue::{PermissionRow, RoleRow};
pub use facts::FormerFacts;
pub use guardrails::GuardrailRow;
pub use leaves::LeafRow;
pub use scopes::{GateRow, ScopeRow};
pub use services::ServiceRow;
pub use state::{AccessState, read as state};

pub(super) use state::change_state;

/// Every statement of these table groups.
pub(super) const STATEMENTS: [&[&Statement]; 12] = [
    state::STATEMENTS,
    catalogue::STATEMENTS,
    scopes::STATEMENTS,
    assignments::STATEMENTS,
    assignments::listed::STATEMENTS,
    services::STATEMENTS,
    leaves::STATEMENTS,
    guardrails::STATEMENTS,
    facts::STATEMENTS,
    past::STATEMENTS,
    people::STATEMENTS,
    principals::STATEMENTS,
];

/// Something begins to hold at the revision that is being written, or ends there. Whatever is changed ends and begins.
#[derive(Debug, Clone)]
pub enum AccessRow {
    /// A permission is declared, or means something else.
    Permission(PermissionRow),
    /// A permission is declared no more.
    PermissionEnds(Permission),
    /// A version of a role.
    Role(RoleRow),
    /// The current version of a role is current no more.
    RoleEnds(RoleName),
    /// A scope.
    Scope(ScopeRow),
    /// A scope is no more, or no more what it was.
    ScopeEnds(ScopePath),
    /// The bounds of a gate.
    Gate(GateRow),
    /// A gate is watched no more, or within other bounds.
    GateEnds(ScopePath, Permission),
    /// An assignment.
    Assignment(AssignmentRow),
    /// An assignment is over.
    AssignmentEnds(AssignmentId),
    /// A service, or what becomes of it.
    Service(ServiceRow),
    /// A service is no more what it was.
    ServiceEnds(ServiceId),
    /// A resource below a scope.
    Leaf(LeafRow),
    /// A resource is no more, or no more what it was.
    LeafEnds(ResourceType, LeafId),
    /// An attribute guardrails may read.
    Attribute(Attribute),
    /// An attribute is declared no more.
    AttributeEnds(AttributeOwner, String),
    /// A guardrail.
    Guardrail(GuardrailRow),
    /// A guardrail is no more, or no more what it was.
    GuardrailEnds(GuardrailId),
}

/// What is changed ends before it begins anew.
const ORDER: [&Statement; 18] = [
    &guardrails::END,
    &guardrails::END_ATTRIBUTE,
    &assignments::END,
    &services::END,
    &leaves::END,
    &scopes::END_GATE,
    &scopes::END,
    &catalogue::END_ROLE,
    &catalogue::END_PERMISSION,
    &catalogue::BEGIN_PERMISSION,
    &catalogue::BEGIN_ROLE,
    &scopes::BEGIN,
    &scopes::BEGIN_GATE,
    &leaves::BEGIN,
    &services::BEGIN,
    &assignments::BEGIN,
    &guardrails::BEGIN_ATTRIBUTE,
    &guardrails::BEGIN,
];

impl AccessRow {
    /// Whether something ends.
    pub const fn ends(&self) -> bool {
        matches!(
            self,
            Self::PermissionEnds(_)
                | Self::RoleEnds(_)
                | Self::ScopeEnds(_)
                | Self::GateEnds(..)
                | Self::AssignmentEnds(_)
                | Self::ServiceEnds(_)
                | Self::LeafEnds(..)
                | Self::AttributeEnds(..)
                | Self::GuardrailEnds(_)
        )
    }

    fn statement(&self) -> &'static Statement {
        match self {
            Self::Permission(_) => &catalogue::BEGIN_PERMISSION,
            Self::PermissionEnds(_) => &catalogue::END_PERMISSION,
            Self::Role(_) => &catalogue::BEGIN_ROLE,
            Self::RoleEnds(_) => &catalogue::END_ROLE,
            Self::Scope(_) => &scopes::BEGIN,
            Self::ScopeEnds(_) => &scopes::END,
            Self::Gate(_) => &scopes::BEGIN_GATE,
            Self::GateEnds(..) => &scopes::END_GATE,
            Self::Assignment(_) => &assignments::BEGIN,
            Self::AssignmentEnds(_) => &assignments::END,
            Self::Service(_) => &services::BEGIN,
            Self::ServiceEnds(_) => &services::END,
            Self::Leaf(_) => &leaves::BEGIN,
            Self::LeafEnds(..) => &leaves::END,
            Self::Attribute(_) => &guardrails::BEGIN_ATTRIBUTE,
            Self::AttributeEnds(..) => &guardrails::END_ATTRIBUTE,
            Self::Guardrail(_) => &guardrails::BEGIN,
            Self::GuardrailEnds(_) => &guardrails::END,
        }
    }

    fn binds<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        let mut binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64())];
        match self {
            Self::Permission(row) => binds.extend(row.binds()),
            Self::PermissionEnds(name) => binds.push(Bind::Text(name.as_str())),
            Self::Role(row) => binds.extend(row.binds()),
            Self::RoleEnds(name) => binds.push(Bind::Text(name.as_str())),
            Self::Scope(row) => binds.extend(row.binds()),
            Self::ScopeEnds(path) => binds.push(Bind::Text(path.as_str())),
            Self::Gate(row) => binds.extend(row.binds()),
            Self::GateEnds(scope, permission) => {
                binds.extend([Bind::Text(scope.as_str()), Bind::Text(permission.as_str())]);
            }
            Self::Assignment(row) => binds.extend(row.binds()),
            Self::AssignmentEnds(id) => binds.push(Bind::Bytes(id.as_bytes())),
            Self::Service(row) => binds.extend(row.binds()),
            Self::ServiceEnds(id) => binds.push(Bind::Bytes(id.as_bytes())),
            Self::Leaf(row) => binds.extend(row.binds()),
            Self::LeafEnds(resource_type, id) => {
                binds.extend([Bind::Text(resource_type.as_str()), Bind::Text(id.as_str())]);
            }
            Self::Attribute(attribute) => binds.extend(guardrails::attribute_binds(attribute)),
            Self::AttributeEnds(owner, name) => binds.extend(guardrails::attribute_name_binds(owner, name)),
            Self::Guardrail(row) => binds.extend(row.binds()),
            Self::GuardrailEnds(id) => binds.push(Bind::Text(id.as_str())),
        }
        binds
    }
}

/// The values of many rows, by the statement that writes them and in the order these run in.
pub(super) fn by_statement<'a>(
    rows: impl Iterator<Item = (&'a OrganizationId, Revision, &'a AccessRow)>,
) -> impl Iterator<Item = (&'static Statement, Vec<Vec<Bind<'a>>>)> {
    let mut gathered: BTreeMap<&'static str, Vec<Vec<Bind<'a>>>> = BTreeMap::new();
    for (organization, revision, row) in rows {
        gathered.entry(row.statement().name).or_default().push(row.binds(organization, revision));
    }
    ORDER.into_iter().filter_map(move |statement| Some((statement, gathered.remove(statement.name)?)))
}

#[cfg(test)]
mod tests;
