//! POST /Bulk (RFC 7644 §3.7): many operations in one request, each a use case of its own with its own result.
//!
//! Operations that do not depend on each other run at the same time, so that the writer puts them into few commits.
//! A resource of a circle of references is created without them and then replaced by the whole of what was sent; if that
//! fails it is deleted again, because an operation that failed leaves nothing behind.

mod progress;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::model::{Answering, Caller, Precondition};
use crate::scim::bulk::{self, Bulk, Endpoint, Entry, Method, Operation, Outcome, Work};
use crate::scim::error::error_body;
use crate::scim::projection::Projection;
use crate::scim::{ScimError, path::excerpt};
use crate::service::{ServiceError, Services, signals};

use super::{Representation, groups, users};
use progress::Progress;

/// Threads that work on one bulk request: about as many as the writer puts into one commit.
const THREADS: usize = 48;
/// Threads that work on all bulk requests of this process; beyond that a request is worked on by its own thread alone.
const THREADS_IN_ALL: usize = 192;
static THREADS_AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Carries out a bulk request; the body of the answer.
///
/// # Errors
/// [`ServiceError`] where what has failed is told in events and cannot be put on record.
pub fn run(services: &Services, caller: &Caller, request: &Bulk) -> Result<String, ServiceError> {
    let steps = bulk::schedule(request);
    let progress = Progress::new(request, &steps);
    let span = tracing::Span::current();
    let work = || {
        span.in_scope(|| progress.work(|work| perform(services, caller, request, &progress, work)));
    };
    let helpers = Helpers::take(steps.len().saturating_sub(1).min(THREADS.saturating_sub(1)));
    std::thread::scope(|scope| {
        for _ in 0..helpers.0 {
            // Without another thread those that are there do the work.
            let _ = std::thread::Builder::new().name("bulk".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    drop(helpers);
    let (outcomes, unknown) = progress.finish();
    services.live.note_unknown(caller, unknown);
    signals::tell_failures(services, caller, request, &outcomes)?;
    let done = request.entries.iter().zip(&outcomes).filter_map(|(entry, outcome)| Some((entry, outcome.as_ref()?)));
    Ok(bulk::response(done))
}

/// Threads taken from those of the process, given back when dropped.
struct Helpers(usize);

impl Helpers {
    fn take(wanted: usize) -> Self {
        let mut taken = 0;
        let _ = THREADS_AT_WORK.fetch_update(Ordering::AcqRel, Ordering::Acquire, |at_work| {
            taken = wanted.min(THREADS_IN_ALL.saturating_sub(at_work));
            Some(at_work.saturating_add(taken))
        });
        Self(taken)
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        THREADS_AT_WORK.fetch_sub(self.0, Ordering::AcqRel);
    }
}

/// What an operation left behind: the identifier of what it is about, and its entity tag.
struct Done {
    id: String,
    entity_tag: Option<String>,
    status: u16,
}

fn perform(
    services: &Services,
    caller: &Caller,
    request: &Bulk,
    progress: &Progress<'_>,
    work: Work,
) -> Option<Outcome> {
    let index = match work {
        Work::Do(index) | Work::Begin(index) | Work::Complete(index) => index,
    };
    let entry = request.entries.get(index)?;
    let caller = &as_operation(caller, (index, entry), work);
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let operation = entry.operation.as_ref().map_err(Clone::clone)?;
        match work {
            Work::Do(_) => carry_out(services, caller, progress, entry, operation),
            Work::Begin(_) => begin(services, caller, progress, operation),
            Work::Complete(_) => complete(services, caller, progress, entry, operation),
        }
    }));
    let result =
        tried.unwrap_or_else(|_panicked| Err(ServiceError::Internal("an operation ended in a panic".to_owned())));
    if let Err(ServiceError::Scim(error)) = &result {
        progress.named_unknown(error.unknown_ids());
    }
    Some(outcome(services, caller, progress, entry, result))
}

/// The caller, its outcome told of this operation where it is told: once, however many steps it takes.
fn as_operation(caller: &Caller, (index, entry): (usize, &Entry), work: Work) -> Caller {
    let told = Answering::to_operation(index, entry.method.clone(), entry.bulk_id.clone());
    let answering = match work {
        _ if caller.answering.is_none() => None,
        Work::Begin(_) => None,
        Work::Do(_) => Some(told),
        Work::Complete(_) => Some(Answering { status: Some(201), ..told }),
    };
    Caller { answering, ..caller.clone() }
}

fn outcome(
    services: &Services,
    caller: &Caller,
    progress: &Progress<'_>,
    entry: &Entry,
    result: Result<Done, ServiceError>,
) -> Outcome {
    let location = |endpoint: Endpoint, id: &str| {
        let endpoint = match endpoint {
            Endpoint::Users => &services.types.user.endpoint,
            Endpoint::Groups => &services.types.group.endpoint,
        };
        format!("{}{endpoint}/{id}", services.scim_base())
    };
    match (result, &entry.operation) {
        (Ok(done), Ok(operation)) => {
            if operation.method == Method::Post
                && let Some(bulk_id) = &entry.bulk_id
            {
                progress.created(bulk_id, &done.id);
            }
            Outcome {
                status: done.status,
                location: Some(location(operation.endpoint, &done.id)),
                version: done.entity_tag,
                error: None,
            }
        }
        (Ok(done), Err(_)) => Outcome { status: done.status, location: None, version: None, error: None },
        (Err(error), operation) => {
            let named = operation.as_ref().ok().filter(|operation| operation.method != Method::Post);
            let id = named.and_then(|named| bulk::resolve_text(&named.id, &|name| progress.id_of(name)).ok());
            let (status, body) = refusal(caller, &error);
            let location = named.zip(id).map(|(named, id)| location(named.endpoint, &id));
            Outcome { status, location, version: None, error: Some(body) }
        }
    }
}

/// What a single request would have been answered. What only administrators of the server may read goes to the log.
fn refusal(caller: &Caller, error: &ServiceError) -> (u16, String) {
    match error {
        ServiceError::Scim(error) => (error.status(), error.to_json()),
        ServiceError::Unauthorized => (401, error_body(401, None, &error.to_string())),
        ServiceError::Unavailable(why) => {
            tracing::warn!(request.id = %caller.request, error = why, "operation of a bulk request could not be done now");
            (503, error_body(503, None, "the server cannot do this now; try again later"))
        }
        ServiceError::Internal(why) => {
            tracing::error!(request.id = %caller.request, error = why, "operation of a bulk request failed by a fault of this server");
            let detail = "the server failed; its administrators find the cause in the log under the request id";
            (500, error_body(500, None, detail))
        }
    }
}

/// The body with identifiers in the place of references.
fn resolved(progress: &Progress<'_>, operation: &Operation) -> Result<Value, ServiceError> {
    let mut data = operation.data.clone();
    bulk::resolve(&mut data, &|name| progress.id_of(name)).map_err(|name| unresolved(&name))?;
    Ok(data)
}

fn unresolved(name: &str) -> ServiceError {
    ScimError::Unresolved(format!(
        "the reference `bulkId:{}` cannot be resolved: no operation of this request has created it",
        excerpt(name)
    ))
    .into()
}

fn carry_out(
    services: &Services,
    caller: &Caller,
    progress: &Progress<'_>,
    entry: &Entry,
    operation: &Operation,
) -> Result<Done, ServiceError> {
    let data = resolved(progress, operation)?;
    let id = bulk::resolve_text(&operation.id, &|name| progress.id_of(name)).map_err(|name| unresolved(&name))?;
    let precondition = operation.version.as_deref().map_or(Precondition::None, Precondition::parse);
    match operation.method {
        Method::Post => create(services, caller, operation.endpoint, data),
        Method::Put => {
            let put = replace(services, caller, operation.endpoint, &id, data, &precondition)?;
            Ok(Done { id, entity_tag: Some(put.entity_tag), status: 200 })
        }
        Method::Patch => {
            let projection = projection(services, operation.endpoint)?;
            let patched = match operation.endpoint {
                Endpoint::Users => users::patch(services, caller, &id, data, &precondition, &projection)?,
                Endpoint::Groups => groups::patch(services, caller, &id, data, &precondition, &projection)?,
            };
            Ok(Done { id, entity_tag: patched.map(|patched| patched.entity_tag), status: 200 })
        }
        Method::Delete => {
            delete(services, caller, operation.endpoint, &id, &precondition)?;
            // What refers to it from now on refers to nothing.
            entry.bulk_id.iter().for_each(|bulk_id| progress.forget(bulk_id));
            Ok(Done { id, entity_tag: None, status: 204 })
        }
    }
}

fn begin(
    services: &Services,
    caller: &Caller,
    progress: &Progress<'_>,
    operation: &Operation,
) -> Result<Done, ServiceError> {
    let mut data = operation.data.clone();
    bulk::prune(&mut data, &|name| progress.id_of(name).is_some());
    bulk::resolve(&mut data, &|name| progress.id_of(name)).map_err(|name| unresolved(&name))?;
    create(services, caller, operation.endpoint, data)
}

fn complete(
    services: &Services,
    caller: &Caller,
    progress: &Progress<'_>,
    entry: &Entry,
    operation: &Operation,
) -> Result<Done, ServiceError> {
    let bulk_id = entry.bulk_id.as_deref().unwrap_or_default();
    let id = progress.id_of(bulk_id).ok_or_else(|| unresolved(bulk_id))?;
    let replaced = resolved(progress, operation)
        .and_then(|data| replace(services, caller, operation.endpoint, &id, data, &Precondition::None));
    match replaced {
        Ok(put) => Ok(Done { id, entity_tag: Some(put.entity_tag), status: 201 }),
        Err(error) => {
            progress.forget(bulk_id);
            let silently = Caller { answering: None, ..caller.clone() };
            delete(services, &silently, operation.endpoint, &id, &Precondition::None)?;
            match error {
                ServiceError::Scim(why @ (ScimError::BadRequest(..) | ScimError::UnknownMembers(..))) => {
                    progress.named_unknown(why.unknown_ids());
                    Err(ScimError::Unresolved(format!(
                        "the circle of references cannot be closed, so nothing was created: {why}"
                    ))
                    .into())
                }
                other => Err(other),
            }
        }
    }
}

/// No more is read back than the entity tag needs.
fn projection(services: &Services, endpoint: Endpoint) -> Result<Projection, ScimError> {
    match endpoint {
        Endpoint::Users => Projection::parse(None, None, &services.types.user),
        Endpoint::Groups => Projection::parse(None, Some("members"), &services.types.group),
    }
}

fn create(services: &Services, caller: &Caller, endpoint: Endpoint, data: Value) -> Result<Done, ServiceError> {
    let projection = projection(services, endpoint)?;
    let created = match endpoint {
        Endpoint::Users => users::create(services, caller, data, &projection)?,
        Endpoint::Groups => groups::create(services, caller, data, &projection)?,
    };
    let id = created.location.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Done { id, entity_tag: Some(created.entity_tag), status: 201 })
}

fn replace(
    services: &Services,
    caller: &Caller,
    endpoint: Endpoint,
    id: &str,
    data: Value,
    precondition: &Precondition,
) -> Result<Representation, ServiceError> {
    let projection = projection(services, endpoint)?;
    match endpoint {
        Endpoint::Users => users::replace(services, caller, id, data, precondition, &projection),
        Endpoint::Groups => groups::replace(services, caller, id, data, precondition, &projection),
    }
}

fn delete(
    services: &Services,
    caller: &Caller,
    endpoint: Endpoint,
    id: &str,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    match endpoint {
        Endpoint::Users => users::delete(services, caller, id, precondition),
        Endpoint::Groups => groups::delete(services, caller, id, precondition),
    }
}
