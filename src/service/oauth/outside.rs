//! Tokens of outside issuers: Entra's own, the identity provider's OAuth server (IPSIE SCIM profile).

use crate::live::Admission;
use crate::live::jwt::Presented;
use crate::model::{Keys, OutsideIssuer};
use crate::service::Services;

/// The kinds of token that admit, where one says its kind: not security event tokens, not logout tokens.
const KINDS: [&str; 2] = ["jwt", "at+jwt"];

/// Judges one: by its issuer, its audience and what else it must say it leads to one credential of the deployment, whose
/// issuer must have signed it, with a key that is looked for where the administrator said and nowhere else.
pub(super) fn admit(services: &Services, token: &Presented<'_>) -> Admission {
    let (Some(issuer), Ok(_ends)) = (token.claim("iss"), token.check_times(services.clock.now())) else {
        return Admission::Refused;
    };
    if token.kind().is_some_and(|kind| !KINDS.contains(&kind.as_str())) {
        return Admission::Refused;
    }
    let found = match services.live.proofs_of_issuer(issuer) {
        Ok(found) => found,
        Err(error) => return Admission::CannotTell(error.to_string()),
    };
    let mut meant = found.iter().filter(|proof| proof.issuer.as_ref().is_some_and(|issuer| is_meant(issuer, token)));
    // What leads to two leads to neither.
    let (Some(proof), None) = (meant.next(), meant.next()) else { return Admission::Refused };
    let Keys::At(url) = &proof.keys else { return Admission::Refused };
    match services.live.published_keys(url, token.key()) {
        Ok(keys) if token.is_signed_with(&keys) => services.live.admit_proven(proof.organization, proof.credential),
        Ok(_) => Admission::Refused,
        Err(why) => Admission::CannotTell(why),
    }
}

fn is_meant(issuer: &OutsideIssuer, token: &Presented<'_>) -> bool {
    token.is_for(&issuer.audience) && issuer.claims.iter().all(|(name, value)| token.claim(name) == Some(value))
}
