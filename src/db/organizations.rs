//! Organizations, their connections, revisions and list totals.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use crate::model::{Connection, ConnectionId, Moment, OrganizationId, Profile, Revision};

use super::sql::{Bind, IdList, Sql, Statement};
use super::{DatabaseError, ResourceKind, Tx, identified};

/// An organization as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its identifier.
    pub id: OrganizationId,
    /// Its name in URLs and on the command line.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The last revision.
    pub revision: Revision,
    /// Whether it was made for the certification of the Authorization API: callers are believed everything.
    pub certification: bool,
    /// Since when nobody of it is admitted.
    pub suspended_at: Option<Moment>,
}

/// The totals of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many are in the list.
    pub present: i64,
    /// How many ever went.
    pub deleted: i64,
}

pub(super) const INSERT: Statement = Statement::both(
    "organization_insert",
    "INSERT INTO organization (id, slug, name, revision, created_at, certification) VALUES ($1, $2, $3, 0, $4, $5)",
);
pub(super) const RENAME: Statement =
    Statement::both("organization_rename", "UPDATE organization SET name = $3 WHERE id = $1 AND name = $2");
pub(super) const SUSPEND: Statement =
    Statement::both("organization_suspend", "UPDATE organization SET suspended_at = $2 WHERE id = $1");
pub(super) const SUSPENDED: Statement =
    Statement::both("organization_suspended", "SELECT id FROM organization WHERE id = $1 AND suspended_at IS NOT NULL");
pub(super) const INSERT_CONNECTION: Statement = Statement::both(
    "connection_insert",
    "INSERT INTO connection (organization, id, name, profile, paused, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub(super) const PAUSE_CONNECTION: Statement =
    Statement::both("connection_pause", "UPDATE connection SET paused = $3 WHERE organization = $1 AND id = $2");
pub(super) const LIST: Statement = Statement::both(
    "organization_list",
    "SELECT id, slug, name, revision, certification, suspended_at FROM organization ORDER BY slug",
);
pub(super) const FIRST_TWO: Statement = Statement::both(
    "organization_first_two",
    "SELECT id, slug, name, revision, certification, suspended_at FROM organization ORDER BY slug LIMIT 2",
);
pub(super) const BY_SLUG: Statement = Statement::both(
    "organization_by_slug",
    "SELECT id, slug, name, revision, certification, suspended_at FROM organization WHERE slug = $1",
);
pub(super) const BY_ID: Statement = Statement::both(
    "organization_by_id",
    "SELECT id, slug, name, revision, certification, suspended_at FROM organization WHERE id = $1",
);
pub(super) const RENAME_CONNECTION: Statement =
    Statement::both("connection_rename", "UPDATE connection SET name = $3 WHERE organization = $1 AND id = $2");
pub(super) const CONNECTIONS: Statement = Statement::both(
    "connection_list",
    "SELECT id, name, profile, paused, assigns_roles, asynchronous FROM connection WHERE organization = $1 ORDER BY name",
);
pub(super) const CONNECTION_BY_ID: Statement = Statement::both(
    "connection_by_id",
    "SELECT id, name, profile, paused, assigns_roles, asynchronous FROM connection WHERE organization = $1 AND id = $2",
);
pub(super) const ASSIGN_ROLES: Statement = Statement::both(
    "connection_assign_roles",
    "UPDATE connection SET assigns_roles = $3 WHERE organization = $1 AND id = $2",
);
pub(super) const SET_ASYNCHRONOUS: Statement = Statement::both(
    "connection_set_asynchronous",
    "UPDATE connection SET asynchronous = $3 WHERE organization = $1 AND id = $2",
);
pub(super) const REVISION: Statement =
    Statement::both("organization_revision", "SELECT id, revision FROM organization WHERE id = $1");
pub(super) const REVISIONS: Statement = Statement {
    name: "organization_revisions",
    sqlite: "SELECT id, revision FROM organization WHERE id IN (SELECT unhex(value) FROM json_each($1))",
    postgres: "SELECT id, revision FROM organization WHERE id = ANY($1)",
};
// Takes the organization's lock until the end of the transaction.
pub(super) const TAKE_REVISIONS: Statement = Statement {
    name: "organization_take_revisions",
    sqlite: "UPDATE organization SET revision = revision + $2 WHERE id = $1 RETURNING id, revision",
    postgres: "UPDATE organization AS o SET revision = o.revision + v.times \
               FROM unnest($1::bytea[], $2::bigint[]) AS v(id, times) WHERE o.id = v.id RETURNING o.id, o.revision",
};
pub(super) const COUNT: Statement = Statement {
    name: "resource_count_add",
    sqlite: "INSERT INTO resource_count (organization, connection, resource_kind, shard, present, deleted) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization, connection, resource_kind, shard) \
             DO UPDATE SET present = present + excluded.present, deleted = deleted + excluded.deleted",
    postgres: "INSERT INTO resource_count AS c (organization, connection, resource_kind, shard, present, deleted) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
               ON CONFLICT (organization, connection, resource_kind, shard) \
               DO UPDATE SET present = c.present + excluded.present, deleted = c.deleted + excluded.deleted",
};
pub(super) const TOTALS: Statement = Statement::both(
    "resource_count_totals",
    "SELECT CAST(COALESCE(SUM(present), 0) AS BIGINT) AS present, CAST(COALESCE(SUM(deleted), 0) AS BIGINT) AS deleted \
     FROM resource_count WHERE organization = $1 AND connection = $2 AND resource_kind = $3",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &RENAME,
    &SUSPEND,
    &SUSPENDED,
    &INSERT_CONNECTION,
    &PAUSE_CONNECTION,
    &ASSIGN_ROLES,
    &SET_ASYNCHRONOUS,
    &LIST,
    &FIRST_TWO,
    &BY_SLUG,
    &BY_ID,
    &RENAME_CONNECTION,
    &CONNECTIONS,
    &CONNECTION_BY_ID,
    &REVISION,
    &REVISIONS,
    &TAKE_REVISIONS,
    &COUNT,
    &TOTALS,
];

#[derive(QueryableByName)]
struct OrganizationRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Bool)]
    certification: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    suspended_at: Option<i64>,
}

