//! Keys of organizations, wrapped by the deployment's root key where there is one.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Bool, Text};

use crate::model::{Moment, OrganizationId, ResourceId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// A key as it stands in the table.
#[derive(Clone)]
pub struct KeyRow {
    /// Its identifier.
    pub id: ResourceId,
    /// Whose.
    pub organization: OrganizationId,
    /// What it is for: `persons` wraps the keys of people, `evidence` signs bundles.
    pub purpose: &'static str,
    /// Whether the material is encrypted under the root key.
    pub wrapped: bool,
    /// The key, or what the root key made of it.
    pub material: Vec<u8>,
    /// Since when.
    pub created_at: Moment,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRow").field("id", &self.id).field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

pub(super) const INSERT: Statement = Statement::both(
    "keyring_insert",
    "INSERT INTO keyring (id, organization, purpose, wrapped, material, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub(super) const BY_PURPOSE: Statement = Statement::both(
    "keyring_by_purpose",
    "SELECT wrapped, material FROM keyring WHERE organization = $1 AND purpose = $2",
);
pub(super) const ANY: Statement =
    Statement::both("keyring_any", "SELECT purpose, wrapped, material FROM keyring ORDER BY id LIMIT 1");

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &BY_PURPOSE, &ANY];

#[derive(QueryableByName)]
struct KeyRecord {
    #[diesel(sql_type = Bool)]
    wrapped: bool,
    #[diesel(sql_type = Binary)]
    material: Vec<u8>,
}

#[derive(QueryableByName)]
struct SomeKeyRecord {
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = Bool)]
    wrapped: bool,
    #[diesel(sql_type = Binary)]
    material: Vec<u8>,
}

/// The key of an organization for a purpose: whether it is wrapped, and its material.
pub fn by_purpose(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    purpose: &str,
) -> Result<Option<(bool, Vec<u8>)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(purpose)];
    Ok(Sql(&BY_PURPOSE, binds).row::<KeyRecord>(tx)?.map(|row| (row.wrapped, row.material)))
}

/// Some key, to try the root key on: its purpose, whether it is wrapped, and its material.
pub fn any(tx: &mut Tx<'_>) -> Result<Option<(String, bool, Vec<u8>)>, DatabaseError> {
    Ok(Sql(&ANY, vec![]).row::<SomeKeyRecord>(tx)?.map(|row| (row.purpose, row.wrapped, row.material)))
}

pub(super) fn insert(tx: &mut Tx<'_>, key: &KeyRow) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(key.id.as_bytes()),
        Bind::Bytes(key.organization.as_bytes()),
        Bind::Text(key.purpose),
        Bind::Flag(key.wrapped),
        Bind::Bytes(&key.material),
        Bind::Int(key.created_at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}
