//! Schemas that an organization has added to its users and groups.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};

use crate::model::{Moment, OrganizationId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, ResourceKind, Tx};

pub(super) const INSERT: Statement = Statement::both(
    "extension_schema_insert",
    "INSERT INTO extension_schema (organization, urn_key, resource_kind, document, created_at) \
     VALUES ($1, $2, $3, $4, $5)",
);
pub(super) const DELETE: Statement =
    Statement::both("extension_schema_delete", "DELETE FROM extension_schema WHERE organization = $1 AND urn_key = $2");
pub(super) const LIST: Statement = Statement::both(
    "extension_schema_list",
    "SELECT resource_kind, document FROM extension_schema WHERE organization = $1 ORDER BY urn_key",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &DELETE, &LIST];

/// A schema an organization has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionSchemaRow {
    /// Its URN in lower case: URNs are compared without regard to case (RFC 7643 §2.1).
    pub urn_key: String,
    /// What it extends.
    pub kind: ResourceKind,
    /// The schema document, JSON text (RFC 7643 §7).
    pub document: String,
}

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = BigInt)]
    resource_kind: i64,
    #[diesel(sql_type = Text)]
    document: String,
}

/// The documents of an organization, and what each extends, in a stable order.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<(ResourceKind, String)>, DatabaseError> {
    let rows = Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows::<Record>(tx)?;
    rows.into_iter()
        .map(|row| {
            let kind =
                [ResourceKind::User, ResourceKind::Group].into_iter().find(|kind| kind.as_i64() == row.resource_kind);
            let problem = format!("unknown resource kind {}", row.resource_kind);
            Ok((kind.ok_or(DatabaseError::Corrupt { table: "extension_schema", problem })?, row.document))
        })
        .collect()
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    row: &ExtensionSchemaRow,
    created_at: Moment,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Text(&row.urn_key),
        Bind::Int(row.kind.as_i64()),
        Bind::Text(&row.document),
        Bind::Int(created_at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn delete(tx: &mut Tx<'_>, organization: OrganizationId, urn_key: &str) -> diesel::QueryResult<usize> {
    Sql(&DELETE, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(urn_key)]).run(tx)
}
