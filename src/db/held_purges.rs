//! Purges that wait: who was deleted over a connection that has a brake, until nothing speaks against telling receivers.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{ConnectionId, EventId, IdError, Moment, OrganizationId, RequestId, UserId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// A purge that waits.
#[derive(Debug, Clone, Copy)]
pub struct HeldPurge {
    /// The line of the log that says that the person was deleted.
    pub event: EventId,
    /// Who.
    pub user: UserId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// In which request.
    pub request: RequestId,
    /// When.
    pub at: Moment,
}

const INSERT: Statement = Statement::both(
    "held_purge_insert",
    "INSERT INTO held_purge (organization, event, user_id, connection, request, at) VALUES ($1, $2, $3, $4, $5, $6)",
);
const REMOVE: Statement =
    Statement::both("held_purge_remove", "DELETE FROM held_purge WHERE organization = $1 AND event = $2");
const BY_EVENT: Statement = Statement::both(
    "held_purge_by_event",
    "SELECT at AS held_at FROM held_purge WHERE organization = $1 AND event = $2",
);
// Of the whole deployment, for the job that lets go of them.
const AFTER: Statement = Statement::both(
    "held_purge_after",
    "SELECT organization, event, user_id, connection, request, at FROM held_purge \
     WHERE (organization, event) > ($1, $2) ORDER BY organization, event LIMIT $3",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &REMOVE, &BY_EVENT, &AFTER];

pub(super) fn insert(tx: &mut Tx<'_>, organization: OrganizationId, held: &HeldPurge) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(held.event.as_bytes()),
        Bind::Bytes(held.user.as_bytes()),
        Bind::Bytes(held.connection.as_bytes()),
        Bind::Bytes(held.request.as_bytes()),
        Bind::Int(held.at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn remove(tx: &mut Tx<'_>, organization: OrganizationId, event: EventId) -> diesel::QueryResult<usize> {
    Sql(&REMOVE, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(event.as_bytes())]).run(tx)
}

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    event: Vec<u8>,
    #[diesel(sql_type = Binary)]
    user_id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Binary)]
    request: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    at: i64,
}

#[derive(QueryableByName)]
struct HeldRecord {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "that there is one is all that is asked")]
    held_at: i64,
}

/// Whether a purge still waits.
///
/// # Errors
/// [`DatabaseError`].
pub fn is_held(tx: &mut Tx<'_>, organization: OrganizationId, event: EventId) -> Result<bool, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(event.as_bytes())];
    Ok(Sql(&BY_EVENT, binds).row::<HeldRecord>(tx)?.is_some())
}

/// The purges of the deployment that wait, after one of them, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn after(
    tx: &mut Tx<'_>,
    (organization, event): (OrganizationId, EventId),
    limit: i64,
) -> Result<Vec<(OrganizationId, HeldPurge)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(event.as_bytes()), Bind::Int(limit)];
    let corrupt = |error: IdError| DatabaseError::Corrupt { table: "held_purge", problem: error.to_string() };
    let read = |row: Record| {
        let held = HeldPurge {
            event: EventId::from_bytes(&row.event).map_err(corrupt)?,
            user: UserId::from_bytes(&row.user_id).map_err(corrupt)?,
            connection: ConnectionId::from_bytes(&row.connection).map_err(corrupt)?,
            request: RequestId::from_bytes(&row.request).map_err(corrupt)?,
            at: Moment::from_micros(row.at),
        };
        Ok((OrganizationId::from_bytes(&row.organization).map_err(corrupt)?, held))
    };
    Sql(&AFTER, binds).rows(tx)?.into_iter().map(read).collect()
}
