//! What held when: the intervals of revisions, read back.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;

use crate::model::{GroupId, Moment, OrganizationId, ResourceId, Revision, UserId};

use super::sql::{Bind, Sql, Statement};
use super::users::Status;
use super::{DatabaseError, Tx};

/// The revisions during which something held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The first.
    pub from: Revision,
    /// The first at which it no longer held; `None` while it still does.
    pub until: Option<Revision>,
}

/// A status a user had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusInterval {
    /// At which revisions.
    pub interval: Interval,
    /// Which status.
    pub status: Status,
    /// Since when, by the clock.
    pub since: Moment,
}

const STATUSES: Statement = Statement::both(
    "history_statuses",
    "SELECT from_revision, until_revision, status, since FROM user_status \
     WHERE organization = $1 AND user_id = $2 ORDER BY from_revision",
);

const MEMBERSHIPS: Statement = Statement::both(
    "history_memberships",
    "SELECT from_revision, until_revision FROM membership \
     WHERE organization = $1 AND group_id = $2 AND member_id = $3 ORDER BY from_revision",
);

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[&STATUSES, &MEMBERSHIPS];

#[derive(QueryableByName)]
struct IntervalRecord {
    #[diesel(sql_type = BigInt)]
    from_revision: i64,
    #[diesel(sql_type = BigInt)]
    until_revision: i64,
}

#[derive(QueryableByName)]
struct StatusRecord {
    #[diesel(embed)]
    interval: IntervalRecord,
    #[diesel(sql_type = BigInt)]
    status: i64,
    #[diesel(sql_type = BigInt)]
    since: i64,
}

impl From<IntervalRecord> for Interval {
    fn from(row: IntervalRecord) -> Self {
        let until = Revision::new(row.until_revision);
        Self { from: Revision::new(row.from_revision), until: (until != Revision::OPEN).then_some(until) }
    }
}

/// Every status a user had, oldest first; deleted users too.
pub fn statuses(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<StatusInterval>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes())];
    let read = |row: StatusRecord| {
        let status = Status::from_i64(row.status).ok_or_else(|| DatabaseError::Corrupt {
            table: "user_status",
            problem: format!("unknown status {}", row.status),
        })?;
        Ok(StatusInterval { interval: row.interval.into(), status, since: Moment::from_micros(row.since) })
    };
    Sql(&STATUSES, binds).rows::<StatusRecord>(tx)?.into_iter().map(read).collect()
}

/// When `member` was directly in `group`, oldest first.
pub fn memberships(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    member: ResourceId,
) -> Result<Vec<Interval>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Bytes(member.as_bytes())];
    Ok(Sql(&MEMBERSHIPS, binds).rows::<IntervalRecord>(tx)?.into_iter().map(Interval::from).collect())
}
