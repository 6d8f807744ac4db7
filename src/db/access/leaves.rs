//! Resources below the scopes.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use serde_json::{Map, Value};

use crate::model::{Fact, Leaf, LeafId, OrganizationId, ResourceType, Revision};

use super::super::sql::{Bind, Statement};
use super::super::{DatabaseError, Tx};
use super::facts;
use super::interval::{self, PairRecord, corrupt};

/// A resource.
#[derive(Debug, Clone)]
pub struct LeafRow {
    /// The resource.
    pub leaf: Leaf,
    facts: String,
}

pub(super) const BEGIN: Statement = Statement {
    name: "leaf_begin",
    sqlite: "INSERT INTO leaf (organization, resource_type, id, from_revision, until_revision, scope, facts) \
             VALUES ($1, $3, $4, $2, 9223372036854775807, $5, $6)",
    postgres: "INSERT INTO leaf (organization, resource_type, id, from_revision, until_revision, scope, facts) \
               SELECT v.organization, v.resource_type, v.id, v.revision, 9223372036854775807, v.scope, v.facts \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) \
               AS v(organization, revision, resource_type, id, scope, facts)",
};
pub(super) const END: Statement = Statement {
    name: "leaf_end",
    sqlite: "UPDATE leaf SET until_revision = $2 \
             WHERE organization = $1 AND resource_type = $3 AND id = $4 AND until_revision = 9223372036854775807",
    postgres: "UPDATE leaf AS l SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) \
               AS v(organization, revision, resource_type, id) WHERE l.organization = v.organization \
               AND l.resource_type = v.resource_type AND l.id = v.id AND l.until_revision = 9223372036854775807",
};
const BEGUN: Statement = Statement::both(
    "leaf_begun",
    "SELECT resource_type, id, scope, facts FROM leaf \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ENDED: Statement = Statement::both(
    "leaf_ended",
    "SELECT resource_type AS first, id AS second FROM leaf \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&BEGIN, &END, &BEGUN, &ENDED];

impl From<&Leaf> for LeafRow {
    fn from(leaf: &Leaf) -> Self {
        Self { leaf: leaf.clone(), facts: facts::text(&leaf.facts) }
    }
}

impl LeafRow {
    pub(super) fn binds(&self) -> [Bind<'_>; 4] {
        [
            Bind::Text(self.leaf.resource_type.as_str()),
            Bind::Text(self.leaf.id.as_str()),
            Bind::Text(self.leaf.scope.as_str()),
            Bind::Text(&self.facts),
        ]
    }
}

fn fact_of_json(value: Value) -> Result<Fact, DatabaseError> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        other => Err(corrupt("leaf")(format!("a list holds `{other}`, expected texts"))),
    };
    match value {
        Value::Bool(flag) => Ok(Fact::Flag(flag)),
        Value::String(text) => Ok(Fact::Text(text)),
        Value::Array(values) => values.into_iter().map(text).collect::<Result<_, _>>().map(Fact::Texts),
        Value::Number(number) if number.is_i64() => Ok(Fact::Number(number.as_i64().unwrap_or_default())),
        other => Err(corrupt("leaf")(format!("a fact is `{other}`, expected a flag, a whole number or texts"))),
    }
}

#[derive(QueryableByName)]
pub(super) struct LeafRecord {
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    facts: String,
}

pub(super) fn read(row: LeafRecord) -> Result<Leaf, DatabaseError> {
    let facts: Map<String, Value> = serde_json::from_str(&row.facts).map_err(corrupt("leaf"))?;
    let facts: Result<BTreeMap<String, Fact>, DatabaseError> =
        facts.into_iter().map(|(name, value)| Ok((name, fact_of_json(value)?))).collect();
    Ok(Leaf {
        resource_type: row.resource_type.parse().map_err(corrupt("leaf"))?,
        id: row.id.parse().map_err(corrupt("leaf"))?,
        scope: row.scope.parse().map_err(corrupt("leaf"))?,
        facts: facts?,
    })
}

/// The resources of an organization, by type and id.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Leaf>, DatabaseError> {
    let mut leaves = begun(tx, organization, interval::EVER)?;
    leaves.sort_by(|a, b| (&a.resource_type, &a.id).cmp(&(&b.resource_type, &b.id)));
    Ok(leaves)
}

/// The resources that are as they are since a revision after `since`.
pub fn begun(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<Leaf>, DatabaseError> {
    interval::since(tx, &BEGUN, organization, since, read)
}

/// The resources that ended, or became something else, after `since`.
pub fn ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<(ResourceType, LeafId)>, DatabaseError> {
    let read = |row: PairRecord| {
        Ok((row.first.parse().map_err(corrupt("leaf"))?, row.second.parse().map_err(corrupt("leaf"))?))
    };
    interval::since(tx, &ENDED, organization, since, read)
}
