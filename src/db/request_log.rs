//! The request log: errors and writes of connections, masked; counts of what they read; when each was last heard of.

use std::collections::{BTreeMap, HashMap};

use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use crate::model::{Activity, ConnectionId, CredentialId, Moment, OrganizationId, Profile, RequestId, ResourceId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// One request, masked.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Whose.
    pub organization: OrganizationId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// By which credential.
    pub credential: CredentialId,
    /// The request.
    pub id: RequestId,
    /// When it was answered.
    pub at: Moment,
    /// The method, or `other`.
    pub method: String,
    /// The route, or `none`.
    pub route: String,
    /// The resource it was about, where it names or makes one.
    pub resource: Option<ResourceId>,
    /// The query, masked.
    pub query: Option<String>,
    /// The status of the answer.
    pub status: i64,
    /// Whether it was meant to change something.
    pub writes: bool,
    /// Microseconds from its head to its answer.
    pub duration: i64,
    /// The body, masked JSON.
    pub request: Option<String>,
    /// The answer, masked JSON.
    pub answer: Option<String>,
    /// What it changed, in terms of access.
    pub effect: Option<String>,
}

/// What was seen of a connection in a stretch of time.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Its first and its last request.
    pub span: (Moment, Moment),
    /// Whether a write succeeded; then only what was refused after it counts.
    pub wrote: bool,
    /// Requests refused, since a write succeeded if one did.
    pub refused: i64,
    /// The first of those.
    pub failing_since: Option<Moment>,
    /// The last request that was refused.
    pub last_refused_at: Option<Moment>,
    /// Reads that succeeded, a minute.
    pub reads: BTreeMap<i64, i64>,
}

/// Which requests are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// All that are kept.
    #[default]
    All,
    /// Those that were refused.
    Refused,
    /// Those that were meant to change something.
    Writes,
}

pub(super) const INSERT: Statement = Statement {
    name: "request_log_insert",
    sqlite: "INSERT INTO request_log (organization, id, connection, credential, at, method, route, resource_id, query, \
             status, writes, duration, request, answer, effect) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    postgres: "INSERT INTO request_log (organization, id, connection, credential, at, method, route, resource_id, query, \
               status, writes, duration, request, answer, effect) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[], \
               $7::text[], $8::bytea[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], \
               $14::text[], $15::text[])",
};
pub(super) const COUNT: Statement = Statement::both(
    "request_count_add",
    "INSERT INTO request_count AS c (organization, minute, connection, reads) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (organization, minute, connection) DO UPDATE SET reads = c.reads + excluded.reads",
);
// `$8`: a write succeeded, which ends what was refused before.
pub(super) const SEEN: Statement = Statement::both(
    "connection_activity_add",
    "INSERT INTO connection_activity AS a (organization, connection, first_at, last_at, refused, failing_since, \
     last_refused_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (organization, connection) DO UPDATE SET \
     first_at = CASE WHEN excluded.first_at < a.first_at THEN excluded.first_at ELSE a.first_at END, \
     last_at = CASE WHEN excluded.last_at > a.last_at THEN excluded.last_at ELSE a.last_at END, \
     refused = CASE WHEN $8 THEN excluded.refused ELSE a.refused + excluded.refused END, \
     failing_since = CASE WHEN $8 THEN excluded.failing_since ELSE coalesce(a.failing_since, excluded.failing_since) END, \
     last_refused_at = coalesce(excluded.last_refused_at, a.last_refused_at)",
);
pub(super) const BEFORE: Statement = Statement::both(
    "request_log_before",
    "SELECT id, credential, at, method, route, resource_id, query, status, writes, duration, request, answer, effect \
     FROM request_log WHERE organization = $1 AND connection = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
);
pub(super) const REFUSED: Statement = Statement::both(
    "request_log_refused_before",
    "SELECT id, credential, at, method, route, resource_id, query, status, writes, duration, request, answer, effect \
     FROM request_log WHERE organization = $1 AND connection = $2 AND id < $3 AND status >= 400 ORDER BY id DESC LIMIT $4",
);
pub(super) const WRITES: Statement = Statement::both(
    "request_log_writes_before",
    "SELECT id, credential, at, method, route, resource_id, query, status, writes, duration, request, answer, effect \
     FROM request_log WHERE organization = $1 AND connection = $2 AND id < $3 AND writes = 1 ORDER BY id DESC LIMIT $4",
);
pub(super) const READS: Statement = Statement::both(
    "request_count_before",
    "SELECT minute, reads FROM request_count WHERE organization = $1 AND connection = $2 AND minute < $3 \
     ORDER BY minute DESC LIMIT $4",
);
pub(super) const ACTIVITY: Statement = Statement::both(
    "connection_activity",
    "SELECT connection, first_at, last_at, refused, failing_since, last_refused_at FROM connection_activity \
     WHERE organization = $1",
);
// Of the whole deployment, for a metric: there is nothing to narrow it by.
pub(super) const EVERYWHERE: Statement = Statement::both(
    "connection_activity_everywhere",
    "SELECT c.id AS connection, c.profile, c.paused, a.first_at, a.last_at, a.refused, a.failing_since, a.last_refused_at \
     FROM connection c LEFT JOIN connection_activity a ON a.organization = c.organization AND a.connection = c.id",
);
pub(super) const FORGET: Statement = Statement {
    name: "request_log_forget",
    sqlite: "DELETE FROM request_log WHERE organization = $1 AND id IN \
             (SELECT id FROM request_log WHERE organization = $1 AND id < $2 ORDER BY id LIMIT $3)",
    // An array keeps the planner to the ids: a join might read the whole organization.
    postgres: "DELETE FROM request_log WHERE organization = $1 AND id = ANY(ARRAY \
               (SELECT id FROM request_log WHERE organization = $1 AND id < $2 ORDER BY id LIMIT $3))",
};
pub(super) const FORGET_COUNTS: Statement = Statement {
    name: "request_count_forget",
    sqlite: "DELETE FROM request_count WHERE organization = $1 AND minute < $2",
    postgres: "DELETE FROM request_count WHERE organization = $1 AND minute < $2",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &COUNT, &SEEN, &BEFORE, &REFUSED, &WRITES, &READS, &ACTIVITY, &EVERYWHERE, &FORGET, &FORGET_COUNTS];

