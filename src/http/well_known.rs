//! What anybody may know of a deployment (RFC 8615): nothing here needs a credential, nothing names an organization.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use crate::service::Services;

use super::problem::problem;
use super::{Edge, harden, oauth, signals};

/// Answers whatever arrives under `/.well-known`.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest) -> HttpResponse {
    let made: Option<fn(&Services) -> Option<Value>> = match request.path() {
        "/.well-known/jwks.json" => Some(keys),
        "/.well-known/oauth-authorization-server" => Some(|services| Some(oauth::metadata(services))),
        "/.well-known/ssf-configuration" => Some(|services| Some(signals::configuration(services))),
        _ => None,
    };
    let mut response = match (made, request.method().as_str()) {
        (None, _) => problem(StatusCode::NOT_FOUND, "there is nothing at this path"),
        (Some(made), "GET" | "HEAD") => {
            let services = edge.services.clone();
            match web::block(move || made(&services)).await {
                Ok(Some(document)) => return shared(&document),
                _ => problem(StatusCode::SERVICE_UNAVAILABLE, "the server cannot answer now; try again later"),
            }
        }
        (Some(_), _) => {
            let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "this can only be read");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
    };
    harden(&mut response);
    response
}

/// A document that caches may keep for a quarter of an hour, which is less than a new key is published before it signs.
fn shared(document: &Value) -> HttpResponse {
    let mut response = HttpResponse::Ok().content_type("application/json").body(document.to_string());
    harden(&mut response);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=900"));
    response
}

/// The keys with which tokens of this deployment are verified (RFC 7517 §5).
fn keys(services: &Services) -> Option<Value> {
    match services.live.signing_keys() {
        Ok(keys) => Some(keys.published(services.clock.now())),
        Err(error) => {
            tracing::error!(error = %error, "the signing keys cannot be had");
            None
        }
    }
}
