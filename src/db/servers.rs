//! Running servers: their leases, and how far each has applied what changed. All moments by the database's clock.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{IdError, OrganizationId, ResourceId, Revision};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const JOIN: Statement = Statement {
    name: "server_join",
    sqlite: "INSERT INTO server (instance, started_at, lease_until) VALUES ($1, CAST(unixepoch('subsec') * 1000000 AS INTEGER), \
             CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $2) \
             ON CONFLICT (instance) DO UPDATE SET lease_until = excluded.lease_until",
    postgres: "INSERT INTO server (instance, started_at, lease_until) \
               VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
               (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2) \
               ON CONFLICT (instance) DO UPDATE SET lease_until = excluded.lease_until",
};
// Only a lease that has not run out is renewed: whoever saw it over has stopped waiting for this server.
pub(super) const RENEW: Statement = Statement {
    name: "server_renew",
    sqlite: "UPDATE server SET lease_until = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $2 \
             WHERE instance = $1 AND lease_until > CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    postgres: "UPDATE server SET lease_until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2 \
               WHERE instance = $1 AND lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
};
pub(super) const LEAVE: Statement = Statement::both("server_leave", "DELETE FROM server WHERE instance = $1");
pub(super) const LEAVE_APPLIED: Statement =
    Statement::both("server_leave_applied", "DELETE FROM server_applied WHERE instance = $1");
pub(super) const APPLIED: Statement = Statement::both(
    "server_applied_set",
    "INSERT INTO server_applied (organization, instance, revision) VALUES ($1, $2, $3) \
     ON CONFLICT (organization, instance) DO UPDATE SET revision = excluded.revision",
);
// Whoever was earlier may have loaded something at an earlier revision, which must not be said to be later.
pub(super) const FOLLOW: Statement = Statement::both(
    "server_follow",
    "INSERT INTO server_applied (organization, instance, revision) VALUES ($1, $2, $3) \
     ON CONFLICT (organization, instance) DO NOTHING",
);
pub(super) const BEHIND: Statement = Statement {
    name: "server_behind",
    sqlite: "SELECT count(*) AS number FROM server_applied a JOIN server s ON s.instance = a.instance \
             WHERE a.organization = $1 AND a.revision < $2 AND a.instance <> $3 \
             AND s.lease_until > CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    postgres: "SELECT count(*) AS number FROM server_applied a JOIN server s ON s.instance = a.instance \
               WHERE a.organization = $1 AND a.revision < $2 AND a.instance <> $3 \
               AND s.lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
};
pub(super) const FOLLOWING: Statement = Statement {
    name: "server_following",
    sqlite: "SELECT a.instance, a.revision FROM server_applied a JOIN server s ON s.instance = a.instance \
             WHERE a.organization = $1 AND s.lease_until > CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    postgres: "SELECT a.instance, a.revision FROM server_applied a JOIN server s ON s.instance = a.instance \
               WHERE a.organization = $1 \
               AND s.lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
};
pub(super) const SWEEP: Statement = Statement {
    name: "server_sweep",
    sqlite: "DELETE FROM server WHERE lease_until < CAST(unixepoch('subsec') * 1000000 AS INTEGER) - $1",
    postgres: "DELETE FROM server WHERE lease_until < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - $1",
};
pub(super) const SWEEP_APPLIED: Statement = Statement::both(
    "server_sweep_applied",
    "DELETE FROM server_applied WHERE instance NOT IN (SELECT instance FROM server)",
);
pub(super) const CLOCK: Statement = Statement {
    name: "database_clock",
    sqlite: "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS number",
    postgres: "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS number",
};
pub(super) const NOTIFY: Statement = Statement {
    name: "feed_notify",
    sqlite: "SELECT 0 AS number",
    postgres: "SELECT 0::bigint AS number FROM pg_notify('muster_feed', '')",
};
pub(super) const DATA_VERSION: Statement = Statement {
    name: "data_version",
    sqlite: "SELECT data_version AS number FROM pragma_data_version",
    postgres: "SELECT 0::bigint AS number",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &JOIN,
    &RENEW,
    &LEAVE,
    &LEAVE_APPLIED,
    &APPLIED,
    &FOLLOW,
    &BEHIND,
    &FOLLOWING,
    &SWEEP,
    &SWEEP_APPLIED,
    &CLOCK,
    &NOTIFY,
    &DATA_VERSION,
];

