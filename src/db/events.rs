//! The log: one row a change, written in the transaction of the change.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{Actor, CredentialId, EventId, Moment, OrganizationId, RequestId, ResourceId, Revision};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx, identified};

/// One line of the log. People are named by resource id only.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its identifier.
    pub id: EventId,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: Actor,
    /// In which request.
    pub request: RequestId,
    /// What, `user.created` and the like.
    pub action: &'static str,
    /// To whom.
    pub resource: ResourceId,
    /// What can be told in clear, canonical JSON: names of attributes, ids.
    pub details: String,
    /// Values before and after, sealed under the person's key.
    pub sealed: Option<Vec<u8>>,
}

pub(super) const INSERT: Statement = Statement {
    name: "event_insert",
    sqlite: "INSERT INTO event (organization, id, at, actor_kind, connection, credential, request, action, resource_id, \
             revision, details, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    // The transaction's number lets the sealer take only events whose transaction has ended.
    postgres: "INSERT INTO event (organization, id, at, actor_kind, connection, credential, request, action, resource_id, \
               revision, details, sealed, transaction_id) \
               SELECT v.*, pg_current_xact_id()::text::bigint \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], \
               $8::text[], $9::bytea[], $10::bigint[], $11::text[], $12::bytea[]) AS v",
};

pub(super) const EXISTS: Statement =
    Statement::both("event_exists", "SELECT id FROM event WHERE organization = $1 AND id = $2");

pub(super) const AFTER: Statement = Statement::both(
    "event_after",
    "SELECT id, at, actor_kind, connection, credential, request, action, resource_id, revision, details, sealed FROM event \
     WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3",
);

pub(super) const BEFORE: Statement = Statement::both(
    "event_before",
    "SELECT id, at, actor_kind, connection, credential, request, action, resource_id, revision, details, sealed FROM event \
     WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
);

pub(super) const OF_REVISION: Statement = Statement {
    name: "event_of_revision",
    sqlite: "SELECT id, at, actor_kind, connection, credential, request, action, resource_id, revision, details, sealed \
             FROM event INDEXED BY event_of_revision WHERE organization = $1 AND revision = $2 AND resource_id = $3 LIMIT 1",
    postgres: "SELECT id, at, actor_kind, connection, credential, request, action, resource_id, revision, details, sealed \
               FROM event WHERE organization = $1 AND revision = $2 AND resource_id = $3 LIMIT 1",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &EXISTS, &AFTER, &BEFORE, &OF_REVISION];

impl EventRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId, revision: Option<Revision>) -> Vec<Bind<'a>> {
        let (kind, connection, credential) = match &self.actor {
            Actor::Connection(connection, credential) => {
                ("connection", connection.as_bytes(), Some(credential.as_bytes().as_slice()))
            }
            Actor::Credential(credential) => ("credential", NOBODY, Some(credential.as_bytes().as_slice())),
            // The column holds whoever came with something to show for it; the kind says which table it is in.
            Actor::Account(account) => ("account", NOBODY, Some(account.as_bytes().as_slice())),
            Actor::CommandLine => ("command-line", NOBODY, None),
            Actor::Server => ("server", NOBODY, None),
        };
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(self.at.as_micros()),
            Bind::Text(kind),
            Bind::Bytes(connection),
            Bind::OptionalBytes(credential),
            Bind::Bytes(self.request.as_bytes()),
            Bind::Text(self.action),
            Bind::Bytes(self.resource.as_bytes()),
            Bind::OptionalInt(revision.map(Revision::as_i64)),
            Bind::Text(&self.details),
            Bind::OptionalBytes(self.sealed.as_deref()),
        ]
    }
}

const NOBODY: &[u8; 16] = &[0; 16];

/// An event as read back.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its identifier.
    pub id: EventId,
    /// When.
    pub at: Moment,
    /// `connection`, `credential`, `account`, `command-line` or `server`.
    pub actor_kind: String,
    /// The connection that did it; sixteen zero bytes for the others.
    pub connection: Vec<u8>,
    /// By which credential or account, where it came with one.
    pub credential: Option<CredentialId>,
    /// In which request.
    pub request: RequestId,
    /// What.
    pub action: String,
    /// To whom.
    pub resource: ResourceId,
    /// The revision it bears, where it takes one.
    pub revision: Option<Revision>,
    /// What can be told in clear.
    pub details: String,
    /// Values before and after, sealed.
    pub sealed: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct EventRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    actor_kind: String,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    credential: Option<Vec<u8>>,
    #[diesel(sql_type = Binary)]
    request: Vec<u8>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Binary)]
    resource_id: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revision: Option<i64>,
    #[diesel(sql_type = Text)]
    details: String,
    #[diesel(sql_type = Nullable<Binary>)]
    sealed: Option<Vec<u8>>,
}

/// The events after `after` in the order of their ids, at most `limit`.
pub fn after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: EventId,
    limit: i64,
) -> Result<Vec<StoredEvent>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    Sql(&AFTER, binds).rows(tx)?.into_iter().map(stored).collect()
}

/// The events before `before`, newest first, at most `limit`.
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: EventId,
    limit: i64,
) -> Result<Vec<StoredEvent>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(before.as_bytes()), Bind::Int(limit)];
    Sql(&BEFORE, binds).rows(tx)?.into_iter().map(stored).collect()
}

fn stored(row: EventRecord) -> Result<StoredEvent, DatabaseError> {
    let corrupt = |e: crate::model::IdError| DatabaseError::Corrupt { table: "event", problem: e.to_string() };
    Ok(StoredEvent {
        id: EventId::from_bytes(&row.id).map_err(corrupt)?,
        at: Moment::from_micros(row.at),
        actor_kind: row.actor_kind,
        connection: row.connection,
        credential: row.credential.map(|id| CredentialId::from_bytes(&id)).transpose().map_err(corrupt)?,
        request: RequestId::from_bytes(&row.request).map_err(corrupt)?,
        action: row.action,
        resource: ResourceId::from_bytes(&row.resource_id).map_err(corrupt)?,
        revision: row.revision.map(Revision::new),
        details: row.details,
        sealed: row.sealed,
    })
}

/// The event about a resource that bears a revision.
pub fn of_revision(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    resource: ResourceId,
    revision: Revision,
) -> Result<Option<StoredEvent>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64()), Bind::Bytes(resource.as_bytes())];
    Sql(&OF_REVISION, binds).row(tx)?.map(stored).transpose()
}

/// Whether an event is on record: tells whether a commit whose answer was lost took place.
pub fn exists(tx: &mut Tx<'_>, organization: OrganizationId, id: EventId) -> Result<bool, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Ok(identified::first(tx, &EXISTS, binds)?.is_some())
}
