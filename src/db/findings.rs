//! What was found of leavers after they had left.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{IdError, Moment, OrganizationId, ResourceId, UserId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// May act again.
    Reactivated,
    /// Somebody else bears the userName, and the externalId or an address besides: probably the same person.
    ReAdded,
    /// An account of no connection bears an address of the leaver.
    SameAddress,
    /// Somebody else bears the userName or the externalId, and nothing besides: another person under a known name.
    IdentifierRecycled,
    /// A decision still allows something.
    AccessLeft,
    /// A downstream system still has an account.
    LeftDownstream,
}

impl FindingKind {
    const ALL: [Self; 6] = [
        Self::Reactivated,
        Self::ReAdded,
        Self::SameAddress,
        Self::IdentifierRecycled,
        Self::AccessLeft,
        Self::LeftDownstream,
    ];

    const fn as_i64(self) -> i64 {
        match self {
            Self::Reactivated => 1,
            Self::ReAdded => 2,
            Self::SameAddress => 3,
            Self::IdentifierRecycled => 4,
            Self::AccessLeft => 5,
            Self::LeftDownstream => 6,
        }
    }

    fn from_i64(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_i64() == number)
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reactivated => "reactivated",
            Self::ReAdded => "re-added",
            Self::SameAddress => "same-address",
            Self::IdentifierRecycled => "identifier-recycled",
            Self::AccessLeft => "access-left",
            Self::LeftDownstream => "left-downstream",
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its identifier.
    pub id: ResourceId,
    /// Of which leaver.
    pub leaver: UserId,
    /// What.
    pub kind: FindingKind,
    /// In or at which other resource: a user, a downstream system; the leaver itself where there is none.
    pub other: ResourceId,
    /// What can be told besides; names people by id only.
    pub details: String,
    /// When.
    pub found_at: Moment,
    /// When an administrator said that it is known.
    pub acknowledged_at: Option<Moment>,
    /// When it was not so any more.
    pub ended_at: Option<Moment>,
}

/// What is written of findings.
#[derive(Debug, Clone)]
pub enum FindingRow {
    /// Something was found.
    Found(Finding),
    /// It is known.
    Acknowledged(ResourceId, Moment),
    /// It is not so any more.
    Ended(ResourceId, Moment),
    /// Leavers are looked at: since when, how many, and when they were last, where they were.
    Watched {
        /// When this began.
        began_at: Moment,
        /// How many leavers there are; 0 while they are looked at.
        leavers: i64,
        /// When the time before began.
        before: Option<Moment>,
    },
}

const INSERT: Statement = Statement::both(
    "finding_insert",
    "INSERT INTO finding (organization, id, leaver, kind, other, details, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const ACKNOWLEDGE: Statement = Statement::both(
    "finding_acknowledge",
    "UPDATE finding SET acknowledged_at = $3 WHERE organization = $1 AND id = $2 AND acknowledged_at IS NULL",
);
const END: Statement = Statement::both(
    "finding_end",
    "UPDATE finding SET ended_at = $3 WHERE organization = $1 AND id = $2 AND coalesce(ended_at, 0) = 0",
);
const STANDING: Statement = Statement {
    name: "finding_standing",
    sqlite: "SELECT id, leaver, kind, other, details, found_at, acknowledged_at, ended_at FROM finding \
             INDEXED BY finding_standing WHERE organization = $1 AND id > $2 AND ended_at IS NULL ORDER BY id LIMIT $3",
    postgres: "SELECT id, leaver, kind, other, details, found_at, acknowledged_at, ended_at FROM finding \
               WHERE organization = $1 AND id > $2 AND ended_at IS NULL ORDER BY id LIMIT $3",
};
const BY_ID: Statement = Statement::both(
    "finding_by_id",
    "SELECT id, leaver, kind, other, details, found_at, acknowledged_at, ended_at FROM finding \
     WHERE organization = $1 AND id = $2",
);
// Of the whole deployment, for a metric.
const EVERYWHERE: Statement = Statement::both(
    "finding_everywhere",
    "SELECT kind, count(*) AS findings FROM finding WHERE ended_at IS NULL AND acknowledged_at IS NULL GROUP BY kind",
);
const WATCHED: Statement =
    Statement::both("watch_of_organization", "SELECT began_at FROM watch WHERE organization = $1");
