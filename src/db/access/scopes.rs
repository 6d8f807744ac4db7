//! Scopes and the gates watched at them.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::model::{GateBounds, Moment, OrganizationId, Permission, Reason, Revision, Scope, ScopePath};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::{self, NameRecord, PairRecord, corrupt};

/// A scope, without its gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRow {
    /// Where it is.
    pub path: ScopePath,
    /// Whether it is production.
    pub production: bool,
    /// What it is for.
    pub description: Option<Reason>,
    /// Since when it is there.
    pub created_at: Moment,
}

/// The bounds of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRow {
    /// Where it is.
    pub scope: ScopePath,
    /// What passes it.
    pub permission: Permission,
    /// How many must and may.
    pub bounds: GateBounds,
}

pub(super) const BEGIN: Statement = Statement {
    name: "scope_begin",
    sqlite: "INSERT INTO scope (organization, path, from_revision, until_revision, production, description, created_at) \
             VALUES ($1, $3, $2, 9223372036854775807, $4, $5, $6)",
    postgres: "INSERT INTO scope (organization, path, from_revision, until_revision, production, description, created_at) \
               SELECT v.organization, v.path, v.revision, 9223372036854775807, v.production, v.description, v.at \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bool[], $5::text[], $6::bigint[]) \
               AS v(organization, revision, path, production, description, at)",
};
pub(super) const END: Statement = Statement {
    name: "scope_end",
    sqlite: "UPDATE scope SET until_revision = $2 \
             WHERE organization = $1 AND path = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE scope AS s SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS v(organization, revision, path) \
               WHERE s.organization = v.organization AND s.path = v.path AND s.until_revision = 9223372036854775807",
};
const BEGUN: Statement = Statement::both(
    "scope_begun",
    "SELECT path, production, description, created_at FROM scope \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ENDED: Statement = Statement::both(
    "scope_ended",
    "SELECT path AS name FROM scope \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const LISTED: Statement = Statement {
    name: "scope_listed",
    sqlite: "SELECT path, production, description, created_at FROM scope INDEXED BY scope_listed \
             WHERE organization = $1 AND path > $2 AND until_revision = 9223372036854775807 ORDER BY path LIMIT $3",
    postgres: "SELECT path, production, description, created_at FROM scope \
               WHERE organization = $1 AND path > $2 AND until_revision = 9223372036854775807 ORDER BY path LIMIT $3",
};
const BY_PATH: Statement = Statement {
    name: "scope_by_path",
    sqlite: "SELECT path, production, description, created_at FROM scope INDEXED BY scope_listed \
             WHERE organization = $1 AND path = $2 AND until_revision = 9223372036854775807",
    postgres: "SELECT path, production, description, created_at FROM scope \
               WHERE organization = $1 AND path = $2 AND until_revision = 9223372036854775807",
};

pub(super) const BEGIN_GATE: Statement = Statement {
    name: "gate_begin",
    sqlite: "INSERT INTO gate (organization, scope, permission, from_revision, until_revision, minimum, maximum) \
             VALUES ($1, $3, $4, $2, 9223372036854775807, $5, $6)",
    postgres: "INSERT INTO gate (organization, scope, permission, from_revision, until_revision, minimum, maximum) \
               SELECT v.organization, v.scope, v.permission, v.revision, 9223372036854775807, v.minimum, v.maximum \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) \
               AS v(organization, revision, scope, permission, minimum, maximum)",
};
pub(super) const END_GATE: Statement = Statement {
    name: "gate_end",
    sqlite: "UPDATE gate SET until_revision = $2 \
             WHERE organization = $1 AND scope = $3 AND permission = $4 AND until_revision = 9223372036854775807",
    postgres: "UPDATE gate AS g SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) \
               AS v(organization, revision, scope, permission) WHERE g.organization = v.organization \
               AND g.scope = v.scope AND g.permission = v.permission AND g.until_revision = 9223372036854775807",
};
const GATES_BEGUN: Statement = Statement::both(
    "gate_begun",
    "SELECT scope, permission, minimum, maximum FROM gate \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const GATES_ENDED: Statement = Statement::both(
    "gate_ended",
    "SELECT scope AS first, permission AS second FROM gate \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);

const GATES_BETWEEN: Statement = Statement {
    name: "gate_between",
    sqlite: "SELECT scope, permission, minimum, maximum FROM gate INDEXED BY gate_listed \
             WHERE organization = $1 AND scope >= $2 AND scope <= $3 AND until_revision = 9223372036854775807",
    postgres: "SELECT scope, permission, minimum, maximum FROM gate \
               WHERE organization = $1 AND scope >= $2 AND scope <= $3 AND until_revision = 9223372036854775807",
};

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] = &[
    &BEGIN,
    &END,
    &BEGUN,
    &ENDED,
    &LISTED,
    &BY_PATH,
    &BEGIN_GATE,
    &END_GATE,
    &GATES_BEGUN,
    &GATES_ENDED,
    &GATES_BETWEEN,
];

