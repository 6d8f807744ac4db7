//! Credentials: hashed secrets, expiry, revocation, last use.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{
    Believed, ConnectionId, Credential, CredentialId, CredentialKind, Moment, OrganizationId, ResourceId,
};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const INSERT: Statement = Statement::both(
    "credential_insert",
    "INSERT INTO credential (organization, id, kind, connection, secret_hash, created_at, expires_at, believed) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub(super) const REVOKE: Statement = Statement::both(
    "credential_revoke",
    "UPDATE credential SET revoked_at = $3 WHERE organization = $1 AND id = $2 AND revoked_at IS NULL",
);
pub(super) const BY_ID: Statement = Statement::both(
    "credential_by_id",
    "SELECT id, kind, connection, secret_hash, created_at, expires_at, revoked_at, last_used_at, believed FROM credential \
     WHERE organization = $1 AND id = $2",
);
pub(super) const LIST: Statement = Statement::both(
    "credential_list",
    "SELECT id, kind, connection, secret_hash, created_at, expires_at, revoked_at, last_used_at, believed FROM credential \
     WHERE organization = $1 ORDER BY id",
);
pub(super) const LISTED: Statement = Statement::both(
    "credential_listed",
    "SELECT id, kind, connection, secret_hash, created_at, expires_at, revoked_at, last_used_at, believed FROM credential \
     WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3",
);
pub(super) const USED: Statement = Statement::both(
    "credential_used",
    "UPDATE credential SET last_used_at = $3 WHERE organization = $1 AND id = $2 \
     AND (last_used_at IS NULL OR last_used_at < $3)",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &REVOKE, &BY_ID, &LIST, &LISTED, &USED];

/// A credential with what is known of its use.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// The credential.
    pub credential: Credential,
    /// When it was issued.
    pub created_at: Moment,
    /// When it last admitted somebody, to the minute.
    pub last_used_at: Option<Moment>,
}

#[derive(QueryableByName)]
struct CredentialRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Binary)]
    secret_hash: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_used_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    believed: Option<String>,
}

/// What is kept of an organization made for certification.
const EVERYTHING: &str = "*";

fn read(organization: OrganizationId, row: CredentialRecord) -> Result<StoredCredential, DatabaseError> {
    let corrupt = |problem: String| DatabaseError::Corrupt { table: "credential", problem };
    let kind = CredentialKind::from_name(&row.kind).ok_or_else(|| corrupt(format!("unknown kind `{}`", row.kind)))?;
    let believed = match row.believed.as_deref() {
        None => Believed::default(),
        Some(EVERYTHING) => Believed::Everything,
        Some(names) => names.parse().map_err(|error: crate::model::BelievedError| corrupt(error.to_string()))?,
    };
    Ok(StoredCredential {
        credential: Credential {
            organization,
            id: CredentialId::from_bytes(&row.id).map_err(|e| corrupt(e.to_string()))?,
            kind,
            connection: ConnectionId::from_bytes(&row.connection).map_err(|e| corrupt(e.to_string()))?,
            believed,
            secret_hash: row.secret_hash,
            expires_at: Moment::from_micros(row.expires_at),
            revoked_at: row.revoked_at.map(Moment::from_micros),
        },
        created_at: Moment::from_micros(row.created_at),
        last_used_at: row.last_used_at.map(Moment::from_micros),
    })
}

/// One credential, revoked and expired ones too.
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: CredentialId,
) -> Result<Option<StoredCredential>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row(tx)?.map(|row| read(organization, row)).transpose()
}

/// Every credential of an organization, oldest first.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<StoredCredential>, DatabaseError> {
    let rows = Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows(tx)?;
    rows.into_iter().map(|row| read(organization, row)).collect()
}

/// The credentials of an organization behind an id, oldest first, at most `limit`.
pub fn page(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<StoredCredential>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    Sql(&LISTED, binds).rows(tx)?.into_iter().map(|row| read(organization, row)).collect()
}

/// Records a use. Not a change in the sense of the log: no event, no revision.
pub fn record_use(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: CredentialId,
    at: Moment,
) -> Result<(), DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())];
    Sql(&USED, binds).run(tx)?;
    Ok(())
}

pub(super) fn insert(tx: &mut Tx<'_>, credential: &Credential, created_at: Moment) -> diesel::QueryResult<usize> {
    let believed = credential.believed.to_string();
    let binds = vec![
        Bind::Bytes(credential.organization.as_bytes()),
        Bind::Bytes(credential.id.as_bytes()),
        Bind::Text(credential.kind.as_str()),
        Bind::Bytes(credential.connection.as_bytes()),
        Bind::Bytes(&credential.secret_hash),
        Bind::Int(created_at.as_micros()),
        Bind::Int(credential.expires_at.as_micros()),
        Bind::Text(&believed),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn revoke(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: CredentialId,
    at: Moment,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())];
    Sql(&REVOKE, binds).run(tx)
}
