//! Files that are being made of what is here, part by part, and are kept for a day.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{AccountId, Moment, OrganizationId, ResourceId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::corrupt;

/// A file that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The organization.
    pub organization: OrganizationId,
    /// Its identifier.
    pub id: ResourceId,
    /// For whom.
    pub account: AccountId,
    /// What is in it.
    pub kind: String,
    /// What was asked for more exactly, JSON.
    pub asked: String,
    /// Rows so far.
    pub done: i64,
    /// Rows there will be, where that is known; 0 otherwise.
    pub total: i64,
    /// When it was last worked on; the beginning of time: not yet.
    pub changed_at: Moment,
    /// What became of it; nothing yet.
    pub outcome: Option<String>,
}

pub(in crate::db) const INSERT: Statement = Statement::both(
    "export_insert",
    "INSERT INTO export (organization, id, account, kind, asked, done, total, changed_at) \
     VALUES ($1, $2, $3, $4, $5, 0, 0, 0)",
);
pub(in crate::db) const BY_ID: Statement = Statement::both(
    "export_by_id",
    "SELECT organization, id, account, kind, asked, done, total, changed_at, outcome FROM export \
     WHERE organization = $1 AND id = $2",
);
pub(in crate::db) const OF_ACCOUNT: Statement = Statement {
    name: "export_of_account",
    sqlite: "SELECT organization, id, account, kind, asked, done, total, changed_at, outcome FROM export \
             INDEXED BY export_of_account WHERE organization = $1 AND account = $2 ORDER BY id DESC LIMIT $3",
    postgres: "SELECT organization, id, account, kind, asked, done, total, changed_at, outcome FROM export \
               WHERE organization = $1 AND account = $2 ORDER BY id DESC LIMIT $3",
};
// Of all organizations: those that are not made and nobody has worked on since a moment.
pub(in crate::db) const WAITING: Statement = Statement::both(
    "export_waiting",
    "SELECT organization, id, account, kind, asked, done, total, changed_at, outcome FROM export \
     WHERE outcome IS NULL AND changed_at < $1 ORDER BY changed_at LIMIT $2",
);
// Of all organizations: those that were made before a moment.
pub(in crate::db) const MADE: Statement = Statement::both(
    "export_made",
    "SELECT organization, id, account, kind, asked, done, total, changed_at, outcome FROM export \
     WHERE outcome IS NOT NULL AND changed_at < $1 ORDER BY changed_at LIMIT $2",
);
// Whoever changes a row knows when it was changed before: of two who work on one, one goes on.
pub(in crate::db) const ADVANCE: Statement = Statement::both(
    "export_advance",
    "UPDATE export SET done = $4, total = $5, changed_at = $6, outcome = $7 \
     WHERE organization = $1 AND id = $2 AND changed_at = $3 AND outcome IS NULL",
);
pub(in crate::db) const DELETE: Statement =
    Statement::both("export_delete", "DELETE FROM export WHERE organization = $1 AND id = $2");
pub(in crate::db) const INSERT_PART: Statement = Statement::both(
    "export_part_insert",
    "INSERT INTO export_part (organization, export, place, content) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (organization, export, place) DO UPDATE SET content = excluded.content",
);
pub(in crate::db) const PARTS: Statement = Statement::both(
    "export_parts_after",
    "SELECT place, content FROM export_part WHERE organization = $1 AND export = $2 AND place > $3 \
     ORDER BY place LIMIT $4",
);
pub(in crate::db) const DELETE_PARTS: Statement =
    Statement::both("export_part_delete", "DELETE FROM export_part WHERE organization = $1 AND export = $2");

/// Every statement of these tables.
pub(in crate::db) const STATEMENTS: &[&Statement] =
    &[&INSERT, &BY_ID, &OF_ACCOUNT, &WAITING, &MADE, &ADVANCE, &DELETE, &INSERT_PART, &PARTS, &DELETE_PARTS];

#[derive(QueryableByName)]
struct ExportRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    account: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    asked: String,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    changed_at: i64,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
}

#[derive(QueryableByName)]
struct PartRecord {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Text)]
    content: String,
}

impl TryFrom<ExportRecord> for Export {
    type Error = DatabaseError;

