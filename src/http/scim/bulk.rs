//! POST /Bulk over HTTP (RFC 7644 §3.7): read and counted first, then carried out on a thread that may block.

use actix_web::web::{self, Bytes};

use crate::http::Edge;
use crate::http::record::Record;
use crate::model::Caller;
use crate::scim::{bulk, json};
use crate::service::provisioning;
use crate::service::{ServiceError, Services};

use super::answer::{Refusal, Reply};

/// So many operations count as one request more against the rate limit: together they cost about as much.
const OPERATIONS_PER_REQUEST: usize = 10;

/// Answers a bulk request.
pub async fn answer(
    edge: &Edge,
    services: web::Data<Services>,
    caller: Caller,
    body: Bytes,
    record: &Record,
) -> Result<Reply, Refusal> {
    let (types, switches) = (services.types.clone(), caller.profile.switches());
    let parsed = web::block(move || {
        let body = json::parse(&body)?;
        bulk::parse(switches, &types, body).map_err(ServiceError::from)
    });
    let request = parsed.await.map_err(|_panicked| Refusal::Panicked)??;
    let more = request.entries.len().saturating_sub(1) / OPERATIONS_PER_REQUEST;
    edge.rate_limit.check_more(caller.actor, more).map_err(Refusal::TooManyRequests)?;
    let span = record.span();
    let done = web::block(move || span.in_scope(|| provisioning::bulk::run(&services, &caller, &request)));
    Ok(Reply::Document(done.await.map_err(|_panicked| Refusal::Panicked)??))
}