impl RequestRow {
    fn binds(&self) -> Vec<Bind<'_>> {
        vec![
            Bind::Bytes(self.organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Bytes(self.credential.as_bytes()),
            Bind::Int(self.at.as_micros()),
            Bind::Text(&self.method),
            Bind::Text(&self.route),
            Bind::OptionalBytes(self.resource.as_ref().map(|id| id.as_bytes().as_slice())),
            Bind::OptionalText(self.query.as_deref()),
            Bind::Int(self.status),
            Bind::Int(i64::from(self.writes)),
            Bind::Int(self.duration),
            Bind::OptionalText(self.request.as_deref()),
            Bind::OptionalText(self.answer.as_deref()),
            Bind::OptionalText(self.effect.as_deref()),
        ]
    }
}

/// Writes a batch, all or nothing, in a transaction of its own.
///
/// # Errors
/// [`DatabaseError`].
pub fn write(
    tx: &mut Tx<'_>,
    rows: &[RequestRow],
    tallies: &BTreeMap<(OrganizationId, ConnectionId), Tally>,
) -> Result<(), DatabaseError> {
    run(tx, "BEGIN")?;
    let written = insert(tx, rows, tallies);
    match written.and_then(|()| run(tx, "COMMIT")) {
        Ok(()) => Ok(()),
        Err(error) => {
            // The connection may be gone, and the transaction with it.
            let _ = run(tx, "ROLLBACK");
            Err(error)
        }
    }
}

fn run(tx: &mut Tx<'_>, text: &str) -> Result<(), DatabaseError> {
    match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text),
        Tx::Postgres(pooled) => pooled.connection.batch_execute(text),
    }
    .map_err(DatabaseError::from)
}

fn insert(
    tx: &mut Tx<'_>,
    rows: &[RequestRow],
    tallies: &BTreeMap<(OrganizationId, ConnectionId), Tally>,
) -> Result<(), DatabaseError> {
    INSERT.write_rows(tx, rows.iter().map(RequestRow::binds).collect())?;
    for ((organization, connection), tally) in tallies {
        for (minute, reads) in &tally.reads {
            let binds = vec![
                Bind::Bytes(organization.as_bytes()),
                Bind::Int(*minute),
                Bind::Bytes(connection.as_bytes()),
                Bind::Int(*reads),
            ];
            Sql(&COUNT, binds).run(tx)?;
        }
        let binds = vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(connection.as_bytes()),
            Bind::Int(tally.span.0.as_micros()),
            Bind::Int(tally.span.1.as_micros()),
            Bind::Int(tally.refused),
            Bind::OptionalInt(tally.failing_since.map(Moment::as_micros)),
            Bind::OptionalInt(tally.last_refused_at.map(Moment::as_micros)),
            Bind::Flag(tally.wrote),
        ];
        Sql(&SEEN, binds).run(tx)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct RequestRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    credential: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Text)]
    route: String,
    #[diesel(sql_type = Nullable<Binary>)]
    resource_id: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    query: Option<String>,
    #[diesel(sql_type = BigInt)]
    status: i64,
    #[diesel(sql_type = BigInt)]
    writes: i64,
    #[diesel(sql_type = BigInt)]
    duration: i64,
    #[diesel(sql_type = Nullable<Text>)]
    request: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    effect: Option<String>,
}