#[derive(QueryableByName)]
struct RevisionRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

#[derive(QueryableByName)]
struct ConnectionRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    profile: String,
    #[diesel(sql_type = Bool)]
    paused: bool,
    #[diesel(sql_type = Bool)]
    assigns_roles: bool,
    #[diesel(sql_type = Bool)]
    asynchronous: bool,
}

#[derive(QueryableByName)]
struct TotalsRecord {
    #[diesel(sql_type = BigInt)]
    present: i64,
    #[diesel(sql_type = BigInt)]
    deleted: i64,
}

fn corrupt(table: &'static str) -> impl Fn(crate::model::IdError) -> DatabaseError {
    move |error| DatabaseError::Corrupt { table, problem: error.to_string() }
}

fn read_organization(row: &OrganizationRecord) -> Result<Organization, DatabaseError> {
    Ok(Organization {
        id: OrganizationId::from_bytes(&row.id).map_err(corrupt("organization"))?,
        slug: row.slug.clone(),
        name: row.name.clone(),
        revision: Revision::new(row.revision),
        certification: row.certification,
        suspended_at: row.suspended_at.map(Moment::from_micros),
    })
}

fn read_revision(row: &RevisionRecord) -> Result<(OrganizationId, Revision), DatabaseError> {
    Ok((OrganizationId::from_bytes(&row.id).map_err(corrupt("organization"))?, Revision::new(row.revision)))
}

fn read_connection(organization: OrganizationId, row: ConnectionRecord) -> Result<Connection, DatabaseError> {
    let profile = Profile::from_name(&row.profile).ok_or_else(|| DatabaseError::Corrupt {
        table: "connection",
        problem: format!("unknown profile `{}`", row.profile),
    })?;
    let id = ConnectionId::from_bytes(&row.id).map_err(corrupt("connection"))?;
    let ConnectionRecord { name, paused, assigns_roles, asynchronous, .. } = row;
    Ok(Connection { organization, id, name, profile, paused, assigns_roles, asynchronous })
}

/// Every organization, by slug.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Organization>, DatabaseError> {
    Sql(&LIST, vec![]).rows::<OrganizationRecord>(tx)?.iter().map(read_organization).collect()
}

/// Whether nobody of an organization is admitted.
pub fn is_suspended(tx: &mut Tx<'_>, id: OrganizationId) -> Result<bool, DatabaseError> {
    Ok(identified::first(tx, &SUSPENDED, vec![Bind::Bytes(id.as_bytes())])?.is_some())
}

pub(super) fn suspend(tx: &mut Tx<'_>, id: OrganizationId, at: Option<Moment>) -> diesel::QueryResult<usize> {
    Sql(&SUSPEND, vec![Bind::Bytes(id.as_bytes()), Bind::OptionalInt(at.map(Moment::as_micros))]).run(tx)
}

pub(super) fn rename(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: &str,
    name: &str,
) -> diesel::QueryResult<usize> {
    Sql(&RENAME, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(before), Bind::Text(name)]).run(tx)
}

/// The first two organizations, by slug: whether there is one, or more.
///
/// # Errors
/// [`DatabaseError`].
pub fn first_two(tx: &mut Tx<'_>) -> Result<Vec<Organization>, DatabaseError> {
    Sql(&FIRST_TWO, vec![]).rows::<OrganizationRecord>(tx)?.iter().map(read_organization).collect()
}

/// The organization of a slug, unless it is suspended.
pub fn by_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<Organization>, DatabaseError> {
    Ok(of_slug(tx, slug)?.filter(|organization| organization.suspended_at.is_none()))
}

