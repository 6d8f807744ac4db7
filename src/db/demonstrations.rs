//! Organizations that were made up for a demonstration.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;

use crate::model::{Moment, OrganizationId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const INSERT: Statement = Statement::both(
    "demonstration_insert",
    "INSERT INTO demonstration (organization, seed, since) VALUES ($1, $2, $3)",
);
pub(super) const BY_ORGANIZATION: Statement =
    Statement::both("demonstration_by_organization", "SELECT seed, since FROM demonstration WHERE organization = $1");

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &BY_ORGANIZATION];

/// What says that nothing in an organization is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demonstration {
    /// What the company was made up from.
    pub seed: i64,
    /// Since when, which is before anything else happened.
    pub since: Moment,
}

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = BigInt)]
    seed: i64,
    #[diesel(sql_type = BigInt)]
    since: i64,
}

/// Marks an organization; how many rows that took.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    mark: &Demonstration,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(mark.seed), Bind::Int(mark.since.as_micros())];
    Sql(&INSERT, binds).run(tx)
}

/// The mark of an organization; `None` where people are real.
pub fn of(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Option<Demonstration>, DatabaseError> {
    let row = Sql(&BY_ORGANIZATION, vec![Bind::Bytes(organization.as_bytes())]).row::<Record>(tx)?;
    Ok(row.map(|row| Demonstration { seed: row.seed, since: Moment::from_micros(row.since) }))
}
