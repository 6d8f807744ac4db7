//! Brakes of connections, the quarantines they opened, and whom these hold.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::model::{Brake, ConnectionId, EventId, IdError, Moment, OrganizationId, ResourceId};

use super::held_purges::{self, HeldPurge};
use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// What became of a quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was meant: those who left stay gone, and may be purged.
    Released,
    /// It was a mistake: those who left are back.
    Restored,
}

impl Outcome {
    const fn as_i64(self) -> i64 {
        match self {
            Self::Released => 1,
            Self::Restored => 2,
        }
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Restored => "restored",
        }
    }
}

/// A quarantine: who left over a connection since a moment, held until somebody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantine {
    /// Its identifier.
    pub id: ResourceId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// From which line of the log on.
    pub from: EventId,
    /// When the brake fired.
    pub opened_at: Moment,
    /// How many had left by then.
    pub people: i64,
    /// Of how many.
    pub population: i64,
    /// How many groups were deleted by then.
    pub groups: i64,
    /// When it was decided, and how.
    pub closed: Option<(Moment, Outcome)>,
}

/// What is written of brakes and quarantines.
#[derive(Debug, Clone, Copy)]
pub enum BrakeRow {
    /// A connection has this brake from now on.
    Set(ConnectionId, Brake),
    /// A connection has no brake any more.
    Off(ConnectionId),
    /// A brake has fired.
    Opens(Quarantine),
    /// Somebody has decided.
    Closes(ResourceId, Moment, Outcome),
    /// Receivers are told later that somebody who was deleted may be purged.
    HoldPurge(HeldPurge),
    /// They are told now, or there is nothing to tell any more.
    LetGo(EventId),
}

const SET: Statement = Statement::both(
    "brake_set",
    "INSERT INTO brake (organization, connection, share, least, minutes) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (organization, connection) DO UPDATE SET share = excluded.share, least = excluded.least, \
     minutes = excluded.minutes",
);
const OFF: Statement = Statement::both("brake_off", "DELETE FROM brake WHERE organization = $1 AND connection = $2");
const OF_CONNECTION: Statement = Statement::both(
    "brake_of_connection",
    "SELECT organization, connection, share, least, minutes FROM brake WHERE organization = $1 AND connection = $2",
);
// Of the whole deployment, for the job that looks after them.
const EVERYWHERE: Statement =
    Statement::both("brake_everywhere", "SELECT organization, connection, share, least, minutes FROM brake");
const OPEN: Statement = Statement::both(
    "quarantine_insert",
    "INSERT INTO quarantine (organization, id, connection, from_event, opened_at, people, population, group_count) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const CLOSE: Statement = Statement::both(
    "quarantine_close",
    "UPDATE quarantine SET closed_at = $3, outcome = $4 WHERE organization = $1 AND id = $2 \
     AND coalesce(closed_at, 0) = 0",
);
const QUARANTINES: Statement = Statement::both(
    "quarantine_before",
    "SELECT id, connection, from_event, opened_at, people, population, group_count, closed_at, outcome FROM quarantine \
     WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
);
const QUARANTINE: Statement = Statement::both(
    "quarantine_by_id",
    "SELECT id, connection, from_event, opened_at, people, population, group_count, closed_at, outcome FROM quarantine \
     WHERE organization = $1 AND id = $2",
);
const LAST: Statement = Statement::both(
    "quarantine_last_of_connection",
    "SELECT id, connection, from_event, opened_at, people, population, group_count, closed_at, outcome FROM quarantine \
     WHERE organization = $1 AND connection = $2 ORDER BY id DESC LIMIT 1",
);

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] =
    &[&SET, &OFF, &OF_CONNECTION, &EVERYWHERE, &OPEN, &CLOSE, &QUARANTINES, &QUARANTINE, &LAST];

