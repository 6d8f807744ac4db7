//! The grant of an access token to a client (RFC 6749 §4.4), which proves who it is by its secret or by a signature.

use crate::db::{DatabaseError, Tx, assertions};
use crate::evidence::digest;
use crate::live::jwt::{Presented, PublicKeys};
use crate::live::{Admission, ClientId, Token};
use crate::model::{Credential, Keys};
use crate::service::{ServiceError, Services};

use super::{TOKEN_PATH, access_token, scopes_of};

/// The `client_assertion_type` of signed assertions (RFC 7523 §2.2).
pub const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion may be good, in seconds: it is used at once, and remembered as long.
const ASSERTION_SECONDS: i64 = 600;
/// Characters of an assertion's `jti`.
const NAME_CHARACTERS: usize = 256;

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// `client_secret_basic`: its id and its secret, which is the token of its credential.
    Secret(String, String),
    /// `private_key_jwt`, and the `client_id` it says besides, if it does.
    Assertion(String, Option<String>),
}

/// What is given out.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub token: String,
    /// For how many seconds it is good.
    pub seconds: i64,
    /// For what, separated by spaces.
    pub scopes: String,
    /// Whose.
    pub credential: Credential,
}

/// Why nothing is given out (RFC 6749 §5.2).
#[derive(Debug)]
pub enum GrantError {
    /// `invalid_client`: it has not proven who it is.
    Client,
    /// `invalid_scope`: with those it may have.
    Scope(&'static [&'static str]),
    /// This server cannot.
    Service(ServiceError),
}

impl From<ServiceError> for GrantError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

/// Gives out a token for `wanted`, separated by spaces, or for everything the client may have. Blocks.
///
/// # Errors
/// [`GrantError`].
pub fn grant(services: &Services, proof: &ClientProof, wanted: Option<&str>) -> Result<AccessToken, GrantError> {
    let admission = match proof {
        ClientProof::Secret(client, secret) => by_secret(services, client, secret)?,
        ClientProof::Assertion(assertion, client) => by_assertion(services, assertion, client.as_deref())?,
    };
    let credential = match admission {
        Admission::Granted(credential, _) if credential.expires_at > services.clock.now() => credential,
        Admission::Granted(..) | Admission::Refused => return Err(GrantError::Client),
        Admission::CannotTell(why) => return Err(ServiceError::Unavailable(why).into()),
    };
    let may = scopes_of(credential.kind);
    if may.is_empty() {
        // Whoever administers bears the credential's own token, which is not passed on to machines.
        return Err(GrantError::Client);
    }
    let scopes = match wanted {
        None => may.join(" "),
        Some(wanted) => {
            let mut asked: Vec<&str> = wanted.split(' ').collect();
            if !asked.iter().all(|scope| may.contains(scope)) {
                return Err(GrantError::Scope(may));
            }
            asked.sort_unstable();
            asked.dedup();
            asked.join(" ")
        }
    };
    let (token, seconds) = access_token::issue(services, &credential, &scopes)?;
    Ok(AccessToken { token, seconds, scopes, credential: (*credential).clone() })
}

fn by_secret(services: &Services, client: &str, secret: &str) -> Result<Admission, GrantError> {
    let (Ok(client), Ok(token)) = (client.parse::<ClientId>(), Token::parse(secret)) else {
        return Err(GrantError::Client);
    };
    if (client.organization, client.credential) != (token.organization, token.credential) {
        return Err(GrantError::Client);
    }
    Ok(services.live.admit(secret))
}

/// RFC 7523 §3: from the client, about the client, for this server, short, and used once.
fn by_assertion(services: &Services, assertion: &str, client: Option<&str>) -> Result<Admission, GrantError> {
    let refused = |_not_good| GrantError::Client;
    let token = Presented::parse(assertion).map_err(refused)?;
    let said = token.claim("iss").filter(|issuer| token.claim("sub") == Some(issuer)).ok_or(GrantError::Client)?;
    if client.is_some_and(|client| client != said) {
        return Err(GrantError::Client);
    }
    if token.kind().is_some_and(|kind| kind != "jwt" && kind != "client-authentication+jwt") {
        return Err(GrantError::Client);
    }
    let now = services.clock.now();
    let ends = token.check_times(now).map_err(refused)?;
    let latest = now.as_micros().div_euclid(1_000_000).saturating_add(ASSERTION_SECONDS);
    let endpoint = format!("{}{TOKEN_PATH}", services.public_url);
    let name = token.claim("jti").filter(|name| !name.is_empty() && name.len() <= NAME_CHARACTERS);
    let (Some(name), true) = (name, ends <= latest && (token.is_for(&services.public_url) || token.is_for(&endpoint)))
    else {
        return Err(GrantError::Client);
    };
    let client: ClientId = said.parse().map_err(|_not_a_client| GrantError::Client)?;
    let proof = services.live.proof(client.organization, client.credential).map_err(ServiceError::from)?;
    let proof = proof.filter(|proof| proof.issuer.is_none()).ok_or(GrantError::Client)?;
    let is_signed = match &proof.keys {
        Keys::Given(keys) => PublicKeys::parse(keys).is_ok_and(|keys| token.is_signed_with(&keys)),
        Keys::At(url) => {
            let keys = services.live.published_keys(url, token.key()).map_err(ServiceError::Unavailable)?;
            token.is_signed_with(&keys)
        }
    };
    if !is_signed || !use_once(services, client, name, ends)? {
        return Err(GrantError::Client);
    }
    Ok(services.live.admit_proven(client.organization, client.credential))
}

/// Whether no server has seen this assertion of the client before.
fn use_once(services: &Services, client: ClientId, name: &str, ends: i64) -> Result<bool, GrantError> {
    let digest = digest::of_body(name.as_bytes()).ok_or(GrantError::Client)?;
    let used = |tx: &mut Tx<'_>| assertions::use_once(tx, client.organization, client.credential, (&digest, ends));
    Ok(services.live.record::<_, DatabaseError>(used).map_err(ServiceError::from)?)
}
