//! The SCIM surface (RFC 7644): authentication first, whatever is asked for, then the rate, then the route, then the
//! use case; every answer in the protocol's form.

mod answer;
mod asynchronous;
mod body;
mod bulk;
mod logged;
mod perform;
pub mod query;
pub mod route;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::evidence::digest;
use crate::ids;
use crate::model::{Caller, OrganizationId, RequestId};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

use super::record::Record;
use super::{Edge, X_REQUEST_ID, bearer, harden, precondition};

use answer::{Refusal, Reply};
use perform::{Call, perform};
use query::Query;
use route::{Asked, Operation};

/// Answers whatever arrives under `/scim`, in any spelling.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok(reply) => reply.into_response(),
        Err(refusal) => {
            if let Some(caller) = record.caller() {
                edge.services.live.note_unknown(caller, refusal.unknown_ids().iter().copied());
            }
            refusal.into_response(id)
        }
    };
    harden(&mut response);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Authorization"));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let response = logged::logged(&edge.services.live, edge.services.clock.now(), request, &record, response);
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

async fn respond(
    edge: &Edge,
    request: &HttpRequest,
    payload: web::Payload,
    record: &mut Record,
) -> Result<Reply, Refusal> {
    let mut caller = admit(&edge.services, request.headers(), record.request()).await?;
    record.admit(&caller);
    edge.rate_limit.check(caller.actor).map_err(Refusal::TooManyRequests)?;

    let switches = caller.profile.switches();
    let (method, path) = (request.method().as_str(), request.path());
    let of_roles = || caller.assigns_roles.then(|| route::find_among(route::ROUTES_OF_ROLES, method, path)).flatten();
    let found = route::find(method, path)
        .or_else(of_roles)
        .filter(|_| switches.empty_path_segments || !route::has_empty_segments(request.path()));
    let Some((name, asked)) = found else {
        return Err(ScimError::NotFound("there is no such route; see /ResourceTypes".to_owned()).into());
    };
    record.route(name);
    let (operation, id) = match asked {
        Asked::Operation(operation, id) => (operation, id),
        Asked::Options(allow) => return Ok(Reply::Options(allow)),
        Asked::WrongMethod(allow) => return Err(Refusal::WrongMethod(allow)),
        Asked::NotImplemented => {
            return Err(ScimError::NotImplemented(format!("this server does not have {name}")).into());
        }
    };
    record.is_write(operation.writes());
    if operation.writes() && caller.paused {
        let detail = "this connection is paused and nothing is written over it; ask an administrator to let it go on";
        return Err(ScimError::Forbidden(detail.to_owned()).into());
    }
    let mut services = within(&edge.services, caller.organization).await?;
    if caller.assigns_roles {
        services = web::Data::new(services.with_roles());
    }
    if operation.writes() && caller.asynchronous && asynchronous::is_preferred(request.headers(), operation) {
        caller.answering = asynchronous::answering(&services, &caller, method).await?;
    }
    if operation == Operation::Bulk {
        let body = body::read(request.headers(), payload, switches).await?;
        record.keep(&body);
        caller.digest = digest::of_body(&body);
        let is_told = caller.answering.is_some();
        let reply = bulk::answer(edge, services, caller, body, record).await?;
        return Ok(if is_told { asynchronous::accepted(reply, record.request(), None) } else { reply });
    }
    let call = Call {
        operation,
        id,
        query: Query::parse(request.query_string(), switches)?,
        body: if operation.takes_body() {
            body::read(request.headers(), payload, switches).await?
        } else {
            Bytes::new()
        },
        if_match: precondition(request.headers(), IF_MATCH),
        if_none_match: precondition(request.headers(), IF_NONE_MATCH),
    };
    record.keep(&call.body);
    // It names what took something away, which making something new does not.
    if operation.writes() && !matches!(operation, Operation::Create(_)) {
        caller.digest = digest::of_body(&call.body);
    }
    if caller.answering.is_none() {
        return run(&services, caller, call, record).await;
    }
    let named = asynchronous::location(&services, operation, &call.id);
    let reply = run(&services, caller, call, record).await?;
    Ok(asynchronous::accepted(reply, record.request(), named))
}