const WATCH: Statement = Statement::both(
    "watch_began",
    "INSERT INTO watch AS w (organization, began_at, leavers) VALUES ($1, $2, $3) \
     ON CONFLICT (organization) DO UPDATE SET began_at = excluded.began_at, leavers = excluded.leavers \
     WHERE w.began_at = $4",
);

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &ACKNOWLEDGE, &END, &STANDING, &BY_ID, &EVERYWHERE, &WATCHED, &WATCH];

impl FindingRow {
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        let organization = Bind::Bytes(organization.as_bytes());
        match self {
            Self::Found(finding) => {
                let binds = vec![
                    organization,
                    Bind::Bytes(finding.id.as_bytes()),
                    Bind::Bytes(finding.leaver.as_bytes()),
                    Bind::Int(finding.kind.as_i64()),
                    Bind::Bytes(finding.other.as_bytes()),
                    Bind::Text(&finding.details),
                    Bind::Int(finding.found_at.as_micros()),
                ];
                Sql(&INSERT, binds).run(tx)
            }
            Self::Acknowledged(id, at) => {
                Sql(&ACKNOWLEDGE, vec![organization, Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx)
            }
            Self::Ended(id, at) => {
                Sql(&END, vec![organization, Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx)
            }
            Self::Watched { began_at, leavers, before } => {
                let before = before.map_or(i64::MIN, Moment::as_micros);
                let binds = vec![organization, Bind::Int(began_at.as_micros()), Bind::Int(*leavers), Bind::Int(before)];
                Sql(&WATCH, binds).run(tx)
            }
        }
    }
}

#[derive(QueryableByName)]
struct FindingRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    leaver: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    kind: i64,
    #[diesel(sql_type = Binary)]
    other: Vec<u8>,
    #[diesel(sql_type = Text)]
    details: String,
    #[diesel(sql_type = BigInt)]
    found_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    acknowledged_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended_at: Option<i64>,
}

#[derive(QueryableByName)]
struct CountRecord {
    #[diesel(sql_type = BigInt)]
    kind: i64,
    #[diesel(sql_type = BigInt)]
    findings: i64,
}

#[derive(QueryableByName)]
struct WatchRecord {
    #[diesel(sql_type = BigInt)]
    began_at: i64,
}

fn read(row: FindingRecord) -> Result<Finding, DatabaseError> {
    let corrupt = |problem: String| DatabaseError::Corrupt { table: "finding", problem };
    let bad = |error: IdError| corrupt(error.to_string());
    Ok(Finding {
        id: ResourceId::from_bytes(&row.id).map_err(bad)?,
        leaver: UserId::from_bytes(&row.leaver).map_err(bad)?,
        kind: FindingKind::from_i64(row.kind).ok_or_else(|| corrupt(format!("`kind` is {}", row.kind)))?,
        other: ResourceId::from_bytes(&row.other).map_err(bad)?,
        details: row.details,
        found_at: Moment::from_micros(row.found_at),
        acknowledged_at: row.acknowledged_at.map(Moment::from_micros),
        ended_at: row.ended_at.map(Moment::from_micros),
    })
}

/// The findings that stand after `after`, oldest first, acknowledged ones too, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn standing(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<Finding>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    Sql(&STANDING, binds).rows(tx)?.into_iter().map(read).collect()
}

/// One finding.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> Result<Option<Finding>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row(tx)?.map(read).transpose()
}

/// How many findings of the deployment stand that nobody has acknowledged, by kind; kinds without any too.
///
/// # Errors
/// [`DatabaseError`].
pub fn everywhere(tx: &mut Tx<'_>) -> Result<Vec<(FindingKind, i64)>, DatabaseError> {
    let counted = Sql(&EVERYWHERE, vec![]).rows::<CountRecord>(tx)?;
    let of = |kind: FindingKind| counted.iter().find(|row| row.kind == kind.as_i64()).map_or(0, |row| row.findings);
    Ok(FindingKind::ALL.into_iter().map(|kind| (kind, of(kind))).collect())
}

/// When an organization's leavers were last looked at.
///
/// # Errors
/// [`DatabaseError`].
pub fn watched(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Option<Moment>, DatabaseError> {
    let row = Sql(&WATCHED, vec![Bind::Bytes(organization.as_bytes())]).row::<WatchRecord>(tx)?;
    Ok(row.map(|row| Moment::from_micros(row.began_at)))
}
