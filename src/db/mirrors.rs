//! Mirrors: which systems' groups are kept as groups of a connection, and how far each has got.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{ConnectionId, IdError, Moment, OrganizationId, ResourceId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// How a refresh went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorState {
    /// When it was last tried.
    pub tried_at: Option<Moment>,
    /// When it last went well.
    pub refreshed_at: Option<Moment>,
    /// Since when it has not.
    pub failing_since: Option<Moment>,
    /// How often in a row.
    pub failures: i64,
    /// Why, for the administrator.
    pub problem: Option<String>,
    /// Accounts in its groups that nobody is known to have.
    pub unknown: i64,
}

/// A mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Of which system.
    pub system: ResourceId,
    /// Whose groups they are here.
    pub connection: ConnectionId,
    /// The userName of an account's owner, in which `{login}` stands for what the account is called.
    pub subject: Option<String>,
    /// Of which repositories; empty for all.
    pub repositories: Vec<String>,
    /// How often it is refreshed.
    pub minutes: i64,
    /// What webhooks are signed with, sealed.
    pub webhook_secret: Option<Vec<u8>>,
    /// When it is refreshed next.
    pub due_at: Moment,
    /// How it went.
    pub state: MirrorState,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum MirrorRow {
    /// A mirror as it is from now on.
    Set(Box<Mirror>),
    /// There is none any more.
    Remove(ResourceId),
}

const SET: Statement = Statement::both(
    "mirror_set",
    "INSERT INTO mirror (organization, system, connection, subject, repositories, minutes, webhook_secret, due_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization, system) DO UPDATE SET subject = excluded.subject, \
     repositories = excluded.repositories, minutes = excluded.minutes, webhook_secret = excluded.webhook_secret, \
     due_at = excluded.due_at",
);
const REMOVE: Statement =
    Statement::both("mirror_remove", "DELETE FROM mirror WHERE organization = $1 AND system = $2");
const OF_SYSTEM: Statement = Statement::both(
    "mirror_of_system",
    "SELECT system, connection, subject, repositories, minutes, webhook_secret, due_at, tried_at, refreshed_at, \
     failing_since, failures, problem, unknown FROM mirror WHERE organization = $1 AND system = $2",
);
const LIST: Statement = Statement::both(
    "mirror_list",
    "SELECT system, connection, subject, repositories, minutes, webhook_secret, due_at, tried_at, refreshed_at, \
     failing_since, failures, problem, unknown FROM mirror WHERE organization = $1 ORDER BY system",
);
const DUE: Statement = Statement::both(
    "mirror_due",
    "SELECT organization, system FROM mirror WHERE due_at <= $1 AND claimed_until <= $1 ORDER BY due_at LIMIT $2",
);
const CLAIM: Statement = Statement::both(
    "mirror_claim",
    "UPDATE mirror SET claimed_until = $4, due_at = $5, tried_at = $3 \
     WHERE organization = $1 AND system = $2 AND claimed_until <= $3",
);
const CLAIMED: Statement = Statement::both(
    "mirror_claimed",
    "UPDATE mirror SET claimed_until = $4 WHERE organization = $1 AND system = $2 AND claimed_until = $3",
);
const FINISH: Statement = Statement::both(
    "mirror_finish",
    "UPDATE mirror SET claimed_until = 0, refreshed_at = $4, failing_since = $5, failures = $6, problem = $7, unknown = $8, \
     due_at = CASE WHEN due_at < $10 THEN $10 WHEN due_at < $9 THEN due_at ELSE $9 END \
     WHERE organization = $1 AND system = $2 AND claimed_until = $3",
);
const NUDGE: Statement = Statement::both(
    "mirror_nudge",
    "UPDATE mirror SET due_at = $3 WHERE organization = $1 AND system = $2 AND due_at > $3",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] =
    &[&SET, &REMOVE, &OF_SYSTEM, &LIST, &DUE, &CLAIM, &CLAIMED, &FINISH, &NUDGE];

impl MirrorRow {
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        let of = Bind::Bytes(organization.as_bytes());
        match self {
            Self::Set(mirror) => {
                let repositories = mirror.repositories.join(" ");
                let binds = vec![
                    of,
                    Bind::Bytes(mirror.system.as_bytes()),
                    Bind::Bytes(mirror.connection.as_bytes()),
                    Bind::OptionalText(mirror.subject.as_deref()),
                    Bind::Text(&repositories),
                    Bind::Int(mirror.minutes),
                    Bind::OptionalBytes(mirror.webhook_secret.as_deref()),
                    Bind::Int(mirror.due_at.as_micros()),
                ];
                Sql(&SET, binds).run(tx)
            }
            Self::Remove(system) => Sql(&REMOVE, vec![of, Bind::Bytes(system.as_bytes())]).run(tx),
        }
    }
}

