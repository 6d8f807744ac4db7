//! Request bodies: their type, their size, their time.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Payload};

use crate::model::limits;

use super::super::patience::within;
use super::problem::Problem;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a body may be said to be.
const TYPES: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// Reads a body, which is not looked into here.
///
/// # Errors
/// 413 beyond [`limits::BODY_BYTES`], by the announced length before anything is read; 415 if it is said to be anything
/// but JSON; 408 if it takes too long; 400 if the client stops in the middle.
pub async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Problem> {
    check_type(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limits::BODY_BYTES).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    match within(PATIENCE, payload.to_bytes_limited(limits::BODY_BYTES)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Problem::bad_request("the body ends too early; send all of it")),
        Ok(Err(_exceeded)) => Err(too_large()),
        Err(_elapsed) => Err(Problem::TooSlow),
    }
}

fn too_large() -> Problem {
    let detail = format!("the body is too large; send at most {} bytes", limits::BODY_BYTES);
    Problem::refusal(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |detail: &str| Problem::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    let coding = headers.get(CONTENT_ENCODING).map_or(&b"identity"[..], HeaderValue::as_bytes);
    if !coding.eq_ignore_ascii_case(b"identity") {
        return Err(unsupported("the body has a `Content-Encoding`; send it as it is, without one"));
    }
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media_type = value.to_str().ok().and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if TYPES.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(unsupported("the `Content-Type` is not one this server reads; send `application/json`"))
}
