//! Links that sign in once.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::model::{AccountId, Moment, OrganizationId, SignInLinkId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::corrupt;

/// A link that signs in once.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// Its identifier.
    pub id: SignInLinkId,
    /// Whom.
    pub account: AccountId,
    /// The hash of its secret.
    pub secret_hash: Vec<u8>,
    /// The hash of what the browser that asked was marked with; `None`: nobody asked in a browser.
    pub browser_hash: Option<Vec<u8>>,
    /// Since when.
    pub created_at: Moment,
    /// Until when.
    pub expires_at: Moment,
}

impl std::fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignInLink({})", self.id)
    }
}

/// A link as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// The organization it leads to.
    pub organization: OrganizationId,
    /// The link.
    pub link: SignInLink,
    /// When it was used.
    pub used_at: Option<Moment>,
}

pub(in crate::db) const INSERT: Statement = Statement::both(
    "sign_in_link_insert",
    "INSERT INTO sign_in_link (id, organization, account, secret_hash, browser_hash, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub(in crate::db) const BY_ID: Statement = Statement::both(
    "sign_in_link_by_id",
    "SELECT id, organization, account, secret_hash, browser_hash, created_at, expires_at, used_at FROM sign_in_link \
     WHERE id = $1",
);
pub(in crate::db) const SET_USED: Statement =
    Statement::both("sign_in_link_use", "UPDATE sign_in_link SET used_at = $2 WHERE id = $1 AND used_at IS NULL");

/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] = &[&INSERT, &BY_ID, &SET_USED];

#[derive(QueryableByName)]
struct LinkRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    account: Vec<u8>,
    #[diesel(sql_type = Binary)]
    secret_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    browser_hash: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    used_at: Option<i64>,
}

/// One link, used or expired ones too.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(tx: &mut Tx<'_>, id: SignInLinkId) -> Result<Option<StoredLink>, DatabaseError> {
    let Some(row) = Sql(&BY_ID, vec![Bind::Bytes(id.as_bytes())]).row::<LinkRecord>(tx)? else { return Ok(None) };
    let link = SignInLink {
        id: SignInLinkId::from_bytes(&row.id).map_err(corrupt("sign_in_link"))?,
        account: AccountId::from_bytes(&row.account).map_err(corrupt("sign_in_link"))?,
        secret_hash: row.secret_hash,
        browser_hash: row.browser_hash,
        created_at: Moment::from_micros(row.created_at),
        expires_at: Moment::from_micros(row.expires_at),
    };
    let organization = OrganizationId::from_bytes(&row.organization).map_err(corrupt("sign_in_link"))?;
    Ok(Some(StoredLink { organization, link, used_at: row.used_at.map(Moment::from_micros) }))
}

pub(super) fn insert(tx: &mut Tx<'_>, organization: OrganizationId, link: &SignInLink) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(link.id.as_bytes()),
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(link.account.as_bytes()),
        Bind::Bytes(&link.secret_hash),
        Bind::OptionalBytes(link.browser_hash.as_deref()),
        Bind::Int(link.created_at.as_micros()),
        Bind::Int(link.expires_at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn set_used(tx: &mut Tx<'_>, id: SignInLinkId, at: Moment) -> diesel::QueryResult<usize> {
    Sql(&SET_USED, vec![Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx)
}