/// Whether an organization has this slug, suspended or not.
pub fn is_taken(tx: &mut Tx<'_>, slug: &str) -> Result<bool, DatabaseError> {
    Ok(of_slug(tx, slug)?.is_some())
}

fn of_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<Organization>, DatabaseError> {
    Sql(&BY_SLUG, vec![Bind::Text(slug)]).row(tx)?.as_ref().map(read_organization).transpose()
}

/// One organization.
pub fn by_id(tx: &mut Tx<'_>, id: OrganizationId) -> Result<Option<Organization>, DatabaseError> {
    Sql(&BY_ID, vec![Bind::Bytes(id.as_bytes())]).row(tx)?.as_ref().map(read_organization).transpose()
}

/// The connections of an organization, by name.
pub fn connections(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Connection>, DatabaseError> {
    let rows = Sql(&CONNECTIONS, vec![Bind::Bytes(organization.as_bytes())]).rows::<ConnectionRecord>(tx)?;
    rows.into_iter().map(|row| read_connection(organization, row)).collect()
}

/// One connection.
pub fn connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
) -> Result<Option<Connection>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    let row = Sql(&CONNECTION_BY_ID, binds).row::<ConnectionRecord>(tx)?;
    row.map(|row| read_connection(organization, row)).transpose()
}

/// The last revision of an organization.
pub fn revision(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Option<Revision>, DatabaseError> {
    let row = Sql(&REVISION, vec![Bind::Bytes(organization.as_bytes())]).row::<RevisionRecord>(tx)?;
    Ok(row.map(|row| Revision::new(row.revision)))
}

/// The last revisions of several organizations.
pub fn revisions(
    tx: &mut Tx<'_>,
    organizations: &[OrganizationId],
) -> Result<Vec<(OrganizationId, Revision)>, DatabaseError> {
    let list = IdList::new(organizations.iter().map(|id| id.as_bytes().as_slice()));
    Sql(&REVISIONS, vec![Bind::Ids(list)]).rows::<RevisionRecord>(tx)?.iter().map(read_revision).collect()
}

/// Takes `times` revisions of each organization and answers the last one taken. Holds the organizations' locks.
pub(super) fn take_revisions(
    tx: &mut Tx<'_>,
    wanted: &[(OrganizationId, i64)],
) -> Result<Vec<(OrganizationId, Revision)>, DatabaseError> {
    let mut taken = Vec::with_capacity(wanted.len());
    if matches!(tx, Tx::Postgres(_)) {
        let ids = wanted.iter().map(|(id, _)| id.as_bytes().as_slice()).collect();
        let times = wanted.iter().map(|(_, times)| *times).collect();
        let rows = Sql(&TAKE_REVISIONS, vec![Bind::ManyBytes(ids), Bind::Ints(times)]).rows::<RevisionRecord>(tx)?;
        return rows.iter().map(read_revision).collect();
    }
    for (id, times) in wanted {
        let binds = vec![Bind::Bytes(id.as_bytes()), Bind::Int(*times)];
        for row in Sql(&TAKE_REVISIONS, binds).rows::<RevisionRecord>(tx)? {
            taken.push(read_revision(&row)?);
        }
    }
    Ok(taken)
}

/// The totals of a list of a connection (of nobody, for users).
pub fn totals(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    kind: ResourceKind,
) -> Result<Totals, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes()), Bind::Int(kind.as_i64())];
    let row = Sql(&TOTALS, binds).row::<TotalsRecord>(tx)?;
    Ok(row.map(|row| Totals { present: row.present, deleted: row.deleted }).unwrap_or_default())
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    id: OrganizationId,
    slug: &str,
    name: &str,
    (created_at, certification): (Moment, bool),
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(id.as_bytes()),
        Bind::Text(slug),
        Bind::Text(name),
        Bind::Int(created_at.as_micros()),
        Bind::Flag(certification),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn insert_connection(
    tx: &mut Tx<'_>,
    connection: &Connection,
    created_at: Moment,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(connection.organization.as_bytes()),
        Bind::Bytes(connection.id.as_bytes()),
        Bind::Text(&connection.name),
        Bind::Text(connection.profile.as_str()),
        Bind::Flag(connection.paused),
        Bind::Int(created_at.as_micros()),
    ];
    Sql(&INSERT_CONNECTION, binds).run(tx)
}

/// Turns one of a connection's switches: [`PAUSE_CONNECTION`], [`ASSIGN_ROLES`] or [`SET_ASYNCHRONOUS`].
pub(super) fn switch_connection(
    tx: &mut Tx<'_>,
    switch: &'static Statement,
    (organization, id): (OrganizationId, ConnectionId),
    on: bool,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Flag(on)];
    Sql(switch, binds).run(tx)
}

pub(super) fn rename_connection(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
    name: &str,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Text(name)];
    Sql(&RENAME_CONNECTION, binds).run(tx)
}
