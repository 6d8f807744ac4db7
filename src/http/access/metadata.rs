//! What this decision point offers, and where (Authorization API 1.0, Policy Decision Point Metadata).

use serde_json::{Map, Value};

use crate::live::Algorithm;
use crate::service::{ServiceError, Services};

use super::answer::Refusal;

/// Where the metadata stands.
pub const PATH: &str = "/.well-known/authzen-configuration";

/// The document; links come from the public address alone. The same stands in it signed, with a key of those that
/// `/.well-known/jwks.json` lists. Blocks.
///
/// # Errors
/// [`ServiceError::Unavailable`] when the signing keys cannot be had.
pub fn document(services: &Services) -> Result<Vec<u8>, Refusal> {
    let issuer = services.public_url.as_str();
    let mut members = Map::new();
    members.insert("policy_decision_point".to_owned(), issuer.into());
    for (member, path) in [
        ("access_evaluation_endpoint", "evaluation"),
        ("access_evaluations_endpoint", "evaluations"),
        ("search_subject_endpoint", "search/subject"),
        ("search_resource_endpoint", "search/resource"),
        ("search_action_endpoint", "search/action"),
    ] {
        members.insert(member.to_owned(), format!("{issuer}/access/v1/{path}").into());
    }
    let now = services.clock.now();
    let mut claims = members.clone();
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("iat".to_owned(), (now.as_micros() / 1_000_000).into());
    let unavailable = |error: String| Refusal::Service(ServiceError::Unavailable(error));
    let keys = services.live.signing_keys().map_err(|error| unavailable(error.to_string()))?;
    let pair = keys.current(Algorithm::Rs256, now).map_err(|error| unavailable(error.to_string()))?;
    let signed =
        pair.sign("JWT", &Value::Object(claims).to_string()).map_err(|error| unavailable(error.to_string()))?;
    members.insert("signed_metadata".to_owned(), signed.into());
    Ok(Value::Object(members).to_string().into_bytes())
}
