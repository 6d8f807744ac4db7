//! Assignments page by page, in the order of their creation: each narrowing has an index in that order.

use crate::model::{OrganizationId, ResourceId, RoleName, ScopePath};

use super::super::super::sql::{Bind, Sql, Statement};
use super::super::super::{DatabaseError, Tx};
use super::{AssignmentRow, read_all};

/// Which assignments are listed: those that fit all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Of this role.
    pub role: Option<RoleName>,
    /// At exactly this scope.
    pub scope: Option<ScopePath>,
    /// To this principal itself.
    pub principal: Option<ResourceId>,
}

/// Reads on behind an id, by an index of what stands now. `$1` is the organization, `$2` the id, `$3` how many.
macro_rules! listed {
    ($name:literal, $index:literal, $narrowed:literal) => {
        Statement {
            name: $name,
            // SQLite would rather look through the organization by the table's own key.
            sqlite: concat!(
                "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
                 approver, reason, created_at FROM assignment INDEXED BY ",
                $index,
                " WHERE organization = $1 AND id > $2",
                $narrowed,
                " AND until_revision = 9223372036854775807 ORDER BY id LIMIT $3"
            ),
            postgres: concat!(
                "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
                 approver, reason, created_at FROM assignment WHERE organization = $1 AND id > $2",
                $narrowed,
                " AND until_revision = 9223372036854775807 ORDER BY id LIMIT $3"
            ),
        }
    };
}

const ALL: Statement = listed!("assignment_listed", "assignment_listed", "");
const OF_ROLE: Statement = listed!("assignment_listed_of_role", "assignment_listed_of_role", " AND role = $4");
const AT_SCOPE: Statement = listed!("assignment_listed_at_scope", "assignment_at_scope", " AND scope = $4");
const OF_ROLE_AT: Statement =
    listed!("assignment_listed_of_role_at", "assignment_of_role", " AND role = $4 AND scope = $5");
// One principal has few: of those the role and the scope are looked at.
const OF_PRINCIPAL: Statement = listed!(
    "assignment_listed_of_principal",
    "assignment_of_principal",
    " AND principal = $4 AND ($5 = '' OR role = $5) AND ($6 = '' OR scope = $6)"
);

/// Every statement of this file.
pub(in crate::db::access) const STATEMENTS: &[&Statement] = &[&ALL, &OF_ROLE, &AT_SCOPE, &OF_ROLE_AT, &OF_PRINCIPAL];

/// The assignments behind an id, oldest first, at most `limit`; those whose time is over too, until they are removed.
pub fn page(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    narrowing: &Narrowing,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let (role, scope) =
        (narrowing.role.as_ref().map(RoleName::as_str), narrowing.scope.as_ref().map(ScopePath::as_str));
    let (statement, narrowed) = match (narrowing.principal.as_ref(), role, scope) {
        (Some(principal), role, scope) => {
            let text = |part: Option<_>| Bind::Text(part.unwrap_or_default());
            (&OF_PRINCIPAL, vec![Bind::Bytes(principal.as_bytes()), text(role), text(scope)])
        }
        (None, Some(role), Some(scope)) => (&OF_ROLE_AT, vec![Bind::Text(role), Bind::Text(scope)]),
        (None, Some(role), None) => (&OF_ROLE, vec![Bind::Text(role)]),
        (None, None, Some(scope)) => (&AT_SCOPE, vec![Bind::Text(scope)]),
        (None, None, None) => (&ALL, Vec::new()),
    };
    let mut binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    binds.extend(narrowed);
    read_all(Sql(statement, binds).rows(tx)?)
}
