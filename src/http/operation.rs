//! What those who run the server ask: does it live, is it ready, what has it counted. No authentication, nothing to
//! learn.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::service::Readiness;
use crate::service::administration::receivers_by_state;
use crate::service::leavers::watch;

use super::metrics::State;
use super::problem::problem;
use super::{Edge, harden};

/// Answers everything on the public listener that no other surface answers.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest) -> HttpResponse {
    let mut response = match (request.path(), is_read(request)) {
        ("/healthz" | "/readyz", false) => wrong_method(),
        ("/healthz", true) => json(StatusCode::OK, r#"{"status":"alive"}"#),
        ("/readyz", true) => match readiness(&edge).await {
            Readiness { lease_current: true, database_answers: true } => json(StatusCode::OK, r#"{"status":"ready"}"#),
            Readiness { database_answers: false, .. } => unready(r#"{"status":"unready","waits_for":"database"}"#),
            Readiness { lease_current: false, .. } => unready(r#"{"status":"unready","waits_for":"lease"}"#),
        },
        _ => problem(StatusCode::NOT_FOUND, "there is nothing at this path"),
    };
    harden(&mut response);
    response
}

/// Answers everything on the listener for metrics.
pub async fn answer_metrics(edge: web::Data<Edge>, request: HttpRequest) -> HttpResponse {
    let mut response = match (request.path(), is_read(&request)) {
        ("/metrics", true) => {
            let Readiness { lease_current, database_answers } = readiness(&edge).await;
            let times_gone_back = edge.services.live.times_gone_back();
            let request_lines_lost = edge.services.live.request_lines_lost();
            let (connections, findings) = (connections(&edge).await, findings(&edge).await);
            let receivers = receivers(&edge).await;
            let state = State {
                database_up: database_answers,
                lease_current,
                times_gone_back,
                request_lines_lost,
                connections,
                findings,
                receivers,
                gates: edge.services.live.gates_seen(),
            };
            let page = edge.metrics.page(state);
            HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
                .body(page)
        }
        ("/metrics", false) => wrong_method(),
        _ => problem(StatusCode::NOT_FOUND, "there is nothing at this path; metrics are at /metrics"),
    };
    harden(&mut response);
    response
}

fn is_read(request: &HttpRequest) -> bool {
    matches!(request.method().as_str(), "GET" | "HEAD")
}

/// How many connections fare how; none where the database does not answer.
async fn connections(edge: &web::Data<Edge>) -> BTreeMap<&'static str, i64> {
    let services = edge.services.clone();
    web::block(move || services.healths().unwrap_or_default()).await.unwrap_or_default()
}

/// What stands of leavers; nothing where the database does not answer.
async fn findings(edge: &web::Data<Edge>) -> BTreeMap<&'static str, i64> {
    let services = edge.services.clone();
    web::block(move || watch::counts(&services.live).unwrap_or_default()).await.unwrap_or_default()
}

/// How many receivers are in which state; nothing where the database does not answer.
async fn receivers(edge: &web::Data<Edge>) -> Vec<(&'static str, i64)> {
    let services = edge.services.clone();
    let counted = web::block(move || receivers_by_state(&services.live)).await;
    counted.ok().and_then(Result::ok).map_or_else(Vec::new, Vec::from)
}

/// A thread that cannot be had is no better than a database that does not answer.
async fn readiness(edge: &web::Data<Edge>) -> Readiness {
    let services = edge.services.clone();
    web::block(move || services.readiness())
        .await
        .unwrap_or(Readiness { lease_current: false, database_answers: false })
}

fn json(status: StatusCode, body: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(body)
}

fn unready(body: &'static str) -> HttpResponse {
    json(StatusCode::SERVICE_UNAVAILABLE, body)
}

fn wrong_method() -> HttpResponse {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "this can only be read");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
