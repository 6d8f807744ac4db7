//! Access tokens of this server (RFC 9068).

use serde_json::json;

use crate::ids;
use crate::live::jwt::{Presented, PublicKeys};
use crate::live::{Admission, Algorithm, ClientId};
use crate::model::{Credential, Moment};
use crate::service::{ServiceError, Services};

use super::Granted;

/// Their `typ`, which tells them from security event tokens of the same key.
const KIND: &str = "at+jwt";
/// How long they are good, in seconds; at most an hour (CAEP interoperability profile 1.0).
const SECONDS: i64 = 3_600;

/// A token for the client of a credential, and for how many seconds it is good.
pub(super) fn issue(services: &Services, credential: &Credential, scopes: &str) -> Result<(String, i64), ServiceError> {
    let now = services.clock.now();
    let seconds = |moment: Moment| moment.as_micros().div_euclid(1_000_000);
    let ends = seconds(now).saturating_add(SECONDS).min(seconds(credential.expires_at));
    let client = ClientId { organization: credential.organization, credential: credential.id }.to_string();
    let claims = json!({
        "iss": services.public_url,
        "aud": services.public_url,
        "sub": client,
        "client_id": client,
        "iat": seconds(now),
        "exp": ends,
        "jti": ids::resource(now).to_string(),
        "scope": scopes,
    });
    let keys = services.live.signing_keys()?;
    let sign = || keys.current(Algorithm::Es256, now)?.sign(KIND, &claims.to_string());
    let token = sign().map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok((token, ends.saturating_sub(seconds(now))))
}

/// Judges one.
pub(super) fn admit(services: &Services, token: &Presented<'_>) -> (Admission, Granted) {
    let now = services.clock.now();
    let refused = (Admission::Refused, Granted::Everything);
    let keys = match services.live.signing_keys() {
        Ok(keys) => keys.published(now).to_string(),
        Err(error) => return (Admission::CannotTell(error.to_string()), Granted::Everything),
    };
    let is_ours = PublicKeys::parse(&keys).is_ok_and(|keys| token.key().is_some() && token.is_signed_with(&keys));
    if !is_ours || token.kind().as_deref() != Some(KIND) || !token.is_for(&services.public_url) {
        return refused;
    }
    let client = token.claim("sub").and_then(|client| client.parse::<ClientId>().ok());
    match (client, token.claim("scope"), token.check_times(now)) {
        (Some(client), Some(scopes), Ok(_ends)) => {
            let admission = services.live.admit_proven(client.organization, client.credential);
            (admission, Granted::Scopes(scopes.to_owned()))
        }
        _ => refused,
    }
}
