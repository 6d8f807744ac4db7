//! How callers prove who they are who bear no secret of ours.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Nullable, Text};

use crate::model::{CredentialId, Keys, OrganizationId, OutsideIssuer, Proof};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const INSERT: Statement = Statement::both(
    "proof_insert",
    "INSERT INTO proof (organization, credential, issuer, audience, claims, keys, keys_url) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub(super) const REMOVE: Statement =
    Statement::both("proof_remove", "DELETE FROM proof WHERE organization = $1 AND credential = $2");
pub(super) const BY_CREDENTIAL: Statement = Statement::both(
    "proof_by_credential",
    "SELECT organization, credential, issuer, audience, claims, keys, keys_url FROM proof \
     WHERE organization = $1 AND credential = $2",
);
pub(super) const LIST: Statement = Statement::both(
    "proof_list",
    "SELECT organization, credential, issuer, audience, claims, keys, keys_url FROM proof \
     WHERE organization = $1 ORDER BY credential",
);
// A token names its issuer and no organization.
pub(super) const BY_ISSUER: Statement = Statement::both(
    "proof_by_issuer",
    "SELECT organization, credential, issuer, audience, claims, keys, keys_url FROM proof WHERE issuer = $1",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &REMOVE, &BY_CREDENTIAL, &LIST, &BY_ISSUER];

#[derive(QueryableByName)]
struct ProofRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    credential: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    issuer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    audience: Option<String>,
    #[diesel(sql_type = Text)]
    claims: String,
    #[diesel(sql_type = Nullable<Text>)]
    keys: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    keys_url: Option<String>,
}

fn corrupt(problem: impl ToString) -> DatabaseError {
    DatabaseError::Corrupt { table: "proof", problem: problem.to_string() }
}

impl ProofRecord {
    fn read(self) -> Result<Proof, DatabaseError> {
        let issuer = match (self.issuer, self.audience) {
            (Some(issuer), Some(audience)) => {
                let claims = serde_json::from_str(&self.claims).map_err(corrupt)?;
                Some(OutsideIssuer { issuer, audience, claims })
            }
            (None, None) => None,
            _ => return Err(corrupt("an issuer and its audience belong together")),
        };
        let keys = match (self.keys, self.keys_url) {
            (Some(keys), None) => Keys::Given(keys),
            (None, Some(url)) => Keys::At(url),
            _ => return Err(corrupt("the keys are given, or they are published somewhere")),
        };
        Ok(Proof {
            organization: OrganizationId::from_bytes(&self.organization).map_err(corrupt)?,
            credential: CredentialId::from_bytes(&self.credential).map_err(corrupt)?,
            issuer,
            keys,
        })
    }
}

/// How the caller of a credential proves who it is, where it bears no secret.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_credential(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    credential: CredentialId,
) -> Result<Option<Proof>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(credential.as_bytes())];
    Sql(&BY_CREDENTIAL, binds).row::<ProofRecord>(tx)?.map(ProofRecord::read).transpose()
}

/// Every proof of an organization, in the order of the credentials.
///
/// # Errors
/// [`DatabaseError`].
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Proof>, DatabaseError> {
    let rows = Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows::<ProofRecord>(tx)?;
    rows.into_iter().map(ProofRecord::read).collect()
}

/// Everybody in the deployment who is admitted by tokens of an issuer.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_issuer(tx: &mut Tx<'_>, issuer: &str) -> Result<Vec<Proof>, DatabaseError> {
    let rows = Sql(&BY_ISSUER, vec![Bind::Text(issuer)]).rows::<ProofRecord>(tx)?;
    rows.into_iter().map(ProofRecord::read).collect()
}

pub(super) fn insert(tx: &mut Tx<'_>, proof: &Proof) -> diesel::QueryResult<usize> {
    let claims = proof.issuer.as_ref().map_or_else(|| "{}".to_owned(), OutsideIssuer::claims_text);
    let (keys, url) = match &proof.keys {
        Keys::Given(keys) => (Some(keys.as_str()), None),
        Keys::At(url) => (None, Some(url.as_str())),
    };
    let binds = vec![
        Bind::Bytes(proof.organization.as_bytes()),
        Bind::Bytes(proof.credential.as_bytes()),
        Bind::OptionalText(proof.issuer.as_ref().map(|it| it.issuer.as_str())),
        Bind::OptionalText(proof.issuer.as_ref().map(|it| it.audience.as_str())),
        Bind::Text(&claims),
        Bind::OptionalText(keys),
        Bind::OptionalText(url),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn remove(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    credential: CredentialId,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(credential.as_bytes())];
    Sql(&REMOVE, binds).run(tx)
}
