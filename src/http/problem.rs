//! Errors outside of any protocol of their own (RFC 9457).

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;

use crate::model::RequestId;

/// A problem document; `detail` is constant text.
pub fn problem(status: StatusCode, detail: &'static str) -> HttpResponse {
    document(status, detail, None)
}

/// A problem document about a request.
pub fn document(status: StatusCode, detail: &str, request: Option<RequestId>) -> HttpResponse {
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let (Some(request), Some(members)) = (request, body.as_object_mut()) {
        members.insert("instance".to_owned(), format!("urn:uuid:{request}").into());
    }
    HttpResponse::build(status).content_type("application/problem+json").body(body.to_string())
}

/// Whole seconds, rounded up: waiting that long is always enough.
pub fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
}
