//! Statements whose rows say which, and no more.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::model::ResourceId;

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

#[derive(QueryableByName)]
struct KnownRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    deleted_at: Option<i64>,
}

fn read(id: &[u8]) -> Result<ResourceId, DatabaseError> {
    ResourceId::from_bytes(id).map_err(|error| DatabaseError::Corrupt {
        table: "of a statement that selects ids",
        problem: error.to_string(),
    })
}

/// The `id` of the first row.
pub(super) fn first(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Option<ResourceId>, DatabaseError> {
    Sql(statement, binds).row::<IdRecord>(tx)?.map(|row| read(&row.id)).transpose()
}

/// Every `id`.
pub(super) fn all(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Vec<ResourceId>, DatabaseError> {
    Sql(statement, binds).rows::<IdRecord>(tx)?.iter().map(|row| read(&row.id)).collect()
}

/// Every `id`, and whether what it stands for is still present: `deleted_at` is null.
pub(super) fn known(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Vec<(ResourceId, bool)>, DatabaseError> {
    let rows = Sql(statement, binds).rows::<KnownRecord>(tx)?;
    rows.into_iter().map(|row| Ok((read(&row.id)?, row.deleted_at.is_none()))).collect()
}
