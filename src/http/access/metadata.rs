//! What this decision point offers, and where (Authorization API 1.0, Policy Decision Point Metadata).

use std::sync::{Mutex, PoisonError};

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use crate::live::{Algorithm, SigningPair};
use crate::model::Moment;
use crate::service::{ServiceError, Services};

use super::answer::Refusal;

/// Where the metadata stands.
pub const PATH: &str = "/.well-known/authzen-configuration";

/// How long a document is handed out: anybody may ask for it, and signing costs more than everything else about it.
const KEPT_MICROS: i64 = 60_000_000;

/// The document as it was made last.
#[derive(Default)]
pub struct Metadata(Mutex<Option<Made>>);

struct Made {
    at: Moment,
    key: String,
    document: Bytes,
}

impl Metadata {
    /// The document; links come from the public address alone. The same stands in it signed, with a key of those that
    /// `/.well-known/jwks.json` lists. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when the signing keys cannot be had.
    pub fn document(&self, services: &Services) -> Result<Bytes, Refusal> {
        let now = services.clock.now();
        let keys = services.live.signing_keys().map_err(|error| unavailable(&error))?;
        let pair = keys.current(Algorithm::Rs256, now).map_err(|error| unavailable(&error))?;
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh =
            |made: &&Made| (made.at..made.at.plus_micros(KEPT_MICROS)).contains(&now) && made.key == pair.id();
        if let Some(made) = made.as_ref().filter(is_fresh) {
            return Ok(made.document.clone());
        }
        let document = Bytes::from(written(services, pair, now)?);
        *made = Some(Made { at: now, key: pair.id().to_owned(), document: document.clone() });
        Ok(document)
    }
}

fn unavailable(error: &impl ToString) -> Refusal {
    Refusal::Service(ServiceError::Unavailable(error.to_string()))
}

fn written(services: &Services, pair: &SigningPair, now: Moment) -> Result<Vec<u8>, Refusal> {
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
    let mut claims = members.clone();
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("iat".to_owned(), (now.as_micros() / 1_000_000).into());
    let signed = pair.sign("JWT", &Value::Object(claims).to_string()).map_err(|error| unavailable(&error))?;
    members.insert("signed_metadata".to_owned(), signed.into());
    Ok(Value::Object(members).to_string().into_bytes())
}
