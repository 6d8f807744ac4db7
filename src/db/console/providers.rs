//! Identity providers: by which one an organization's people sign in.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use crate::model::{IdentityProvider, JoinedBy, Moment, OrganizationId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};

/// An identity provider as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredProvider {
    /// What of it is no secret.
    pub provider: IdentityProvider,
    /// The sealed secret; `None`: Muster has none there.
    pub secret: Option<Vec<u8>>,
    /// Since when it is as it is.
    pub changed_at: Moment,
}

impl std::fmt::Debug for StoredProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredProvider({})", self.provider.issuer)
    }
}

pub(in crate::db) const SET: Statement = Statement::both(
    "identity_provider_set",
    "INSERT INTO identity_provider (organization, issuer, client_id, secret, joined_by, claim, required, is_only, \
     changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (organization) DO UPDATE SET \
     issuer = excluded.issuer, client_id = excluded.client_id, secret = excluded.secret, \
     joined_by = excluded.joined_by, claim = excluded.claim, required = excluded.required, \
     is_only = excluded.is_only, changed_at = excluded.changed_at",
);
pub(in crate::db) const REMOVE: Statement =
    Statement::both("identity_provider_remove", "DELETE FROM identity_provider WHERE organization = $1");
pub(in crate::db) const BY_ORGANIZATION: Statement = Statement::both(
    "identity_provider_by_organization",
    "SELECT issuer, client_id, secret, joined_by, claim, required, is_only, changed_at FROM identity_provider \
     WHERE organization = $1",
);

/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] = &[&SET, &REMOVE, &BY_ORGANIZATION];

#[derive(QueryableByName)]
struct ProviderRecord {
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = Nullable<Binary>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    joined_by: String,
    #[diesel(sql_type = Text)]
    claim: String,
    #[diesel(sql_type = Text)]
    required: String,
    #[diesel(sql_type = Bool)]
    is_only: bool,
    #[diesel(sql_type = BigInt)]
    changed_at: i64,
}

fn corrupt(problem: impl ToString) -> DatabaseError {
    DatabaseError::Corrupt { table: "identity_provider", problem: problem.to_string() }
}

/// The identity provider of an organization, if it has one.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_organization(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Option<StoredProvider>, DatabaseError> {
    let found = Sql(&BY_ORGANIZATION, vec![Bind::Bytes(organization.as_bytes())]).row::<ProviderRecord>(tx)?;
    let Some(row) = found else { return Ok(None) };
    let provider = IdentityProvider {
        issuer: row.issuer,
        client_id: row.client_id,
        joined_by: JoinedBy::from_name(&row.joined_by).ok_or_else(|| corrupt("an unknown way to be joined"))?,
        claim: row.claim,
        required: serde_json::from_str(&row.required).map_err(corrupt)?,
        is_only: row.is_only,
    };
    Ok(Some(StoredProvider { provider, secret: row.secret, changed_at: Moment::from_micros(row.changed_at) }))
}

pub(super) fn set(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    stored: &StoredProvider,
) -> diesel::QueryResult<usize> {
    let provider = &stored.provider;
    let required = provider.required_text();
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Text(&provider.issuer),
        Bind::Text(&provider.client_id),
        Bind::OptionalBytes(stored.secret.as_deref()),
        Bind::Text(provider.joined_by.as_str()),
        Bind::Text(&provider.claim),
        Bind::Text(&required),
        Bind::Flag(provider.is_only),
        Bind::Int(stored.changed_at.as_micros()),
    ];
    Sql(&SET, binds).run(tx)
}

pub(super) fn remove(tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
    Sql(&REMOVE, vec![Bind::Bytes(organization.as_bytes())]).run(tx)
}
