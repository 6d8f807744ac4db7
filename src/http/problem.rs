//! Errors outside of any protocol (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// A problem document; `detail` is constant text.
pub fn problem(status: StatusCode, detail: &'static str) -> HttpResponse {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    HttpResponse::build(status).content_type("application/problem+json").body(body.to_string())
}
