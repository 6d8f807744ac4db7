//! Webhooks that arrive: bounded, then their signature, and only then anything of what they say.

pub mod github;
mod mirror;
mod signature;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_LENGTH, HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::ids;
use crate::model::{ResourceId, limits};

use super::patience::within;
use super::problem::problem;
use super::record::Record;
use super::{Edge, harden};

use github::{Gates, Told};

/// How long a webhook may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 404.
    NoSuchGate,
    /// 405.
    WrongMethod,
    /// 408.
    TooSlow,
    /// 413.
    TooLarge,
    /// 401.
    Signature,
    /// 400, with what was expected.
    Bad(&'static str),
    /// 503: the deployment goes on waiting, and the webhook can be delivered again.
    CannotJudge,
    /// 502: judged, but the far side did not take the answer.
    NotTold,
}

/// Answers whatever arrives under `/webhooks`.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok(told) => HttpResponse::Ok().content_type("application/json").body(told.as_json()),
        Err(refusal) => refusal.into_response(),
    };
    harden(&mut response);
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

async fn respond(
    edge: &web::Data<Edge>,
    request: &HttpRequest,
    payload: Payload,
    record: &mut Record,
) -> Result<Told, Refusal> {
    if let Some((slug, system)) = mirror::parse(request.path()) {
        return nudge(edge, (slug, system), request, payload, record).await;
    }
    let name = request.path().strip_prefix("/webhooks/github/").ok_or(Refusal::NoSuchGate)?;
    let gates = request.app_data::<web::Data<Gates>>().ok_or(Refusal::NoSuchGate)?;
    let gate = gates.find(name).ok_or(Refusal::NoSuchGate)?;
    record.route("/webhooks/github/{name}");
    if request.method().as_str() != "POST" {
        return Err(Refusal::WrongMethod);
    }
    let body = read(request.headers(), payload).await?;
    let Some(deployment) = gate.read(request.headers(), &body)? else { return Ok(Told::Nothing) };
    let (services, gate, span, id) = (edge.services.clone(), gate.clone(), record.span(), record.request());
    let told = web::block(move || span.in_scope(|| gate.judge(&services, &deployment, id))).await;
    told.map_err(|error| {
        tracing::error!(request.id = %id, error = %error, "a use case panicked");
        Refusal::CannotJudge
    })?
}

/// GitHub says that something of a mirror has changed.
async fn nudge(
    edge: &web::Data<Edge>,
    (slug, system): (String, ResourceId),
    request: &HttpRequest,
    payload: Payload,
    record: &mut Record,
) -> Result<Told, Refusal> {
    record.route("/webhooks/mirrors/{slug}/{system}");
    if request.method().as_str() != "POST" {
        return Err(Refusal::WrongMethod);
    }
    let body = read(request.headers(), payload).await?;
    let (services, headers, span, id) =
        (edge.services.clone(), request.headers().clone(), record.span(), record.request());
    let taken = web::block(move || {
        span.in_scope(|| mirror::find(&services, &slug, system, id)?.take(&services, &headers, &body, id))
    });
    match taken.await {
        Ok(taken) => taken.map(|()| Told::Nothing),
        Err(error) => {
            tracing::error!(request.id = %id, error = %error, "a use case panicked");
            Err(Refusal::CannotJudge)
        }
    }
}

async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits::WEBHOOK_BYTES) {
        return Err(Refusal::TooLarge);
    }
    match within(PATIENCE, payload.to_bytes_limited(limits::WEBHOOK_BYTES)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Refusal::Bad("the body ends too early; send all of it")),
        Ok(Err(_exceeded)) => Err(Refusal::TooLarge),
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}

impl Refusal {
    fn into_response(self) -> HttpResponse {
        let (status, detail) = match self {
            Self::NoSuchGate => (StatusCode::NOT_FOUND, "there is nothing at this path"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "webhooks are sent by POST"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body takes too long to arrive"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than a webhook may be"),
            Self::Signature => {
                (StatusCode::UNAUTHORIZED, "the signature in `X-Hub-Signature-256` is not that of the body")
            }
            Self::Bad(detail) => (StatusCode::BAD_REQUEST, detail),
            Self::CannotJudge => (StatusCode::SERVICE_UNAVAILABLE, "this cannot be judged now; deliver it again"),
            Self::NotTold => (StatusCode::BAD_GATEWAY, "the answer could not be given back; deliver it again"),
        };
        let mut response = problem(status, detail);
        match self {
            Self::WrongMethod => response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST")),
            Self::CannotJudge => response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => return response,
        };
        response
    }
}
