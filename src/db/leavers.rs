//! The register of leavers: one row each time somebody's access was cut off.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{ConnectionId, EventId, IdError, Moment, OrganizationId, ResourceId, Revision, UserId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// How access was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A connection said `active: false`.
    Deactivated,
    /// Deleted, whether or not active until then.
    Deleted,
    /// Barred by an administrator.
    Suspended,
}

impl How {
    const fn from_i64(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Deactivated),
            2 => Some(Self::Deleted),
            3 => Some(Self::Suspended),
            _ => None,
        }
    }

    const fn as_i64(self) -> i64 {
        match self {
            Self::Deactivated => 1,
            Self::Deleted => 2,
            Self::Suspended => 3,
        }
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Suspended => "suspended",
        }
    }
}

/// Somebody leaves, in the transaction of the change.
#[derive(Debug, Clone, Copy)]
pub struct LeaverRow {
    /// The line of the log that says so.
    pub event: EventId,
    /// Who.
    pub user: UserId,
    /// The connection that said so; nobody for an administrator.
    pub connection: ConnectionId,
    /// How.
    pub how: How,
    /// When.
    pub at: Moment,
}

/// From when on nothing was allowed any more, found out after the change was written.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Whose.
    pub organization: OrganizationId,
    /// The line of the log.
    pub event: EventId,
    /// The process that made the change.
    pub server: ResourceId,
    /// Since when that process denies.
    pub denied_at: Moment,
    /// Since when every process does: each had applied the change by then, or its lease was over.
    pub settled_at: Moment,
}

/// A row of the register.
#[derive(Debug, Clone)]
pub struct Leaver {
    /// The line of the log.
    pub event: EventId,
    /// Who.
    pub user: UserId,
    /// The connection that said so; nobody for an administrator.
    pub connection: ConnectionId,
    /// How.
    pub how: How,
    /// When.
    pub at: Moment,
    /// The first revision without the access.
    pub revision: Revision,
    /// Who denied since when; not known where the process ended before it could put that on record.
    pub settled: Option<Settled>,
    /// The servers that had something of the organization in memory then.
    pub servers: Vec<ResourceId>,
}

pub(super) const INSERT: Statement = Statement {
    name: "leaver_insert",
    sqlite: "INSERT INTO leaver (organization, event, user_id, connection, how, at, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
    postgres: "INSERT INTO leaver (organization, event, user_id, connection, how, at, revision) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], \
               $7::bigint[])",
};
const SETTLE: Statement = Statement {
    name: "leaver_settle",
    sqlite: "UPDATE leaver SET server = $3, denied_at = $4, settled_at = $5, servers = $6 \
             WHERE organization = $1 AND event = $2",
    postgres: "UPDATE leaver AS l SET server = v.server, denied_at = v.denied, settled_at = v.settled, servers = v.servers \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[]) \
               AS v(organization, event, server, denied, settled, servers) \
               WHERE l.organization = v.organization AND l.event = v.event",
};
const AT_REVISION: Statement = Statement::both(
    "leaver_at_revision",
    "SELECT event, user_id, connection, how, at, revision, server, denied_at, settled_at, servers FROM leaver \
     WHERE organization = $1 AND user_id = $2 AND revision = $3",
);

const OF_USER: Statement = Statement::both(
    "leaver_of_user",
    "SELECT event, user_id, connection, how, at, revision, server, denied_at, settled_at, servers FROM leaver \
     WHERE organization = $1 AND user_id = $2 ORDER BY revision",
);
const OF_CONNECTION: Statement = Statement::both(
    "leaver_of_connection",
    "SELECT event, user_id, connection, how, at, revision, server, denied_at, settled_at, servers FROM leaver \
     WHERE organization = $1 AND connection = $2 AND event > $3 ORDER BY event LIMIT $4",
);
const BEFORE: Statement = Statement::both(
    "leaver_before",
    "SELECT event, user_id, connection, how, at, revision, server, denied_at, settled_at, servers FROM leaver \
     WHERE organization = $1 AND event < $2 ORDER BY event DESC LIMIT $3",
);
const PEOPLE_AFTER: Statement = Statement::both(
    "leaver_people_after",
    "SELECT DISTINCT user_id AS id FROM leaver WHERE organization = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
);
const COUNT: Statement = Statement {
    name: "leaver_count",
    sqlite: "SELECT count(DISTINCT user_id) AS people, count(DISTINCT CASE WHEN how = 2 THEN user_id END) AS deleted \
             FROM leaver INDEXED BY leaver_of_connection WHERE organization = $1 AND connection = $2 AND event > $3",
    postgres: "SELECT count(DISTINCT user_id) AS people, count(DISTINCT CASE WHEN how = 2 THEN user_id END) AS deleted \
               FROM leaver WHERE organization = $1 AND connection = $2 AND event > $3",
};

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &SETTLE, &AT_REVISION, &OF_USER, &BEFORE, &OF_CONNECTION, &COUNT, &PEOPLE_AFTER];

