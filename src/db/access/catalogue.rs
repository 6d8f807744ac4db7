//! Permissions an organization has declared, and the versions of its own roles.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::model::{Catalogue, CatalogueEntry, Moment, OrganizationId, Permission, Revision, RoleName, RoleVersion};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::{self, NameRecord, corrupt};

/// A permission as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRow {
    /// Its name.
    pub name: Permission,
    /// What it means.
    pub entry: CatalogueEntry,
}

/// A version of a role.
#[derive(Debug, Clone)]
pub struct RoleRow {
    /// The version.
    pub version: RoleVersion,
    permissions: String,
    created_at: Moment,
}

/// A version of a role as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRole {
    /// The version.
    pub version: RoleVersion,
    /// Since which revision it is the role's current one.
    pub since: Revision,
    /// Since when, by the clock.
    pub created_at: Moment,
}

pub(super) const BEGIN_PERMISSION: Statement = Statement {
    name: "permission_begin",
    sqlite: "INSERT INTO permission (organization, name, from_revision, until_revision, durable, description) \
             VALUES ($1, $3, $2, 9223372036854775807, $4, $5)",
    postgres: "INSERT INTO permission (organization, name, from_revision, until_revision, durable, description) \
               SELECT v.organization, v.name, v.revision, 9223372036854775807, v.durable, v.description \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bool[], $5::text[]) \
               AS v(organization, revision, name, durable, description)",
};
pub(super) const END_PERMISSION: Statement = Statement {
    name: "permission_end",
    sqlite: "UPDATE permission SET until_revision = $2 \
             WHERE organization = $1 AND name = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE permission AS p SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS v(organization, revision, name) \
               WHERE p.organization = v.organization AND p.name = v.name AND p.until_revision = 9223372036854775807",
};
const PERMISSIONS_BEGUN: Statement = Statement::both(
    "permission_begun",
    "SELECT name, durable, description FROM permission \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const PERMISSIONS_ENDED: Statement = Statement::both(
    "permission_ended",
    "SELECT name FROM permission \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);

pub(super) const BEGIN_ROLE: Statement = Statement {
    name: "role_version_begin",
    sqlite: "INSERT INTO role_version (organization, role, from_revision, until_revision, number, permissions, created_at) \
             VALUES ($1, $3, $2, 9223372036854775807, $4, $5, $6)",
    postgres: "INSERT INTO role_version \
               (organization, role, from_revision, until_revision, number, permissions, created_at) \
               SELECT v.organization, v.role, v.revision, 9223372036854775807, v.number, v.permissions, v.at \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) \
               AS v(organization, revision, role, number, permissions, at)",
};
pub(super) const END_ROLE: Statement = Statement {
    name: "role_version_end",
    sqlite: "UPDATE role_version SET until_revision = $2 \
             WHERE organization = $1 AND role = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE role_version AS r SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS v(organization, revision, role) \
               WHERE r.organization = v.organization AND r.role = v.role AND r.until_revision = 9223372036854775807",
};
const ROLES_BEGUN: Statement = Statement::both(
    "role_version_begun",
    "SELECT role, number, permissions, from_revision, created_at FROM role_version \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ROLES_ENDED: Statement = Statement::both(
    "role_version_ended",
    "SELECT role AS name FROM role_version \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const VERSIONS: Statement = Statement::both(
    "role_version_history",
    "SELECT role, number, permissions, from_revision, created_at FROM role_version \
     WHERE organization = $1 AND role = $2 ORDER BY from_revision",
);

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] = &[
    &BEGIN_PERMISSION,
    &END_PERMISSION,
    &PERMISSIONS_BEGUN,
    &PERMISSIONS_ENDED,
    &BEGIN_ROLE,
    &END_ROLE,
    &ROLES_BEGUN,
    &ROLES_ENDED,
    &VERSIONS,
];

impl PermissionRow {
    pub(super) fn binds(&self) -> [Bind<'_>; 3] {
        [Bind::Text(self.name.as_str()), Bind::Flag(self.entry.durable), Bind::Text(&self.entry.description)]
    }
}

