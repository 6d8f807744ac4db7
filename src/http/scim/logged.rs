//! What is put in the request log of a connection: errors and writes as they were; reads that succeed are counted.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};

use crate::live::{AnsweredRequest, Kept, Live};
use crate::model::{Actor, Moment, ResourceId};

use super::super::record::Record;

/// Puts an answered request on record, and gives its answer back. Whoever was not admitted has no connection.
pub fn logged(
    live: &Live,
    now: Moment,
    request: &HttpRequest,
    record: &Record,
    response: HttpResponse,
) -> HttpResponse {
    let Some(caller) = record.caller() else { return response };
    let Actor::Connection(connection, credential) = caller.actor else { return response };
    let status = response.status().as_u16();
    if status < 400 && !record.writes() {
        live.count_read(caller.organization, connection, now);
        return response;
    }
    let last = |path: &str| path.rsplit('/').next().and_then(|id| id.parse::<ResourceId>().ok());
    let made = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).and_then(last);
    let (head, body) = response.into_parts();
    let (answer, body) = match body.try_into_bytes() {
        Ok(bytes) => (Kept::of(&bytes), BoxBody::new(bytes)),
        Err(body) => (Kept::Length(0), body),
    };
    live.log_request(AnsweredRequest {
        organization: caller.organization,
        connection,
        credential,
        id: record.request(),
        at: now,
        method: record.method(),
        route: record.route_name(),
        resource: last(request.path()).or(made),
        query: request.query_string().to_owned(),
        status,
        writes: record.writes(),
        duration: record.duration(),
        body: Kept::of(record.body()),
        answer,
    });
    head.set_body(body)
}
