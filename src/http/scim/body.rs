//! Request bodies: their type, their size, their time.

use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;

use crate::model::limits;
use crate::scim::{ScimError, Switches};

use super::super::patience::within;
use super::answer::Refusal;

/// The protocol's own type (RFC 7644 §8.1).
const SCIM_JSON: &str = "application/scim+json";
const JSON: &str = "application/json";
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// Reads a body, which is not looked into here.
///
/// # Errors
/// 413 beyond [`limits::BODY_BYTES`], by the announced length before anything is read; 415 if it is said to be anything
/// but JSON; 408 if it takes too long; 400 if the client stops in the middle.
pub async fn read(headers: &HeaderMap, payload: Payload, switches: &Switches) -> Result<Bytes, Refusal> {
    check_type(headers, switches)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits::BODY_BYTES) {
        return Err(too_large().into());
    }
    match within(PATIENCE, gather(payload, announced.unwrap_or(limits::BODY_BYTES))).await {
        Ok(body) => Ok(body?),
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}

/// There is room for what has come and three times as much, never for more than was announced: an announcement alone costs
/// nothing, and what comes is seldom moved. A body that comes in one piece is not copied.
async fn gather(mut payload: Payload, announced: usize) -> Result<Bytes, ScimError> {
    let broken = |_broken| ScimError::invalid_syntax("the body ends too early; send all of it");
    let first = payload.next().await.transpose().map_err(broken)?.unwrap_or_default();
    let mut next = payload.next().await;
    if next.is_none() {
        return within_limit(first);
    }
    let mut body = BytesMut::from(first);
    while let Some(piece) = next {
        let piece = piece.map_err(broken)?;
        if body.capacity().saturating_sub(body.len()) < piece.len() {
            let expected = announced.saturating_sub(body.len());
            body.reserve(body.len().saturating_mul(3).min(expected).max(piece.len()));
        }
        body.extend_from_slice(&piece);
        if body.len() > limits::BODY_BYTES {
            return Err(too_large());
        }
        next = payload.next().await;
    }
    Ok(body.freeze())
}

fn within_limit(body: Bytes) -> Result<Bytes, ScimError> {
    if body.len() > limits::BODY_BYTES { Err(too_large()) } else { Ok(body) }
}

fn too_large() -> ScimError {
    ScimError::TooLarge(format!("the body is too large; send at most {} bytes", limits::BODY_BYTES))
}

/// A JSON type the profile reads, in any letter case with any parameters (RFC 7644 §3.1), or none where it does without.
fn check_type(headers: &HeaderMap, switches: &Switches) -> Result<(), ScimError> {
    let coding = headers.get(CONTENT_ENCODING).map_or(&b"identity"[..], HeaderValue::as_bytes);
    if !coding.eq_ignore_ascii_case(b"identity") {
        return Err(ScimError::UnsupportedMediaType(
            "the body has a `Content-Encoding`; send it as it is, without one".to_owned(),
        ));
    }
    let value = headers.get(CONTENT_TYPE);
    if value.is_none() && switches.untyped_bodies {
        return Ok(());
    }
    let media_type = value
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let known: &[&str] = if switches.plain_json_bodies { &[SCIM_JSON, JSON] } else { &[SCIM_JSON] };
    if known.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let known = known.join("` or `");
    Err(ScimError::UnsupportedMediaType(format!(
        "the `Content-Type` is not one that is read over this connection; send `{known}`"
    )))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn check(name: HeaderName, value: &str) -> Result<(), ScimError> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        check_type(&headers, &Switches::DEFAULT)
    }

    // Requirement 16
    #[test]
    fn both_json_types_are_read_in_any_case_with_any_parameters() {
        for value in [
            "application/scim+json",
            "application/json",
            "Application/SCIM+JSON; charset=utf-8",
            "application/json;CHARSET=UTF-8; x=y",
            " application/json ",
        ] {
            assert_eq!(check(CONTENT_TYPE, value), Ok(()), "{value}");
        }
        assert_eq!(check_type(&HeaderMap::new(), &Switches::DEFAULT), Ok(()));
    }

    #[test]
    fn other_types_and_compressed_bodies_are_refused() {
        for value in
            ["", "text/json", "application/xml", "application/jsonx", "application/x-www-form-urlencoded", "\u{e4}"]
        {
            assert_eq!(check(CONTENT_TYPE, value).unwrap_err().status(), 415, "{value}");
        }
        assert_eq!(check(CONTENT_ENCODING, "gzip").unwrap_err().status(), 415);
        assert_eq!(check(CONTENT_ENCODING, "Identity"), Ok(()));
    }
}
