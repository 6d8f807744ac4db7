//! Signed tokens with which clients have proven who they are (RFC 7523 §3): each is good once, whichever server it is shown.

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};
use crate::model::{CredentialId, OrganizationId};

const USE: Statement = Statement::both(
    "used_assertion_insert",
    "INSERT INTO used_assertion (organization, credential, name, ends) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
);
const FORGET: Statement =
    Statement::both("used_assertion_forget", "DELETE FROM used_assertion WHERE organization = $1 AND ends < $2");

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&USE, &FORGET];

/// Uses a token, named by the digest of its `jti`, that ends at `ends`, in seconds; false where that was done before.
///
/// # Errors
/// [`DatabaseError`].
pub fn use_once(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    credential: CredentialId,
    (name, ends): (&[u8], i64),
) -> Result<bool, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(credential.as_bytes()),
        Bind::Bytes(name),
        Bind::Int(ends),
    ];
    Ok(Sql(&USE, binds).run(tx)? == 1)
}

/// Forgets those that have ended before then, in seconds.
///
/// # Errors
/// [`DatabaseError`].
pub fn forget(tx: &mut Tx<'_>, organization: OrganizationId, now: i64) -> Result<usize, DatabaseError> {
    Ok(Sql(&FORGET, vec![Bind::Bytes(organization.as_bytes()), Bind::Int(now)]).run(tx)?)
}
