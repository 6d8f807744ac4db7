//! Signals as they go out: security event tokens (RFC 8417), and webhooks (Standard Webhooks 1.0).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::db::signals::StoredSignal;
use crate::live::{Algorithm, SigningKeys};
use crate::model::Moment;
use crate::service::ServiceError;
use crate::signals::{EventType, Receiver};

/// The `typ` of security event tokens (RFC 8417 §2.3).
pub const SECURITY_EVENT_TOKEN: &str = "secevent+jwt";

const fn seconds(moment: Moment) -> i64 {
    moment.as_micros().div_euclid(1_000_000)
}

/// The identifier of the subject, what the event says besides, and what caused it: the request, or one operation of a bulk
/// request (RFC 9967 §2.5.1.2).
fn content(signal: &StoredSignal, issuer: &str) -> Result<(Value, Value, String), ServiceError> {
    let unreadable = || ServiceError::Internal("what waits for a receiver cannot be read".to_owned());
    let mut content: Value = serde_json::from_str(&signal.content).map_err(|_not_json| unreadable())?;
    let mut subject = content.get_mut("sub_id").map(Value::take).ok_or_else(unreadable)?;
    let event = content.get_mut("event").map(Value::take).ok_or_else(unreadable)?;
    if subject.get("format") == Some(&json!("iss_sub"))
        && let Some(members) = subject.as_object_mut()
    {
        // Whom no other issuer names, this server does.
        members.entry("iss").or_insert_with(|| issuer.into());
    }
    let named = content.get("txn").and_then(Value::as_str);
    Ok((subject, event, named.map_or_else(|| signal.request.to_string(), str::to_owned)))
}

/// The token of a signal: one event, no `sub`, no `exp` (SSF 1.0 §4.1), the same however often it is sent.
///
/// # Errors
/// [`ServiceError`].
pub fn security_event_token(
    keys: &SigningKeys,
    issuer: &str,
    receiver: &Receiver,
    signal: &StoredSignal,
    now: Moment,
) -> Result<String, ServiceError> {
    let (subject, event, transaction) = content(signal, issuer)?;
    let claims = json!({
        "iss": issuer,
        "aud": receiver.audience,
        "jti": signal.id.to_string(),
        "iat": seconds(signal.created_at),
        "txn": transaction,
        "sub_id": subject,
        "events": { signal.event.as_str(): event },
    });
    let algorithm = Algorithm::from_name(&receiver.algorithm).unwrap_or(Algorithm::Rs256);
    let sign = || keys.current(algorithm, now)?.sign(SECURITY_EVENT_TOKEN, &claims.to_string());
    sign().map_err(|error| ServiceError::Internal(error.to_string()))
}

/// A webhook: its headers and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, seconds.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

/// A signal as a webhook, signed with the receiver's key.
///
/// # Errors
/// [`ServiceError`].
pub fn webhook(issuer: &str, secret: &str, signal: &StoredSignal, now: Moment) -> Result<WebhookMessage, ServiceError> {
    let (subject, event, transaction) = content(signal, issuer)?;
    let name = match EventType::from_uri(&signal.event) {
        Some(event) => event.name(),
        None => signal.event.as_str(),
    };
    let body = json!({
        "type": name,
        "timestamp": signal.created_at.to_string(),
        "data": { "subject": subject, "event": event, "transaction": transaction },
    })
    .to_string();
    signed_webhook(signal.id.to_string(), secret, body, now)
}

/// A body as a webhook of this identifier, which stays the same however often it is sent.
///
/// # Errors
/// [`ServiceError`] for a key that is none.
pub fn signed_webhook(id: String, secret: &str, body: String, now: Moment) -> Result<WebhookMessage, ServiceError> {
    let unreadable = |_not_base64| ServiceError::Internal("the key of a webhook cannot be read".to_owned());
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(unreadable)?;
    let timestamp = seconds(now).to_string();
    let signed = format!("{id}.{timestamp}.{body}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    Ok(WebhookMessage { signature: format!("v1,{}", STANDARD.encode(tag.as_ref())), id, timestamp, body })
}
