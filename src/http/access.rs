//! The Authorization API 1.0 (AuthZEN): what the CI/CD system asks before each act.
//!
//! A denial is 200 with `"decision": false`; every other status is about the request. What cannot be judged is 503.

mod answer;
mod evaluate;
mod metadata;
mod page;
mod said;
mod search;
pub mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::ids;
use crate::model::{EnforcementPoint, RequestId, limits};
use crate::service::{ServiceError, Services};

use super::patience::within;
use super::record::Record;
use super::{Edge, X_REQUEST_ID, bearer, harden, path};

use answer::Refusal;

pub use metadata::Metadata;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Evaluation,
    Evaluations,
    SearchSubject,
    SearchResource,
    SearchAction,
}

impl Asked {
    fn find(path: &str) -> Option<(Self, &'static str)> {
        match path {
            "/access/v1/evaluation" => Some((Self::Evaluation, "/access/v1/evaluation")),
            "/access/v1/evaluations" => Some((Self::Evaluations, "/access/v1/evaluations")),
            "/access/v1/search/subject" => Some((Self::SearchSubject, "/access/v1/search/subject")),
            "/access/v1/search/resource" => Some((Self::SearchResource, "/access/v1/search/resource")),
            "/access/v1/search/action" => Some((Self::SearchAction, "/access/v1/search/action")),
            _ => None,
        }
    }
}

/// Whether a path is of this surface.
pub fn is_meant(path: &str) -> bool {
    path::is_under("access", path) || path == metadata::PATH
}

/// Answers whatever arrives under `/access`, and the metadata.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok(body) => HttpResponse::Ok().content_type("application/json").body(body),
        Err(refusal) => refusal.into_response(id),
    };
    harden(&mut response);
    if request.path() == metadata::PATH && response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=900"));
    }
    // The caller's own name for the request comes back unchanged (Authorization API 1.0, Request Identification).
    if let Some(theirs) = request.headers().get(X_REQUEST_ID) {
        response.headers_mut().insert(X_REQUEST_ID, theirs.clone());
    }
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

async fn respond(edge: &Edge, request: &HttpRequest, payload: Payload, record: &mut Record) -> Result<Bytes, Refusal> {
    let method = request.method().as_str();
    if request.path() == metadata::PATH {
        record.route(metadata::PATH);
        if !matches!(method, "GET" | "HEAD") {
            return Err(Refusal::WrongMethod("GET, HEAD"));
        }
        let (services, metadata) = (edge.services.clone(), Arc::clone(&edge.metadata));
        let made = web::block(move || metadata.document(&services)).await;
        return made.map_err(|_panicked| Refusal::Panicked)?;
    }
    let point = admit(&edge.services, request.headers(), record.request()).await?;
    record.admit(&point.caller);
    let Some((asked, route)) = Asked::find(request.path()) else { return Err(Refusal::NoSuchRoute) };
    record.route(route);
    if method != "POST" {
        return Err(Refusal::WrongMethod("POST"));
    }
    let body = read(request.headers(), payload).await?;
    // What is in memory is judged on the spot, in microseconds; what must be loaded or put on disk first, elsewhere.
    let services = &edge.services;
    let at_once = catch_unwind(AssertUnwindSafe(|| perform(services, &point, asked, &body, false)));
    match at_once.map_err(|_panicked| Refusal::Panicked)? {
        Err(Refusal::Blocks) => {}
        answered => return Ok(answered?.into()),
    }
    let (services, span) = (services.clone(), record.span());
    let performed = web::block(move || span.in_scope(|| perform(&services, &point, asked, &body, true))).await;
    Ok(performed.map_err(|_panicked| Refusal::Panicked)??.into())
}

fn perform(
    services: &Services,
    point: &EnforcementPoint,
    asked: Asked,
    body: &Bytes,
    may_block: bool,
) -> Result<Vec<u8>, Refusal> {
    let body = wire::Body::parse(body)?;
    match asked {
        Asked::Evaluation => evaluate::one(services, point, &body, may_block),
        Asked::Evaluations => evaluate::many(services, point, &body, may_block),
        // A search may take milliseconds: not on a thread that serves sockets.
        _ if !may_block => Err(Refusal::Blocks),
        Asked::SearchSubject => search::subjects(services, point, &body),
        Asked::SearchResource => search::resources(services, point, &body),
        Asked::SearchAction => search::actions(services, point, &body),
    }
}

/// Who asks. The database is asked only about what memory does not know.
async fn admit(
    services: &web::Data<Services>,
    headers: &HeaderMap,
    request: RequestId,
) -> Result<EnforcementPoint, Refusal> {
    let token = bearer::token(headers).ok_or(ServiceError::Unauthorized)?;
    if let Some(known) = services.admit_enforcement_point_from_memory(token, request) {
        return Ok(known?);
    }
    let (services, token) = (services.clone(), token.to_owned());
    let admitted = web::block(move || services.admit_enforcement_point(&token, request)).await;
    Ok(admitted.map_err(|_panicked| Refusal::Panicked)??)
}

/// Another type than JSON is 400 here, as the certification of the Authorization API has it, not 415. SCIM's is JSON, too:
/// clients that provision as well send it for everything.
async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Refusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !["application/json", "application/scim+json"].iter().any(|json| media_type.eq_ignore_ascii_case(json)) {
        return Err(Refusal::Bad("the `Content-Type` must be `application/json`".to_owned()));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits::EVALUATION_BYTES) {
        return Err(Refusal::TooLarge);
    }
    match within(PATIENCE, payload.to_bytes_limited(limits::EVALUATION_BYTES)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Refusal::Bad("the body ends too early; send all of it".to_owned())),
        Ok(Err(_exceeded)) => Err(Refusal::TooLarge),
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}