/// Who calls. The database is asked only about what memory does not know.
async fn admit(services: &web::Data<Services>, headers: &HeaderMap, request: RequestId) -> Result<Caller, Refusal> {
    let token = bearer::token(headers).ok_or(ServiceError::Unauthorized)?;
    if let Some(known) = services.admit_from_memory(token, request) {
        return Ok(known?);
    }
    let (services, token) = (services.clone(), token.to_owned());
    let admitted = web::block(move || services.admit(&token, request)).await;
    Ok(admitted.map_err(|_panicked| Refusal::Panicked)??)
}

/// The services as the caller's organization has them.
async fn within(services: &web::Data<Services>, organization: OrganizationId) -> Result<web::Data<Services>, Refusal> {
    if let Some(within) = services.within_from_memory(organization) {
        return Ok(web::Data::new(within));
    }
    let services = services.clone();
    let within = web::block(move || services.within(organization)).await;
    Ok(web::Data::new(within.map_err(|_panicked| Refusal::Panicked)??))
}

/// Carries a call out where it belongs: what takes microseconds here, all else on a thread that may block.
async fn run(services: &web::Data<Services>, caller: Caller, call: Call, record: &Record) -> Result<Reply, Refusal> {
    // Which roles somebody holds may have to be loaded first.
    let reads_roles = caller.assigns_roles && call.query.selects_attributes();
    let at_once = match call.operation {
        Operation::Read(_) => services.reads_at_once() && !reads_roles,
        Operation::Configuration
        | Operation::ResourceTypes
        | Operation::ResourceType
        | Operation::Schemas
        | Operation::Schema
        | Operation::Description => true,
        Operation::Create(_)
        | Operation::List(_)
        | Operation::Search(_)
        | Operation::ListEverything
        | Operation::SearchEverything
        | Operation::ListOffered(_)
        | Operation::ReadOffered(_)
        | Operation::Replace(_)
        | Operation::Patch(_)
        | Operation::Delete(_)
        | Operation::Bulk => false,
    };
    if at_once {
        let performed = catch_unwind(AssertUnwindSafe(|| perform(services, &caller, &call)));
        return Ok(performed.map_err(|_panicked| Refusal::Panicked)??);
    }
    if services.reads_at_once() && !reads_roles {
        let looked_up = catch_unwind(AssertUnwindSafe(|| perform::look_up(services, &caller, &call)));
        if let Some(reply) = looked_up.map_err(|_panicked| Refusal::Panicked)?? {
            return Ok(reply);
        }
    }
    let (services, span) = (services.clone(), record.span());
    let performed = web::block(move || span.in_scope(|| perform(&services, &caller, &call))).await;
    Ok(performed.map_err(|_panicked| Refusal::Panicked)??)
}

#[cfg(test)]
mod tests {
    use crate::model::Precondition;

    use super::*;

    // Requirement 64
    #[test]
    fn a_precondition_may_come_in_several_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(precondition(&headers, IF_MATCH), Precondition::None);
        headers.append(IF_MATCH, HeaderValue::from_static("W/\"1-a\", \"2-a\""));
        headers.append(IF_MATCH, HeaderValue::from_static("W/\"3-a\""));
        let Precondition::Tags(tags) = precondition(&headers, IF_MATCH) else { panic!("tags were sent") };
        assert_eq!(tags, ["W/\"1-a\"", "\"2-a\"", "W/\"3-a\""]);
        // A header that cannot be read names no version: nothing is written under it.
        headers.clear();
        headers.append(IF_MATCH, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!precondition(&headers, IF_MATCH).allows("W/\"1-a\""));
    }
}
