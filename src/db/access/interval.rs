//! What tables of intervals have in common: reading what began, what ended, and what held at a revision.

use diesel::QueryableByName;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::sql_types::{Text, Untyped};
use diesel::sqlite::Sqlite;

use crate::model::{OrganizationId, Revision};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};

/// Whatever holds now and began after `since`; everything that holds for [`EVER`].
pub(super) fn since<R, T>(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    organization: OrganizationId,
    since: Revision,
    read: impl Fn(R) -> Result<T, DatabaseError>,
) -> Result<Vec<T>, DatabaseError>
where
    R: FromSqlRow<Untyped, Sqlite> + FromSqlRow<Untyped, Pg> + 'static,
{
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(since.as_i64())];
    Sql(statement, binds).rows::<R>(tx)?.into_iter().map(read).collect()
}

/// Before every revision there is.
pub(super) const EVER: Revision = Revision::new(-1);

/// A row that is known by one text.
#[derive(QueryableByName)]
pub(super) struct NameRecord {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
}

/// A row that is known by two texts.
#[derive(QueryableByName)]
pub(super) struct PairRecord {
    #[diesel(sql_type = Text)]
    pub(super) first: String,
    #[diesel(sql_type = Text)]
    pub(super) second: String,
}

/// A row that does not hold what it must.
pub(super) fn corrupt<E: std::fmt::Display>(table: &'static str) -> impl Fn(E) -> DatabaseError {
    move |problem| DatabaseError::Corrupt { table, problem: problem.to_string() }
}
