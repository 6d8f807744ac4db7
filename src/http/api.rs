//! Administration over HTTP (`/api/v1`): JSON in and out, problems (RFC 9457) where something is refused, one OpenAPI
//! document made from the same table the requests are routed by.
//!
//! A resource is one file that ends in `pub const RESOURCE`, and one line in [`RESOURCES`].

mod answer;
mod assignments;
mod body;
mod brakes;
mod call;
mod clients;
mod connections;
mod credentials;
mod decisions;
mod document;
mod explanations;
mod findings;
mod gates;
mod groups;
mod guardrails;
mod identity_provider;
mod leavers;
mod mirrors;
mod names;
mod notifications;
mod offers;
mod organization;
mod page;
mod permissions;
mod previews;
mod problem;
mod receivers;
mod request_log;
mod roles;
pub mod route;
mod scopes;
mod services;
mod systems;
mod users;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::evidence::digest;
use crate::ids;
use crate::model::{Administrator, Caller, RequestId};
use crate::service::{ServiceError, Services};

use super::record::Record;
use super::{Edge, X_REQUEST_ID, bearer, harden, precondition, unknown_ids};

use answer::Reply;
use call::Call;
use problem::Problem;
use route::{Asked, Resource, Route};

pub use document::text as openapi;

/// Every resource, in the order of the document.
pub const RESOURCES: &[Resource] = &[
    organization::RESOURCE,
    identity_provider::RESOURCE,
    connections::RESOURCE,
    offers::RESOURCE,
    request_log::RESOURCE,
    credentials::RESOURCE,
    clients::RESOURCE,
    clients::ISSUERS,
    users::RESOURCE,
    leavers::RESOURCE,
    brakes::RESOURCE,
    findings::RESOURCE,
    systems::RESOURCE,
    mirrors::RESOURCE,
    groups::RESOURCE,
    permissions::RESOURCE,
    roles::RESOURCE,
    scopes::RESOURCE,
    assignments::RESOURCE,
    services::RESOURCE,
    guardrails::RESOURCE,
    gates::RESOURCE,
    previews::RESOURCE,
    receivers::RESOURCE,
    notifications::RESOURCE,
    decisions::RESOURCE,
    explanations::RESOURCE,
];

/// Answers whatever arrives under `/api`, in any spelling.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok(reply) => reply.into_response(),
        Err(problem) => problem.into_response(id),
    };
    harden(&mut response);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Authorization"));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    unknown_ids::note(&edge.services.live, request.path(), &record, response.status().as_u16());
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

async fn respond(
    edge: &Edge,
    request: &HttpRequest,
    payload: web::Payload,
    record: &mut Record,
) -> Result<Reply, Problem> {
    let method = request.method().as_str();
    // The document says nothing of a deployment, and tools fetch it without a token.
    if document::is_asked_for(method, request.path()) {
        record.route("/api/v1/openapi.json");
        return Ok(Reply::Text(document::text()));
    }
    let administrator = admit(&edge.services, request.headers(), record.request()).await?;
    record.admit(&administrator.caller);
    edge.rate_limit.check(administrator.caller.actor).map_err(Problem::TooManyRequests)?;

    let Some((name, asked)) = route::find(method, request.path()) else { return Err(Problem::no_such_route()) };
    record.route(name);
    let (route, ids) = match asked {
        Asked::Route(route, ids) => (route, ids),
        Asked::Options(allow) => return Ok(Reply::Options(allow)),
        Asked::WrongMethod(allow) => return Err(Problem::WrongMethod(allow)),
    };
    if route.changes && !administrator.may_write {
        return Err(Problem::forbidden("this credential only reads; use one of kind `admin`"));
    }
    let body = if route.takes_body { body::read(request.headers(), payload).await? } else { Bytes::new() };
    record.keep(&body);
    let call = Call {
        services: edge.services.clone(),
        caller: Caller { digest: digest::of_body(&body), ..administrator.caller },
        ids,
        query: request.query_string().to_owned(),
        body,
        if_match: precondition(request.headers(), IF_MATCH),
        if_none_match: precondition(request.headers(), IF_NONE_MATCH),
    };
    run(route, call, record).await
}

/// Who calls. The database is asked only about what memory does not know.
async fn admit(
    services: &web::Data<Services>,
    headers: &HeaderMap,
    request: RequestId,
) -> Result<Administrator, Problem> {
    let token = bearer::token(headers).ok_or(ServiceError::Unauthorized)?;
    if let Some(known) = services.admit_administrator_from_memory(token, request) {
        return Ok(known?);
    }
    let (services, token) = (services.clone(), token.to_owned());
    let admitted = web::block(move || services.admit_administrator(&token, request)).await;
    Ok(admitted.map_err(|_panicked| Problem::Panicked)??)
}

/// Carries a call out on a thread that may block.
async fn run(route: &'static Route, call: Call, record: &Record) -> Result<Reply, Problem> {
    let span = record.span();
    let handled = web::block(move || {
        let handle = || {
            // As the organization has them, with the schemas it has added.
            let services = web::Data::new(call.services.within(call.caller.organization)?);
            (route.handle)(&Call { services, ..call })
        };
        span.in_scope(|| catch_unwind(AssertUnwindSafe(handle)).unwrap_or(Err(Problem::Panicked)))
    });
    handled.await.unwrap_or(Err(Problem::Panicked))
}