impl LeaverRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.event.as_bytes()),
            Bind::Bytes(self.user.as_bytes()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Int(self.how.as_i64()),
            Bind::Int(self.at.as_micros()),
            Bind::Int(revision.as_i64()),
        ]
    }
}

#[derive(QueryableByName)]
struct LeaverRecord {
    #[diesel(sql_type = Binary)]
    event: Vec<u8>,
    #[diesel(sql_type = Binary)]
    user_id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    how: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    server: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    denied_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    settled_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    servers: Option<String>,
}

fn corrupt(problem: &impl ToString) -> DatabaseError {
    DatabaseError::Corrupt { table: "leaver", problem: problem.to_string() }
}

fn read(organization: OrganizationId, row: LeaverRecord) -> Result<Leaver, DatabaseError> {
    let bad = |error: IdError| corrupt(&error);
    let event = EventId::from_bytes(&row.event).map_err(bad)?;
    let settled = match (row.server, row.denied_at, row.settled_at) {
        (Some(server), Some(denied_at), Some(settled_at)) => Some(Settled {
            organization,
            event,
            server: ResourceId::from_bytes(&server).map_err(bad)?,
            denied_at: Moment::from_micros(denied_at),
            settled_at: Moment::from_micros(settled_at),
        }),
        _ => None,
    };
    let servers = row.servers.unwrap_or_default();
    Ok(Leaver {
        event,
        user: UserId::from_bytes(&row.user_id).map_err(bad)?,
        connection: ConnectionId::from_bytes(&row.connection).map_err(bad)?,
        how: How::from_i64(row.how).ok_or_else(|| corrupt(&format!("`how` is {}", row.how)))?,
        at: Moment::from_micros(row.at),
        revision: Revision::new(row.revision),
        settled,
        servers: servers.split_whitespace().map(str::parse).collect::<Result<_, IdError>>().map_err(bad)?,
    })
}

/// Puts on record since when nothing is allowed to these leavers any more; `servers`, of each organization, are those that
/// have something of it in memory.
///
/// # Errors
/// [`DatabaseError`].
pub fn settle(
    tx: &mut Tx<'_>,
    rows: &[Settled],
    servers: impl Fn(OrganizationId) -> String,
) -> Result<(), DatabaseError> {
    let servers: Vec<String> = rows.iter().map(|row| servers(row.organization)).collect();
    let binds = rows.iter().zip(&servers).map(|(row, servers)| {
        vec![
            Bind::Bytes(row.organization.as_bytes()),
            Bind::Bytes(row.event.as_bytes()),
            Bind::Bytes(row.server.as_bytes()),
            Bind::Int(row.denied_at.as_micros()),
            Bind::Int(row.settled_at.as_micros()),
            Bind::Text(servers),
        ]
    });
    let binds = binds.collect();
    tx.transaction(|tx| SETTLE.write_rows(tx, binds).map(|_touched| ()).map_err(DatabaseError::from))
}

/// How a user left at a revision.
///
/// # Errors
/// [`DatabaseError`].
pub fn at_revision(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    revision: Revision,
) -> Result<Option<Leaver>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes()), Bind::Int(revision.as_i64())];
    Sql(&AT_REVISION, binds).row(tx)?.map(|row| read(organization, row)).transpose()
}

/// How a user left, each time, oldest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_user(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<Vec<Leaver>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes())];
    Sql(&OF_USER, binds).rows(tx)?.into_iter().map(|row| read(organization, row)).collect()
}

/// Who left before an event, newest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: EventId,
    limit: i64,
) -> Result<Vec<Leaver>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(before.as_bytes()), Bind::Int(limit)];
    Sql(&BEFORE, binds).rows(tx)?.into_iter().map(|row| read(organization, row)).collect()
}

/// Who left over a connection after an event, oldest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: EventId,
    limit: i64,
) -> Result<Vec<Leaver>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(after.as_bytes()),
        Bind::Int(limit),
    ];
    Sql(&OF_CONNECTION, binds).rows(tx)?.into_iter().map(|row| read(organization, row)).collect()
}

/// How many people left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Gone {
    /// In all.
    #[diesel(sql_type = BigInt)]
    pub people: i64,
    /// By deletion.
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
}

/// How many people left over a connection after an event.
///
/// # Errors
/// [`DatabaseError`].
pub fn count(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: EventId,
) -> Result<Gone, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes()), Bind::Bytes(after.as_bytes())];
    Ok(Sql(&COUNT, binds).row(tx)?.unwrap_or(Gone { people: 0, deleted: 0 }))
}

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// Everybody who ever left, once each, after `after`, in the order of their ids, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn people_after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: UserId,
    limit: i64,
) -> Result<Vec<UserId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    let read = |row: IdRecord| UserId::from_bytes(&row.id).map_err(|error| corrupt(&error));
    Sql(&PEOPLE_AFTER, binds).rows(tx)?.into_iter().map(read).collect()
}
