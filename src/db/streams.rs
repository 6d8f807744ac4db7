//! What receivers ask for of their streams: whom they are told about, and whose groups and roles have changed.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Text};

use crate::model::{OrganizationId, ResourceId, Revision};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

const CHOOSE: Statement = Statement::both(
    "receiver_subject_choose",
    "INSERT INTO receiver_subject (organization, subject, receiver, included) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (organization, subject, receiver) DO UPDATE SET included = excluded.included",
);
const CHOSEN: Statement = Statement::both(
    "receiver_subject_chosen",
    "SELECT receiver, included FROM receiver_subject WHERE organization = $1 AND subject = $2",
);
const CLAIMS_DUE: Statement = Statement::both(
    "receiver_claims_due",
    "SELECT r.organization, r.id, r.claims_told, o.revision FROM receiver r JOIN organization o ON o.id = r.organization \
     WHERE r.claims_told < o.revision AND r.removed_at IS NULL ORDER BY r.organization LIMIT $1",
);
const CLAIMS_TOLD: Statement = Statement::both(
    "receiver_claims_told",
    "UPDATE receiver SET claims_told = $4 WHERE organization = $1 AND id = $2 AND claims_told = $3 AND removed_at IS NULL",
);
const EVERYWHERE: Statement = Statement::both(
    "receiver_everywhere",
    "SELECT status, count(failing_since) AS failing, count(*) AS receivers FROM receiver \
     WHERE removed_at IS NULL GROUP BY status",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&CHOOSE, &CHOSEN, &CLAIMS_DUE, &CLAIMS_TOLD, &EVERYWHERE];

fn corrupt(problem: impl ToString) -> DatabaseError {
    DatabaseError::Corrupt { table: "receiver", problem: problem.to_string() }
}

/// One person more or less whom a receiver is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenSubject {
    /// Which receiver.
    pub receiver: ResourceId,
    /// Who.
    pub subject: ResourceId,
    /// Whether it is told.
    pub included: bool,
}

pub(super) fn choose(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    chosen: &ChosenSubject,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(chosen.subject.as_bytes()),
        Bind::Bytes(chosen.receiver.as_bytes()),
        Bind::Flag(chosen.included),
    ];
    Sql(&CHOOSE, binds).run(tx)
}

#[derive(QueryableByName)]
struct ChosenRecord {
    #[diesel(sql_type = Binary)]
    receiver: Vec<u8>,
    #[diesel(sql_type = Bool)]
    included: bool,
}

/// The receivers that have chosen to be told about somebody, or not to be.
///
/// # Errors
/// [`DatabaseError`].
pub fn chosen(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subject: ResourceId,
) -> Result<Vec<(ResourceId, bool)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(subject.as_bytes())];
    let rows: Vec<ChosenRecord> = Sql(&CHOSEN, binds).rows(tx)?;
    rows.into_iter().map(|row| Ok((ResourceId::from_bytes(&row.receiver).map_err(corrupt)?, row.included))).collect()
}

/// A receiver that is to be told whose groups and roles have changed since a revision.
#[derive(Debug, Clone, Copy)]
pub struct ClaimsDue {
    /// Whose.
    pub organization: OrganizationId,
    /// Which.
    pub receiver: ResourceId,
    /// Since when.
    pub since: Revision,
    /// Until when.
    pub until: Revision,
}

#[derive(QueryableByName)]
struct ClaimsRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    claims_told: i64,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

/// Receivers of the deployment that want to know whose groups and roles have changed, where anything has.
///
/// # Errors
/// [`DatabaseError`].
pub fn claims_due(tx: &mut Tx<'_>, most: i64) -> Result<Vec<ClaimsDue>, DatabaseError> {
    let rows: Vec<ClaimsRecord> = Sql(&CLAIMS_DUE, vec![Bind::Int(most)]).rows(tx)?;
    let read = |row: ClaimsRecord| {
        Ok(ClaimsDue {
            organization: OrganizationId::from_bytes(&row.organization).map_err(corrupt)?,
            receiver: ResourceId::from_bytes(&row.id).map_err(corrupt)?,
            since: Revision::new(row.claims_told),
            until: Revision::new(row.revision),
        })
    };
    rows.into_iter().map(read).collect()
}

impl ClaimsDue {
    /// Records that it was told; false if somebody else has done so.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn told(&self, tx: &mut Tx<'_>) -> Result<bool, DatabaseError> {
        let binds = vec![
            Bind::Bytes(self.organization.as_bytes()),
            Bind::Bytes(self.receiver.as_bytes()),
            Bind::Int(self.since.as_i64()),
            Bind::Int(self.until.as_i64()),
        ];
        Ok(Sql(&CLAIMS_TOLD, binds).run(tx)? == 1)
    }
}

#[derive(QueryableByName)]
struct EverywhereRecord {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    failing: i64,
    #[diesel(sql_type = BigInt)]
    receivers: i64,
}

/// How many receivers of the deployment are `enabled`, `failing`, `paused` and `disabled`.
///
/// # Errors
/// [`DatabaseError`].
pub fn everywhere(tx: &mut Tx<'_>) -> Result<[(&'static str, i64); 4], DatabaseError> {
    let rows: Vec<EverywhereRecord> = Sql(&EVERYWHERE, Vec::new()).rows(tx)?;
    let of = |status: &str| {
        let row = rows.iter().find(|row| row.status == status);
        row.map_or((0, 0), |row| (row.receivers, row.failing))
    };
    let (enabled, failing) = of("enabled");
    let answering = enabled.saturating_sub(failing);
    Ok([("enabled", answering), ("failing", failing), ("paused", of("paused").0), ("disabled", of("disabled").0)])
}