#[derive(QueryableByName)]
struct MirrorRecord {
    #[diesel(sql_type = Binary)]
    system: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Text)]
    repositories: String,
    #[diesel(sql_type = BigInt)]
    minutes: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    webhook_secret: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    due_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    tried_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    refreshed_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    failing_since: Option<i64>,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<Text>)]
    problem: Option<String>,
    #[diesel(sql_type = BigInt)]
    unknown: i64,
}

#[derive(QueryableByName)]
struct DueRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    system: Vec<u8>,
}

fn corrupt(error: IdError) -> DatabaseError {
    DatabaseError::Corrupt { table: "mirror", problem: error.to_string() }
}

fn read(row: MirrorRecord) -> Result<Mirror, DatabaseError> {
    Ok(Mirror {
        system: ResourceId::from_bytes(&row.system).map_err(corrupt)?,
        connection: ConnectionId::from_bytes(&row.connection).map_err(corrupt)?,
        subject: row.subject,
        repositories: row.repositories.split_whitespace().map(str::to_owned).collect(),
        minutes: row.minutes,
        webhook_secret: row.webhook_secret,
        due_at: Moment::from_micros(row.due_at),
        state: MirrorState {
            tried_at: row.tried_at.map(Moment::from_micros),
            refreshed_at: row.refreshed_at.map(Moment::from_micros),
            failing_since: row.failing_since.map(Moment::from_micros),
            failures: row.failures,
            problem: row.problem,
            unknown: row.unknown,
        },
    })
}

/// The mirror of a system.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_system(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    system: ResourceId,
) -> Result<Option<Mirror>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(system.as_bytes())];
    Sql(&OF_SYSTEM, binds).row(tx)?.map(read).transpose()
}

/// The mirrors of an organization.
///
/// # Errors
/// [`DatabaseError`].
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Mirror>, DatabaseError> {
    Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows(tx)?.into_iter().map(read).collect()
}

/// Mirrors of the deployment that are to be refreshed, the longest due first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn due(tx: &mut Tx<'_>, now: Moment, limit: i64) -> Result<Vec<(OrganizationId, ResourceId)>, DatabaseError> {
    let rows: Vec<DueRecord> = Sql(&DUE, vec![Bind::Int(now.as_micros()), Bind::Int(limit)]).rows(tx)?;
    let read = |row: DueRecord| {
        let organization = OrganizationId::from_bytes(&row.organization).map_err(corrupt)?;
        Ok((organization, ResourceId::from_bytes(&row.system).map_err(corrupt)?))
    };
    rows.into_iter().map(read).collect()
}

/// Takes a mirror to refresh it until `until`, and makes it due again at `next`; false if somebody else has it.
///
/// # Errors
/// [`DatabaseError`].
pub fn claim(
    tx: &mut Tx<'_>,
    (organization, system): (OrganizationId, ResourceId),
    now: Moment,
    until: Moment,
    next: Moment,
) -> Result<bool, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(system.as_bytes()),
        Bind::Int(now.as_micros()),
        Bind::Int(until.as_micros()),
        Bind::Int(next.as_micros()),
    ];
    Ok(Sql(&CLAIM, binds).run(tx)? == 1)
}

/// Keeps a mirror that was taken until `until` for longer; false if somebody else has taken it meanwhile.
///
/// # Errors
/// [`DatabaseError`].
pub fn keep(
    tx: &mut Tx<'_>,
    (organization, system): (OrganizationId, ResourceId),
    until: Moment,
    longer: Moment,
) -> Result<bool, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(system.as_bytes()),
        Bind::Int(until.as_micros()),
        Bind::Int(longer.as_micros()),
    ];
    Ok(Sql(&CLAIMED, binds).run(tx)? == 1)
}

/// Puts on record how a refresh went, and lets go of the mirror; it is due again at `next` at the latest, and not before
/// `earliest`, whoever asks for it.
///
/// # Errors
/// [`DatabaseError`].
pub fn finish(
    tx: &mut Tx<'_>,
    (organization, system): (OrganizationId, ResourceId),
    until: Moment,
    state: &MirrorState,
    (earliest, next): (Moment, Moment),
) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(system.as_bytes()),
        Bind::Int(until.as_micros()),
        Bind::OptionalInt(state.refreshed_at.map(Moment::as_micros)),
        Bind::OptionalInt(state.failing_since.map(Moment::as_micros)),
        Bind::Int(state.failures),
        Bind::OptionalText(state.problem.as_deref()),
        Bind::Int(state.unknown),
        Bind::Int(next.as_micros()),
        Bind::Int(earliest.as_micros()),
    ];
    Ok(Sql(&FINISH, binds).run(tx).map(|_count| ())?)
}

/// Makes a mirror due at a moment, unless it is earlier already.
///
/// # Errors
/// [`DatabaseError`].
pub fn nudge(
    tx: &mut Tx<'_>,
    (organization, system): (OrganizationId, ResourceId),
    at: Moment,
) -> Result<(), DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(system.as_bytes()), Bind::Int(at.as_micros())];
    Ok(Sql(&NUDGE, binds).run(tx).map(|_count| ())?)
}