    fn try_from(row: ExportRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            organization: OrganizationId::from_bytes(&row.organization).map_err(corrupt("export"))?,
            id: ResourceId::from_bytes(&row.id).map_err(corrupt("export"))?,
            account: AccountId::from_bytes(&row.account).map_err(corrupt("export"))?,
            kind: row.kind,
            asked: row.asked,
            done: row.done,
            total: row.total,
            changed_at: Moment::from_micros(row.changed_at),
            outcome: row.outcome,
        })
    }
}

fn read(rows: Vec<ExportRecord>) -> Result<Vec<Export>, DatabaseError> {
    rows.into_iter().map(Export::try_from).collect()
}

/// One export.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> Result<Option<Export>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row::<ExportRecord>(tx)?.map(Export::try_from).transpose()
}

/// What somebody asked for, newest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_account(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    account: AccountId,
    limit: i64,
) -> Result<Vec<Export>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(account.as_bytes()), Bind::Int(limit)];
    read(Sql(&OF_ACCOUNT, binds).rows(tx)?)
}

/// Those of all organizations that are not made yet and nobody has worked on since a moment, the longest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn waiting(tx: &mut Tx<'_>, since: Moment, limit: i64) -> Result<Vec<Export>, DatabaseError> {
    read(Sql(&WAITING, vec![Bind::Int(since.as_micros()), Bind::Int(limit)]).rows(tx)?)
}

/// Those of all organizations that were made before a moment, the oldest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn made(tx: &mut Tx<'_>, before: Moment, limit: i64) -> Result<Vec<Export>, DatabaseError> {
    read(Sql(&MADE, vec![Bind::Int(before.as_micros()), Bind::Int(limit)]).rows(tx)?)
}

/// Says how far an export has come; answers whether nobody else has worked on it since `before`.
///
/// # Errors
/// [`DatabaseError`].
pub fn advance(tx: &mut Tx<'_>, before: Moment, now: &Export) -> Result<bool, DatabaseError> {
    let binds = vec![
        Bind::Bytes(now.organization.as_bytes()),
        Bind::Bytes(now.id.as_bytes()),
        Bind::Int(before.as_micros()),
        Bind::Int(now.done),
        Bind::Int(now.total),
        Bind::Int(now.changed_at.as_micros()),
        Bind::OptionalText(now.outcome.as_deref()),
    ];
    Ok(Sql(&ADVANCE, binds).run(tx)? == 1)
}

/// Keeps a part.
///
/// # Errors
/// [`DatabaseError`].
pub fn put_part(tx: &mut Tx<'_>, of: &Export, place: i64, content: &str) -> Result<(), DatabaseError> {
    let (organization, id) = (Bind::Bytes(of.organization.as_bytes()), Bind::Bytes(of.id.as_bytes()));
    Sql(&INSERT_PART, vec![organization, id, Bind::Int(place), Bind::Text(content)]).run(tx)?;
    Ok(())
}

/// The parts after a place, at most `limit`, with their places.
///
/// # Errors
/// [`DatabaseError`].
pub fn parts_after(tx: &mut Tx<'_>, of: &Export, place: i64, limit: i64) -> Result<Vec<(i64, String)>, DatabaseError> {
    let (organization, id) = (Bind::Bytes(of.organization.as_bytes()), Bind::Bytes(of.id.as_bytes()));
    let rows = Sql(&PARTS, vec![organization, id, Bind::Int(place), Bind::Int(limit)]).rows::<PartRecord>(tx)?;
    Ok(rows.into_iter().map(|row| (row.place, row.content)).collect())
}

/// Throws an export away, with its parts.
///
/// # Errors
/// [`DatabaseError`].
pub fn delete(tx: &mut Tx<'_>, one: &Export) -> Result<(), DatabaseError> {
    for statement in [&DELETE_PARTS, &DELETE] {
        let binds = vec![Bind::Bytes(one.organization.as_bytes()), Bind::Bytes(one.id.as_bytes())];
        Sql(statement, binds).run(tx)?;
    }
    Ok(())
}

pub(super) fn insert(tx: &mut Tx<'_>, export: &Export) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(export.organization.as_bytes()),
        Bind::Bytes(export.id.as_bytes()),
        Bind::Bytes(export.account.as_bytes()),
        Bind::Text(&export.kind),
        Bind::Text(&export.asked),
    ];
    Sql(&INSERT, binds).run(tx)
}