impl BrakeRow {
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        let mut binds = vec![Bind::Bytes(organization.as_bytes())];
        let statement = match self {
            Self::Set(connection, brake) => {
                binds.extend([
                    Bind::Bytes(connection.as_bytes()),
                    Bind::Int(brake.share()),
                    Bind::Int(brake.least()),
                    Bind::Int(brake.minutes()),
                ]);
                &SET
            }
            Self::Off(connection) => {
                binds.push(Bind::Bytes(connection.as_bytes()));
                &OFF
            }
            Self::Opens(quarantine) => {
                binds.extend([
                    Bind::Bytes(quarantine.id.as_bytes()),
                    Bind::Bytes(quarantine.connection.as_bytes()),
                    Bind::Bytes(quarantine.from.as_bytes()),
                    Bind::Int(quarantine.opened_at.as_micros()),
                    Bind::Int(quarantine.people),
                    Bind::Int(quarantine.population),
                    Bind::Int(quarantine.groups),
                ]);
                &OPEN
            }
            Self::Closes(id, at, outcome) => {
                binds.extend([Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros()), Bind::Int(outcome.as_i64())]);
                &CLOSE
            }
            Self::HoldPurge(held) => return held_purges::insert(tx, organization, held),
            Self::LetGo(event) => return held_purges::remove(tx, organization, *event),
        };
        Sql(statement, binds).run(tx)
    }
}

#[derive(QueryableByName)]
struct BrakeRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    share: i64,
    #[diesel(sql_type = BigInt)]
    least: i64,
    #[diesel(sql_type = BigInt)]
    minutes: i64,
}

#[derive(QueryableByName)]
struct QuarantineRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Binary)]
    from_event: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    opened_at: i64,
    #[diesel(sql_type = BigInt)]
    people: i64,
    #[diesel(sql_type = BigInt)]
    population: i64,
    #[diesel(sql_type = BigInt)]
    group_count: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    closed_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    outcome: Option<i64>,
}

fn corrupt(table: &'static str) -> impl Fn(IdError) -> DatabaseError {
    move |error| DatabaseError::Corrupt { table, problem: error.to_string() }
}

fn read_brake(row: &BrakeRecord) -> Result<(OrganizationId, ConnectionId, Brake), DatabaseError> {
    let bad = corrupt("brake");
    let brake = Brake::new(row.share, row.least, row.minutes);
    let brake = brake.map_err(|error| DatabaseError::Corrupt { table: "brake", problem: error.to_string() })?;
    let organization = OrganizationId::from_bytes(&row.organization).map_err(&bad)?;
    Ok((organization, ConnectionId::from_bytes(&row.connection).map_err(bad)?, brake))
}

fn read_quarantine(row: &QuarantineRecord) -> Result<Quarantine, DatabaseError> {
    let bad = corrupt("quarantine");
    let outcome = if row.outcome == Some(2) { Outcome::Restored } else { Outcome::Released };
    Ok(Quarantine {
        id: ResourceId::from_bytes(&row.id).map_err(&bad)?,
        connection: ConnectionId::from_bytes(&row.connection).map_err(&bad)?,
        from: EventId::from_bytes(&row.from_event).map_err(bad)?,
        opened_at: Moment::from_micros(row.opened_at),
        people: row.people,
        population: row.population,
        groups: row.group_count,
        closed: row.closed_at.map(|at| (Moment::from_micros(at), outcome)),
    })
}

/// The brake of a connection.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Option<Brake>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes())];
    let row = Sql(&OF_CONNECTION, binds).row::<BrakeRecord>(tx)?;
    row.map(|row| Ok(read_brake(&row)?.2)).transpose()
}

/// Every brake of the deployment.
///
/// # Errors
/// [`DatabaseError`].
pub fn everywhere(tx: &mut Tx<'_>) -> Result<Vec<(OrganizationId, ConnectionId, Brake)>, DatabaseError> {
    Sql(&EVERYWHERE, vec![]).rows::<BrakeRecord>(tx)?.iter().map(read_brake).collect()
}

/// The quarantines before `before`, newest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn quarantines(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: ResourceId,
    limit: i64,
) -> Result<Vec<Quarantine>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(before.as_bytes()), Bind::Int(limit)];
    Sql(&QUARANTINES, binds).rows::<QuarantineRecord>(tx)?.iter().map(read_quarantine).collect()
}

/// One quarantine.
///
/// # Errors
/// [`DatabaseError`].
pub fn quarantine(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
) -> Result<Option<Quarantine>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&QUARANTINE, binds).row::<QuarantineRecord>(tx)?.as_ref().map(read_quarantine).transpose()
}

/// The last quarantine of a connection.
///
/// # Errors
/// [`DatabaseError`].
pub fn last(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Option<Quarantine>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes())];
    Sql(&LAST, binds).row::<QuarantineRecord>(tx)?.as_ref().map(read_quarantine).transpose()
}
