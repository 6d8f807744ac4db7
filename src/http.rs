//! ACTIX, and nowhere else but `app.rs`: what arrives over HTTP is authenticated, routed and answered in the form of the
//! protocol it was meant for.
//!
//! There is one entry, [`answer`], behind every path: a framework's own 404, 405 or 413 would come before authentication
//! and in no protocol's form. A new surface gets a folder and a line in [`answer`].

pub mod access;
pub mod api;
mod bearer;
pub mod console;
pub mod metrics;
mod oauth;
pub mod operation;
mod path;
mod patience;
mod problem;
mod rate;
mod record;
pub mod scim;
mod signals;
mod unknown_ids;
pub mod webhooks;
mod well_known;

use std::sync::Arc;

use actix_web::http::header::{
    AsHeaderName, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::model::Precondition;
use crate::service::Services;

use metrics::Metrics;
use rate::RateLimit;

/// What every answer needs; one a process, shared by all workers.
pub struct Edge {
    services: web::Data<Services>,
    rate_limit: RateLimit,
    metrics: Metrics,
    metadata: Arc<access::Metadata>,
}

impl Edge {
    /// `rate_limit` is in requests per second and credential; 0 for none.
    pub fn new(services: web::Data<Services>, rate_limit: u32) -> Self {
        let (rate_limit, metrics, metadata) = (RateLimit::new(rate_limit), Metrics::default(), Arc::default());
        Self { services, rate_limit, metrics, metadata }
    }
}

/// Answers whatever arrives on the public listener.
///
/// What answers rarely is boxed: the future of every request is as large as the largest that stands in it.
pub async fn answer(edge: web::Data<Edge>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    if path::is_under("scim", request.path()) {
        scim::answer(edge, &request, payload).await
    } else if access::is_meant(request.path()) {
        access::answer(edge, &request, payload).await
    } else if path::is_under("api", request.path()) {
        Box::pin(api::answer(edge, &request, payload)).await
    } else if path::is_under("ssf", request.path()) {
        Box::pin(signals::answer(edge, &request, payload)).await
    } else if path::is_under("oauth2", request.path()) {
        Box::pin(oauth::answer(edge, &request, payload)).await
    } else if path::is_under("webhooks", request.path()) {
        Box::pin(webhooks::answer(edge, &request, payload)).await
    } else if path::is_under(".well-known", request.path()) {
        Box::pin(well_known::answer(edge, &request)).await
    } else if console::is_meant(request.path()) {
        Box::pin(console::answer(edge, &request, payload)).await
    } else {
        Box::pin(operation::answer(edge, &request)).await
    }
}

/// Headers that no answer goes without: nothing is kept by caches, nothing is guessed to be of another type.
fn harden(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The header's values; several headers are one list (RFC 9110 §5.2).
fn precondition(headers: &HeaderMap, name: impl AsHeaderName) -> Precondition {
    let values: Vec<&str> = headers.get_all(name).map(|value| value.to_str().unwrap_or_default()).collect();
    if values.is_empty() { Precondition::None } else { Precondition::parse(&values.join(",")) }
}

/// The request as logs and events name it. Always ours: what a client sends under this name is not repeated.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
