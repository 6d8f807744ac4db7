//! When people were last seen: signed in to the console, or asked for at a gate.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{Moment, OrganizationId, ResourceId, UserId};

use super::sql::{Bind, IdList, Sql, Statement};
use super::{DatabaseError, Tx};

/// Somebody was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Where.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Moment,
}

// What is older than what is known changes nothing.
const SEE: Statement = Statement {
    name: "user_seen_set",
    sqlite: "INSERT INTO user_seen (organization, user_id, seen_at) VALUES ($1, $2, $3) \
             ON CONFLICT (organization, user_id) DO UPDATE SET seen_at = excluded.seen_at \
             WHERE excluded.seen_at > user_seen.seen_at",
    postgres: "INSERT INTO user_seen (organization, user_id, seen_at) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) \
               ON CONFLICT (organization, user_id) DO UPDATE SET seen_at = excluded.seen_at \
               WHERE excluded.seen_at > user_seen.seen_at",
};
const OF_IDS: Statement = Statement {
    name: "user_seen_of_ids",
    sqlite: "SELECT user_id, seen_at FROM user_seen \
             WHERE organization = $1 AND user_id IN (SELECT unhex(value) FROM json_each($2))",
    postgres: "SELECT user_id, seen_at FROM user_seen WHERE organization = $1 AND user_id = ANY($2)",
};
const SINCE: Statement = Statement::both(
    "user_seen_since",
    "SELECT user_id, seen_at FROM user_seen WHERE organization = $1 AND seen_at >= $2 \
     ORDER BY seen_at DESC, user_id DESC LIMIT $3",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&SEE, &OF_IDS, &SINCE];

#[derive(QueryableByName)]
struct SightingRecord {
    #[diesel(sql_type = Binary)]
    user_id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    seen_at: i64,
}

fn read(rows: Vec<SightingRecord>) -> Result<BTreeMap<UserId, Moment>, DatabaseError> {
    let one = |row: SightingRecord| {
        let user = UserId::from_bytes(&row.user_id)
            .map_err(|error| DatabaseError::Corrupt { table: "user_seen", problem: error.to_string() })?;
        Ok((user, Moment::from_micros(row.seen_at)))
    };
    rows.into_iter().map(one).collect()
}

/// Notes that people were seen; each of them once, in the order of the ids, so that two who note the same do not wait for
/// each other.
///
/// # Errors
/// [`DatabaseError`].
pub fn see(tx: &mut Tx<'_>, seen: &[Sighting]) -> Result<(), DatabaseError> {
    let row = |one: &Sighting| (*one.organization.as_bytes(), *one.user.as_bytes(), one.at.as_micros());
    let rows: Vec<_> = seen.iter().map(row).collect();
    let binds =
        rows.iter().map(|(organization, user, at)| vec![Bind::Bytes(organization), Bind::Bytes(user), Bind::Int(*at)]);
    SEE.write_rows(tx, binds.collect())?;
    Ok(())
}

/// When these people were last seen; whoever never was is left out.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_ids(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[ResourceId],
) -> Result<BTreeMap<UserId, Moment>, DatabaseError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    read(Sql(&OF_IDS, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)]).rows(tx)?)
}

/// Who was seen since a moment, those seen last first as far as `limit` goes.
///
/// # Errors
/// [`DatabaseError`].
pub fn since(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Moment,
    limit: i64,
) -> Result<BTreeMap<UserId, Moment>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(since.as_micros()), Bind::Int(limit)];
    read(Sql(&SINCE, binds).rows(tx)?)
}
