//! The decision log: segments, each one row.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{Moment, OrganizationId, ResourceId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

// A segment whose commit was not answered is sent again.
pub(super) const INSERT: Statement = Statement::both(
    "decision_segment_insert",
    "INSERT INTO decision_segment (organization, id, first_at, last_at, decisions, content) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization, id) DO NOTHING",
);
pub(super) const BY_ID: Statement = Statement::both(
    "decision_segment_by_id",
    "SELECT id, first_at, last_at, content FROM decision_segment WHERE organization = $1 AND id = $2",
);
pub(super) const BEFORE: Statement = Statement::both(
    "decision_segments_before",
    "SELECT id, first_at, last_at, content FROM decision_segment WHERE organization = $1 AND id < $2 \
     ORDER BY id DESC LIMIT $3",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &BY_ID, &BEFORE];

/// A segment as it stands in the table.
#[derive(Debug, Clone)]
pub struct SegmentRow {
    /// Its identifier, made when it was begun.
    pub id: ResourceId,
    /// The moment of its first decision.
    pub first_at: Moment,
    /// The moment of its last decision.
    pub last_at: Moment,
    /// How many decisions.
    pub decisions: u32,
    /// The decisions.
    pub content: Vec<u8>,
}

#[derive(QueryableByName)]
struct SegmentRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    first_at: i64,
    #[diesel(sql_type = BigInt)]
    last_at: i64,
    #[diesel(sql_type = Binary)]
    content: Vec<u8>,
}

/// A segment as read back.
#[derive(Debug, Clone)]
pub struct StoredSegment {
    /// Its identifier.
    pub id: ResourceId,
    /// The moment of its first decision.
    pub first_at: Moment,
    /// The moment of its last decision.
    pub last_at: Moment,
    /// The decisions.
    pub content: Vec<u8>,
}

impl SegmentRecord {
    fn read(self) -> Result<StoredSegment, DatabaseError> {
        Ok(StoredSegment {
            id: ResourceId::from_bytes(&self.id)
                .map_err(|error| DatabaseError::Corrupt { table: "decision_segment", problem: error.to_string() })?,
            first_at: Moment::from_micros(self.first_at),
            last_at: Moment::from_micros(self.last_at),
            content: self.content,
        })
    }
}

/// Puts a segment on record; one that is there already stays as it is.
///
/// # Errors
/// [`DatabaseError`].
pub fn insert(tx: &mut Tx<'_>, organization: OrganizationId, segment: &SegmentRow) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(segment.id.as_bytes()),
        Bind::Int(segment.first_at.as_micros()),
        Bind::Int(segment.last_at.as_micros()),
        Bind::Int(segment.decisions.into()),
        Bind::Bytes(&segment.content),
    ];
    Sql(&INSERT, binds).run(tx)?;
    Ok(())
}

/// One segment.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
) -> Result<Option<StoredSegment>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row::<SegmentRecord>(tx)?.map(SegmentRecord::read).transpose()
}

/// The segments begun before `id`, the latest first, at most `count`.
///
/// # Errors
/// [`DatabaseError`].
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
    count: i64,
) -> Result<Vec<StoredSegment>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Int(count)];
    Sql(&BEFORE, binds).rows::<SegmentRecord>(tx)?.into_iter().map(SegmentRecord::read).collect()
}