#[derive(QueryableByName)]
struct FollowingRecord {
    #[diesel(sql_type = Binary)]
    instance: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

#[derive(QueryableByName)]
struct NumberRecord {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(tx: &mut Tx<'_>, statement: &'static Statement, binds: Vec<Bind<'_>>) -> Result<i64, DatabaseError> {
    Ok(Sql(statement, binds).row::<NumberRecord>(tx)?.map_or(0, |row| row.number))
}

/// Takes a lease of `micros` from now, whatever stood there before.
pub fn join(tx: &mut Tx<'_>, instance: ResourceId, micros: i64) -> Result<(), DatabaseError> {
    Sql(&JOIN, vec![Bind::Bytes(instance.as_bytes()), Bind::Int(micros)]).run(tx)?;
    Ok(())
}

/// Renews a lease that has not run out; answers whether it did.
pub fn renew(tx: &mut Tx<'_>, instance: ResourceId, micros: i64) -> Result<bool, DatabaseError> {
    Ok(Sql(&RENEW, vec![Bind::Bytes(instance.as_bytes()), Bind::Int(micros)]).run(tx)? == 1)
}

/// Ends a lease.
pub fn leave(tx: &mut Tx<'_>, instance: ResourceId) -> Result<(), DatabaseError> {
    Sql(&LEAVE, vec![Bind::Bytes(instance.as_bytes())]).run(tx)?;
    Sql(&LEAVE_APPLIED, vec![Bind::Bytes(instance.as_bytes())]).run(tx)?;
    Ok(())
}

/// Says that this server follows an organization's changes from a revision on, unless that is said already. The row must stand
/// before anything is loaded.
///
/// # Errors
/// [`DatabaseError`].
pub fn follow(
    tx: &mut Tx<'_>,
    instance: ResourceId,
    organization: OrganizationId,
    revision: Revision,
) -> Result<(), DatabaseError> {
    say(tx, &FOLLOW, instance, (organization, revision))
}

/// Says how far this server has applied an organization's changes.
pub fn applied(
    tx: &mut Tx<'_>,
    instance: ResourceId,
    organization: OrganizationId,
    revision: Revision,
) -> Result<(), DatabaseError> {
    say(tx, &APPLIED, instance, (organization, revision))
}

fn say(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    instance: ResourceId,
    (organization, revision): (OrganizationId, Revision),
) -> Result<(), DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(instance.as_bytes()), Bind::Int(revision.as_i64())];
    Sql(statement, binds).run(tx)?;
    Ok(())
}

/// How many other servers under lease have not applied `revision` yet.
pub fn behind(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    revision: Revision,
    but: ResourceId,
) -> Result<i64, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64()), Bind::Bytes(but.as_bytes())];
    number(tx, &BEHIND, binds)
}

/// The servers under lease that have something of an organization in memory, and the revision each has said to have
/// applied. Of its own changes a server says nothing.
pub fn following(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<(ResourceId, Revision)>, DatabaseError> {
    let rows = Sql(&FOLLOWING, vec![Bind::Bytes(organization.as_bytes())]).rows::<FollowingRecord>(tx)?;
    let corrupt = |error: IdError| DatabaseError::Corrupt { table: "server_applied", problem: error.to_string() };
    rows.into_iter()
        .map(|row| Ok((ResourceId::from_bytes(&row.instance).map_err(corrupt)?, Revision::new(row.revision))))
        .collect()
}

/// Removes servers whose lease has been over for `micros`.
pub fn sweep(tx: &mut Tx<'_>, micros: i64) -> Result<(), DatabaseError> {
    if Sql(&SWEEP, vec![Bind::Int(micros)]).run(tx)? > 0 {
        Sql(&SWEEP_APPLIED, vec![]).run(tx)?;
    }
    Ok(())
}

/// The database's clock, microseconds since the epoch.
pub fn clock(tx: &mut Tx<'_>) -> Result<i64, DatabaseError> {
    number(tx, &CLOCK, vec![])
}

/// Wakes the other servers; PostgreSQL only, SQLite has one.
pub fn notify(tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
    number(tx, &NOTIFY, vec![]).map(|_nothing| ())
}

/// Changes whenever another connection has committed to the SQLite file.
pub fn data_version(tx: &mut Tx<'_>) -> Result<i64, DatabaseError> {
    number(tx, &DATA_VERSION, vec![])
}