impl RoleRow {
    /// The row of a version made at `created_at`.
    pub fn new(version: &RoleVersion, created_at: Moment) -> Self {
        let names: Vec<&str> = version.permissions.iter().map(Permission::as_str).collect();
        let permissions = serde_json::Value::from(names).to_string();
        Self { version: version.clone(), permissions, created_at }
    }

    pub(super) fn binds(&self) -> [Bind<'_>; 4] {
        [
            Bind::Text(self.version.role.as_str()),
            Bind::Int(self.version.number.into()),
            Bind::Text(&self.permissions),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct PermissionRecord {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    durable: bool,
    #[diesel(sql_type = Text)]
    description: String,
}

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct RoleRecord {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    permissions: String,
    #[diesel(sql_type = BigInt)]
    from_revision: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

pub(super) fn read_permission(row: PermissionRecord) -> Result<PermissionRow, DatabaseError> {
    let name = row.name.parse().map_err(corrupt("permission"))?;
    Ok(PermissionRow { name, entry: CatalogueEntry { description: row.description, durable: row.durable } })
}

pub(super) fn read_role(row: RoleRecord) -> Result<StoredRole, DatabaseError> {
    let names: Vec<String> = serde_json::from_str(&row.permissions).map_err(corrupt("role_version"))?;
    let permissions: Result<BTreeSet<Permission>, _> = names.iter().map(|name| name.parse()).collect();
    Ok(StoredRole {
        version: RoleVersion {
            role: row.role.parse().map_err(corrupt("role_version"))?,
            number: u32::try_from(row.number).map_err(corrupt("role_version"))?,
            permissions: permissions.map_err(corrupt("role_version"))?,
        },
        since: Revision::new(row.from_revision),
        created_at: Moment::from_micros(row.created_at),
    })
}

/// The permissions declared, beside those that come with every organization.
pub fn permissions(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<PermissionRow>, DatabaseError> {
    permissions_begun(tx, organization, interval::EVER)
}

/// The permissions declared as they are since a revision after `since`.
pub fn permissions_begun(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<PermissionRow>, DatabaseError> {
    interval::since(tx, &PERMISSIONS_BEGUN, organization, since, read_permission)
}

/// The permissions that ended, or were declared anew, after `since`.
pub fn permissions_ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<Permission>, DatabaseError> {
    let read = |row: NameRecord| row.name.parse().map_err(corrupt("permission"));
    interval::since(tx, &PERMISSIONS_ENDED, organization, since, read)
}

/// What comes with every organization, and what this one has declared.
pub fn complete(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Catalogue, DatabaseError> {
    let mut known = Catalogue::default();
    for PermissionRow { name, entry } in permissions(tx, organization)? {
        known.declare(name, entry).map_err(corrupt("permission"))?;
    }
    Ok(known)
}

/// The current versions of the organization's own roles, by name.
pub fn roles(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<StoredRole>, DatabaseError> {
    let mut roles = roles_begun(tx, organization, interval::EVER)?;
    roles.sort_by(|a, b| a.version.role.cmp(&b.version.role));
    Ok(roles)
}

/// The current versions that are so since a revision after `since`.
pub fn roles_begun(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<StoredRole>, DatabaseError> {
    interval::since(tx, &ROLES_BEGUN, organization, since, read_role)
}

/// The roles that ended, or came to another version, after `since`.
pub fn roles_ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<RoleName>, DatabaseError> {
    let read = |row: NameRecord| row.name.parse().map_err(corrupt("role_version"));
    interval::since(tx, &ROLES_ENDED, organization, since, read)
}

/// Every version a role ever had, oldest first.
pub fn versions(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    role: &RoleName,
) -> Result<Vec<StoredRole>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(role.as_str())];
    Sql(&VERSIONS, binds).rows::<RoleRecord>(tx)?.into_iter().map(read_role).collect()
}