fn corrupt(error: crate::model::IdError) -> DatabaseError {
    DatabaseError::Corrupt { table: "request_log", problem: error.to_string() }
}

/// The requests of a connection before `before`, newest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    shown: Shown,
    before: ResourceId,
    limit: i64,
) -> Result<Vec<RequestRow>, DatabaseError> {
    let statement = match shown {
        Shown::All => &BEFORE,
        Shown::Refused => &REFUSED,
        Shown::Writes => &WRITES,
    };
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(before.as_bytes()),
        Bind::Int(limit),
    ];
    let read = |row: RequestRecord| {
        Ok(RequestRow {
            organization,
            connection,
            credential: CredentialId::from_bytes(&row.credential).map_err(corrupt)?,
            id: RequestId::from_bytes(&row.id).map_err(corrupt)?,
            at: Moment::from_micros(row.at),
            method: row.method,
            route: row.route,
            resource: row.resource_id.map(|id| ResourceId::from_bytes(&id)).transpose().map_err(corrupt)?,
            query: row.query,
            status: row.status,
            writes: row.writes == 1,
            duration: row.duration,
            request: row.request,
            answer: row.answer,
            effect: row.effect,
        })
    };
    Sql(statement, binds).rows::<RequestRecord>(tx)?.into_iter().map(read).collect()
}

#[derive(QueryableByName)]
struct CountRecord {
    #[diesel(sql_type = BigInt)]
    minute: i64,
    #[diesel(sql_type = BigInt)]
    reads: i64,
}

/// How many reads succeeded in each minute (counted from 1970) before `before`, newest first, at most `limit` minutes.
/// Minutes without any are left out.
///
/// # Errors
/// [`DatabaseError`].
pub fn reads(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, i64)>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Int(before),
        Bind::Int(limit),
    ];
    Ok(Sql(&READS, binds).rows::<CountRecord>(tx)?.into_iter().map(|row| (row.minute, row.reads)).collect())
}

#[derive(QueryableByName)]
struct ActivityRecord {
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    refused: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    failing_since: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_refused_at: Option<i64>,
}

#[derive(QueryableByName)]
struct EverywhereRecord {
    #[diesel(embed)]
    activity: ActivityRecord,
    #[diesel(sql_type = Text)]
    profile: String,
    #[diesel(sql_type = Bool)]
    paused: bool,
}

impl ActivityRecord {
    fn read(&self) -> Option<Activity> {
        Some(Activity {
            first_at: Moment::from_micros(self.first_at?),
            last_at: Moment::from_micros(self.last_at?),
            refused: self.refused?,
            failing_since: self.failing_since.map(Moment::from_micros),
            last_refused_at: self.last_refused_at.map(Moment::from_micros),
        })
    }
}

/// What was seen of the connections of an organization; those never heard of are left out.
///
/// # Errors
/// [`DatabaseError`].
pub fn activities(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
) -> Result<HashMap<ConnectionId, Activity>, DatabaseError> {
    let rows = Sql(&ACTIVITY, vec![Bind::Bytes(organization.as_bytes())]).rows::<ActivityRecord>(tx)?;
    rows.iter()
        .filter_map(|row| Some((ConnectionId::from_bytes(&row.connection).map_err(corrupt), row.read()?)))
        .map(|(id, activity)| Ok((id?, activity)))
        .collect()
}

/// Profile, pause and activity of every connection of the deployment.
///
/// # Errors
/// [`DatabaseError`].
pub fn everywhere(tx: &mut Tx<'_>) -> Result<Vec<(Profile, bool, Option<Activity>)>, DatabaseError> {
    let rows = Sql(&EVERYWHERE, vec![]).rows::<EverywhereRecord>(tx)?;
    let read = |row: EverywhereRecord| {
        let profile = Profile::from_name(&row.profile).unwrap_or_default();
        (profile, row.paused, row.activity.read())
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Deletes requests of an organization before `before`, at most `limit`; answers how many.
///
/// # Errors
/// [`DatabaseError`].
pub fn forget(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: ResourceId,
    limit: i64,
) -> Result<usize, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(before.as_bytes()), Bind::Int(limit)];
    Ok(Sql(&FORGET, binds).run(tx)?)
}

/// Deletes counts of an organization before a minute; answers how many.
///
/// # Errors
/// [`DatabaseError`].
pub fn forget_counts(tx: &mut Tx<'_>, organization: OrganizationId, before: i64) -> Result<usize, DatabaseError> {
    Ok(Sql(&FORGET_COUNTS, vec![Bind::Bytes(organization.as_bytes()), Bind::Int(before)]).run(tx)?)
}