impl ScopeRow {
    pub(super) fn binds(&self) -> [Bind<'_>; 4] {
        [
            Bind::Text(self.path.as_str()),
            Bind::Flag(self.production),
            Bind::OptionalText(self.description.as_ref().map(Reason::as_str)),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

impl GateRow {
    pub(super) fn binds(&self) -> [Bind<'_>; 4] {
        [
            Bind::Text(self.scope.as_str()),
            Bind::Text(self.permission.as_str()),
            Bind::Int(self.bounds.minimum().into()),
            Bind::OptionalInt(self.bounds.maximum().map(i64::from)),
        ]
    }
}

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct ScopeRecord {
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Bool)]
    production: bool,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct GateRecord {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    permission: String,
    #[diesel(sql_type = BigInt)]
    minimum: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    maximum: Option<i64>,
}

pub(super) fn read(row: ScopeRecord) -> Result<ScopeRow, DatabaseError> {
    Ok(ScopeRow {
        path: row.path.parse().map_err(corrupt("scope"))?,
        production: row.production,
        description: row.description.map(|text| text.parse()).transpose().map_err(corrupt("scope"))?,
        created_at: Moment::from_micros(row.created_at),
    })
}

fn read_gate(row: GateRecord) -> Result<GateRow, DatabaseError> {
    let number = |number: i64| u32::try_from(number).map_err(corrupt("gate"));
    let bounds = GateBounds::new(number(row.minimum)?, row.maximum.map(number).transpose()?);
    Ok(GateRow {
        scope: row.scope.parse().map_err(corrupt("gate"))?,
        permission: row.permission.parse().map_err(corrupt("gate"))?,
        bounds: bounds.map_err(corrupt("gate"))?,
    })
}

/// The scopes of an organization by path; `/` is there whether it has a row or not.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<ScopeRow>, DatabaseError> {
    let mut scopes = begun(tx, organization, interval::EVER)?;
    scopes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(scopes)
}

/// The scopes that are as they are since a revision after `since`.
pub fn begun(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<ScopeRow>, DatabaseError> {
    interval::since(tx, &BEGUN, organization, since, read)
}

/// The scopes that ended, or became something else, after `since`.
pub fn ended(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<ScopePath>, DatabaseError> {
    let read = |row: NameRecord| row.name.parse().map_err(corrupt("scope"));
    interval::since(tx, &ENDED, organization, since, read)
}

/// The gates of an organization by scope and permission.
pub fn gates(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<GateRow>, DatabaseError> {
    let mut gates = gates_begun(tx, organization, interval::EVER)?;
    gates.sort_by(|a, b| (&a.scope, &a.permission).cmp(&(&b.scope, &b.permission)));
    Ok(gates)
}

/// The gates that are as they are since a revision after `since`.
pub fn gates_begun(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<GateRow>, DatabaseError> {
    interval::since(tx, &GATES_BEGUN, organization, since, read_gate)
}

/// The gates that ended, or came to other bounds, after `since`.
pub fn gates_ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<(ScopePath, Permission)>, DatabaseError> {
    let read = |row: PairRecord| {
        Ok((row.first.parse().map_err(corrupt("gate"))?, row.second.parse().map_err(corrupt("gate"))?))
    };
    interval::since(tx, &GATES_ENDED, organization, since, read)
}

/// The scopes of an organization with their gates, by path; `/` is there without a row.
pub fn complete(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<BTreeMap<ScopePath, Scope>, DatabaseError> {
    let rows = list(tx, organization)?;
    Ok(with_gates([root()].into_iter().chain(rows), gates(tx, organization)?))
}

/// The scopes behind a path, with their gates, at most `limit`; `/`, which is there without a row, comes after nothing.
pub fn page(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: &str,
    limit: usize,
) -> Result<Vec<Scope>, DatabaseError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(after), Bind::Int(most)];
    let rows: Vec<ScopeRow> = Sql(&LISTED, binds).rows(tx)?.into_iter().map(read).collect::<Result<_, _>>()?;
    let first = after.is_empty().then(root);
    let last = rows.last().map_or_else(ScopePath::root, |row| row.path.clone());
    let gates = gates_between(tx, organization, after, last.as_str())?;
    Ok(with_gates(first.into_iter().chain(rows), gates).into_values().take(limit).collect())
}

/// One scope with its gates, and since when it is there; `/` is there without a row.
pub fn by_path(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    path: &ScopePath,
) -> Result<Option<(Scope, Option<Moment>)>, DatabaseError> {
    let row = row(tx, organization, path)?;
    let created_at = row.as_ref().map(|row| row.created_at);
    let Some(row) = row.or_else(|| (*path == ScopePath::root()).then(root)) else { return Ok(None) };
    let gates = gates_between(tx, organization, path.as_str(), path.as_str())?;
    Ok(with_gates([row], gates).remove(path).map(|scope| (scope, created_at)))
}

fn row(tx: &mut Tx<'_>, organization: OrganizationId, path: &ScopePath) -> Result<Option<ScopeRow>, DatabaseError> {
    Sql(&BY_PATH, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(path.as_str())]).row(tx)?.map(read).transpose()
}

fn gates_between(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    first: &str,
    last: &str,
) -> Result<Vec<GateRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(first), Bind::Text(last)];
    Sql(&GATES_BETWEEN, binds).rows(tx)?.into_iter().map(read_gate).collect()
}

/// The organization itself, of which nothing was said.
fn root() -> ScopeRow {
    ScopeRow { path: ScopePath::root(), production: false, description: None, created_at: Moment::from_micros(0) }
}

/// A later row of the same path counts.
fn with_gates(rows: impl IntoIterator<Item = ScopeRow>, gates: Vec<GateRow>) -> BTreeMap<ScopePath, Scope> {
    let scope = |row: ScopeRow| {
        let ScopeRow { path, production, description, .. } = row;
        (path.clone(), Scope { path, production, gates: BTreeMap::new(), description })
    };
    let mut scopes: BTreeMap<ScopePath, Scope> = rows.into_iter().map(scope).collect();
    for GateRow { scope, permission, bounds } in gates {
        if let Some(scope) = scopes.get_mut(&scope) {
            scope.gates.insert(permission, bounds);
        }
    }
    scopes
}
