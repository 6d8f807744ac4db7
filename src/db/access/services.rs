//! Services: subjects that are not people.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{Moment, OrganizationId, ResourceId, Revision, Service, ServiceId, UserId, fold};

use super::super::sql::{Bind, IdList, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::{self, corrupt};

/// A service as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// The service.
    pub service: Service,
    /// Since when it is there.
    pub created_at: Moment,
    name_key: String,
}

pub(super) const BEGIN: Statement = Statement {
    name: "service_begin",
    sqlite: "INSERT INTO service (organization, id, from_revision, until_revision, name, name_key, owner, successor, \
             expires_at, stopped_at, created_at) VALUES ($1, $3, $2, 9223372036854775807, $4, $5, $6, $7, $8, $9, $10)",
    postgres: "INSERT INTO service (organization, id, from_revision, until_revision, name, name_key, owner, successor, \
               expires_at, stopped_at, created_at) SELECT v.organization, v.id, v.revision, 9223372036854775807, v.name, \
               v.name_key, v.owner, v.successor, v.expires_at, v.stopped_at, v.created_at \
               FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], \
               $8::bigint[], $9::bigint[], $10::bigint[]) \
               AS v(organization, revision, id, name, name_key, owner, successor, expires_at, stopped_at, created_at)",
};
pub(super) const END: Statement = Statement {
    name: "service_end",
    sqlite: "UPDATE service SET until_revision = $2 \
             WHERE organization = $1 AND id = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE service AS s SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS v(organization, revision, id) \
               WHERE s.organization = v.organization AND s.id = v.id AND s.until_revision = 9223372036854775807",
};
const BEGUN: Statement = Statement::both(
    "service_begun",
    "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ENDED: Statement = Statement::both(
    "service_ended",
    "SELECT id FROM service WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const BY_ID: Statement = Statement::both(
    "service_by_id",
    "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
     WHERE organization = $1 AND id = $2 AND until_revision = 9223372036854775807",
);
const BY_IDS: Statement = Statement {
    name: "service_by_ids",
    sqlite: "SELECT s.id, s.name, s.owner, s.successor, s.expires_at, s.stopped_at, s.created_at \
             FROM json_each($2) j CROSS JOIN service s INDEXED BY service_listed ON s.organization = $1 \
             AND s.id = unhex(j.value) AND s.until_revision = 9223372036854775807",
    postgres: "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
               WHERE organization = $1 AND id = ANY($2) AND until_revision = 9223372036854775807",
};
const LISTED: Statement = Statement {
    name: "service_listed",
    sqlite: "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
             INDEXED BY service_listed WHERE organization = $1 AND id > $2 \
             AND until_revision = 9223372036854775807 ORDER BY id LIMIT $3",
    postgres: "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
               WHERE organization = $1 AND id > $2 AND until_revision = 9223372036854775807 ORDER BY id LIMIT $3",
};
const BY_NAME: Statement = Statement::both(
    "service_by_name",
    "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
     WHERE organization = $1 AND name_key = $2 AND until_revision = 9223372036854775807 AND stopped_at IS NULL",
);
const OF_OWNER: Statement = Statement {
    name: "service_of_owner",
    sqlite: "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service INDEXED BY service_of_owner \
             WHERE organization = $1 AND owner = $2 AND until_revision = 9223372036854775807",
    postgres: "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service WHERE organization = $1 AND \
               owner = $2 AND until_revision = 9223372036854775807",
};

// What ended with the revision was somebody's, and is somebody else's from the same revision on.
const HANDED_OVER: Statement = Statement {
    name: "service_handed_over",
    sqlite: "SELECT b.id FROM service b INDEXED BY service_ended CROSS JOIN service a \
             ON a.organization = b.organization AND a.id = b.id AND a.from_revision = b.until_revision \
             WHERE b.organization = $1 AND b.until_revision = $2 AND b.until_revision < 9223372036854775807 \
             AND b.owner = $3 AND a.owner <> $3 ORDER BY b.id",
    postgres: "SELECT b.id FROM service b JOIN service a \
               ON a.organization = b.organization AND a.id = b.id AND a.from_revision = b.until_revision \
               WHERE b.organization = $1 AND b.until_revision = $2 AND b.until_revision < 9223372036854775807 \
               AND b.owner = $3 AND a.owner <> $3 ORDER BY b.id",
};

// Whatever became of them since: those that are as they were, and those that ended with the revision or later.
const OWNED_UNTIL: Statement = Statement {
    name: "service_owned_until",
    sqlite: "SELECT id FROM service INDEXED BY service_of_owner WHERE organization = $1 AND owner = $3 \
             AND until_revision = 9223372036854775807 AND from_revision < $2 AND stopped_at IS NULL \
             UNION SELECT id FROM service INDEXED BY service_ended WHERE organization = $1 AND until_revision >= $2 \
             AND until_revision < 9223372036854775807 AND owner = $3 AND from_revision < $2 AND stopped_at IS NULL ORDER BY id",
    postgres: "SELECT id FROM service WHERE organization = $1 AND owner = $3 \
               AND until_revision = 9223372036854775807 AND from_revision < $2 AND stopped_at IS NULL \
               UNION SELECT id FROM service WHERE organization = $1 AND until_revision >= $2 \
               AND until_revision < 9223372036854775807 AND owner = $3 AND from_revision < $2 AND stopped_at IS NULL ORDER BY id",
};

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] =
    &[&BEGIN, &END, &BEGUN, &ENDED, &BY_ID, &BY_IDS, &LISTED, &BY_NAME, &OF_OWNER, &HANDED_OVER, &OWNED_UNTIL];

