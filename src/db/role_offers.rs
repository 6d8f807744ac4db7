//! Roles at scopes that connections may assign.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Text};

use crate::model::{ConnectionId, Moment, OrganizationId, ResourceId, RoleOffer};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

const INSERT: Statement = Statement::both(
    "role_offer_insert",
    "INSERT INTO role_offer (organization, id, connection, role, scope, created_at, by_document) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const DELETE: Statement =
    Statement::both("role_offer_delete", "DELETE FROM role_offer WHERE organization = $1 AND id = $2");
const OF_CONNECTION: Statement = Statement::both(
    "role_offer_of_connection",
    "SELECT id, connection, role, scope, created_at, by_document FROM role_offer \
     WHERE organization = $1 AND connection = $2 ORDER BY role, scope",
);
const LIST: Statement = Statement::both(
    "role_offer_list",
    "SELECT id, connection, role, scope, created_at, by_document FROM role_offer \
     WHERE organization = $1 ORDER BY connection, role, scope",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &DELETE, &OF_CONNECTION, &LIST];

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Bool)]
    by_document: bool,
}

fn corrupt(error: impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Corrupt { table: "role_offer", problem: error.to_string() }
}

fn read(row: &Record) -> Result<RoleOffer, DatabaseError> {
    Ok(RoleOffer {
        id: ResourceId::from_bytes(&row.id).map_err(corrupt)?,
        connection: ConnectionId::from_bytes(&row.connection).map_err(corrupt)?,
        role: row.role.parse().map_err(corrupt)?,
        scope: row.scope.parse().map_err(corrupt)?,
        created_at: Moment::from_micros(row.created_at),
        by_document: row.by_document,
    })
}

/// What a connection may assign, by role and scope.
pub fn of_connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Vec<RoleOffer>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes())];
    Sql(&OF_CONNECTION, binds).rows::<Record>(tx)?.iter().map(read).collect()
}

/// What any connection of the organization may assign.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<RoleOffer>, DatabaseError> {
    Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows::<Record>(tx)?.iter().map(read).collect()
}

pub(super) fn insert(tx: &mut Tx<'_>, organization: OrganizationId, offer: &RoleOffer) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(offer.id.as_bytes()),
        Bind::Bytes(offer.connection.as_bytes()),
        Bind::Text(offer.role.as_str()),
        Bind::Text(offer.scope.as_str()),
        Bind::Int(offer.created_at.as_micros()),
        Bind::Flag(offer.by_document),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn delete(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> diesel::QueryResult<usize> {
    Sql(&DELETE, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())]).run(tx)
}
