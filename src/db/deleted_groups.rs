//! The register of deleted groups: one row each time one is deleted.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{ConnectionId, EventId, GroupId, IdError, Moment, OrganizationId, Revision};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// A group is deleted, in the transaction of the change.
#[derive(Debug, Clone, Copy)]
pub struct DeletedGroupRow {
    /// The line of the log that says so.
    pub event: EventId,
    /// Which.
    pub group: GroupId,
    /// Over which connection; nobody for a local one.
    pub connection: ConnectionId,
    /// When.
    pub at: Moment,
}

/// A row of the register.
#[derive(Debug, Clone, Copy)]
pub struct DeletedGroup {
    /// The line of the log.
    pub event: EventId,
    /// Which.
    pub group: GroupId,
    /// When.
    pub at: Moment,
    /// The first revision without it.
    pub revision: Revision,
}

pub(super) const INSERT: Statement = Statement {
    name: "deleted_group_insert",
    sqlite: "INSERT INTO deleted_group (organization, event, group_id, connection, at, revision) \
             VALUES ($1, $2, $3, $4, $5, $6)",
    postgres: "INSERT INTO deleted_group (organization, event, group_id, connection, at, revision) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[])",
};
const OF_CONNECTION: Statement = Statement::both(
    "deleted_group_of_connection",
    "SELECT event, group_id, at, revision FROM deleted_group \
     WHERE organization = $1 AND connection = $2 AND event > $3 ORDER BY event LIMIT $4",
);
const COUNT: Statement = Statement::both(
    "deleted_group_count",
    "SELECT count(*) AS number FROM deleted_group WHERE organization = $1 AND connection = $2 AND event > $3",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &OF_CONNECTION, &COUNT];

impl DeletedGroupRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.event.as_bytes()),
            Bind::Bytes(self.group.as_bytes()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Int(self.at.as_micros()),
            Bind::Int(revision.as_i64()),
        ]
    }
}

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = Binary)]
    event: Vec<u8>,
    #[diesel(sql_type = Binary)]
    group_id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

#[derive(QueryableByName)]
struct CountRecord {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What was deleted over a connection after an event, oldest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: EventId,
    limit: i64,
) -> Result<Vec<DeletedGroup>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(after.as_bytes()),
        Bind::Int(limit),
    ];
    let corrupt = |error: IdError| DatabaseError::Corrupt { table: "deleted_group", problem: error.to_string() };
    let read = |row: Record| {
        Ok(DeletedGroup {
            event: EventId::from_bytes(&row.event).map_err(corrupt)?,
            group: GroupId::from_bytes(&row.group_id).map_err(corrupt)?,
            at: Moment::from_micros(row.at),
            revision: Revision::new(row.revision),
        })
    };
    Sql(&OF_CONNECTION, binds).rows(tx)?.into_iter().map(read).collect()
}

/// How many were deleted over a connection after an event.
///
/// # Errors
/// [`DatabaseError`].
pub fn count(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: EventId,
) -> Result<i64, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes()), Bind::Bytes(after.as_bytes())];
    Ok(Sql(&COUNT, binds).row::<CountRecord>(tx)?.map_or(0, |row| row.number))
}