impl ServiceRow {
    /// The row of a service that is there since `created_at`.
    pub fn new(service: Service, created_at: Moment) -> Self {
        let name_key = fold(service.name.as_str());
        Self { service, created_at, name_key }
    }

    pub(super) fn binds(&self) -> [Bind<'_>; 8] {
        let Service { id, name, owner, successor, expires_at, stopped_at } = &self.service;
        [
            Bind::Bytes(id.as_bytes()),
            Bind::Text(name.as_str()),
            Bind::Text(&self.name_key),
            Bind::Bytes(owner.as_bytes()),
            Bind::OptionalBytes(successor.as_ref().map(|id| id.as_bytes().as_slice())),
            Bind::Int(expires_at.as_micros()),
            Bind::OptionalInt(stopped_at.map(Moment::as_micros)),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct ServiceRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Binary)]
    owner: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    successor: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    stopped_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

pub(super) fn read(row: ServiceRecord) -> Result<ServiceRow, DatabaseError> {
    let service = Service {
        id: ServiceId::from_bytes(&row.id).map_err(corrupt("service"))?,
        name: row.name.parse().map_err(corrupt("service"))?,
        owner: UserId::from_bytes(&row.owner).map_err(corrupt("service"))?,
        successor: row.successor.map(|id| UserId::from_bytes(&id)).transpose().map_err(corrupt("service"))?,
        expires_at: Moment::from_micros(row.expires_at),
        stopped_at: row.stopped_at.map(Moment::from_micros),
    };
    Ok(ServiceRow::new(service, Moment::from_micros(row.created_at)))
}

/// The services of an organization, oldest first, stopped ones too.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<ServiceRow>, DatabaseError> {
    let mut services = begun(tx, organization, interval::EVER)?;
    services.sort_by_key(|row| row.service.id);
    Ok(services)
}

/// The services that are as they are since a revision after `since`.
pub fn begun(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<ServiceRow>, DatabaseError> {
    interval::since(tx, &BEGUN, organization, since, read)
}

/// The services that ended, or became something else, after `since`.
pub fn ended(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<ServiceId>, DatabaseError> {
    let read = |row: IdRecord| ServiceId::from_bytes(&row.id).map_err(corrupt("service"));
    interval::since(tx, &ENDED, organization, since, read)
}

/// One service, stopped ones too.
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ServiceId,
) -> Result<Option<ServiceRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row(tx)?.map(read).transpose()
}

/// These services, stopped ones too.
pub fn by_ids(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[ServiceId],
) -> Result<Vec<ServiceRow>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)];
    Sql(&BY_IDS, binds).rows(tx)?.into_iter().map(read).collect()
}

/// The services behind an id, oldest first, at most `limit`, stopped ones too.
pub fn page(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<ServiceRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    Sql(&LISTED, binds).rows(tx)?.into_iter().map(read).collect()
}

/// The service of a name, whatever its case, that is not stopped.
pub fn by_name(tx: &mut Tx<'_>, organization: OrganizationId, name: &str) -> Result<Option<ServiceRow>, DatabaseError> {
    let key = fold(name);
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(&key)];
    Sql(&BY_NAME, binds).row(tx)?.map(read).transpose()
}

/// The services a user answers for, stopped ones too.
pub fn of_owner(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    owner: UserId,
) -> Result<Vec<ServiceRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(owner.as_bytes())];
    Sql(&OF_OWNER, binds).rows(tx)?.into_iter().map(read).collect()
}

/// The services that somebody answered for until a revision, which were not stopped.
pub fn owned_until(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    owner: UserId,
    revision: Revision,
) -> Result<Vec<ServiceId>, DatabaseError> {
    ids_at(tx, &OWNED_UNTIL, organization, owner, revision)
}

/// The services of somebody that are another's from a revision on.
pub fn handed_over(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    owner: UserId,
    revision: Revision,
) -> Result<Vec<ServiceId>, DatabaseError> {
    ids_at(tx, &HANDED_OVER, organization, owner, revision)
}

fn ids_at(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    organization: OrganizationId,
    owner: UserId,
    revision: Revision,
) -> Result<Vec<ServiceId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64()), Bind::Bytes(owner.as_bytes())];
    let read = |row: IdRecord| ServiceId::from_bytes(&row.id).map_err(corrupt("service"));
    Sql(statement, binds).rows(tx)?.into_iter().map(read).collect()
}
