//! Requests whose outcome is told in an event (RFC 9967 §2.5.1), for connections that switch it on. What was done and its
//! outcome are put on record in one transaction, before the request is answered 202: whatever becomes of the server, what
//! was accepted is done, and told exactly once.

use serde_json::json;

use crate::db::signals::{self, SignalRow};
use crate::db::{DatabaseError, Tx, WriteSet};
use crate::ids;
use crate::model::{Answering, Caller, ResourceId, Version};
use crate::scim::bulk::{self, Bulk, Outcome};
use crate::service::{ServiceError, Services};
use crate::signals::EventType;

/// What a request has done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Where resources of this kind are: `/Users`.
    pub endpoint: &'static str,
    /// Which resource.
    pub id: ResourceId,
    /// The status a request that is answered at once would have.
    pub status: u16,
    /// The version of the resource from now on, where it is known before it is written.
    pub version: Option<Version>,
}

/// Whether some receiver hears the outcome of requests.
///
/// # Errors
/// [`ServiceError`].
pub fn outcomes_are_heard(services: &Services, caller: &Caller) -> Result<bool, ServiceError> {
    let receivers = services.live.read(|tx| services.live.receivers(tx, caller.organization))?;
    Ok(receivers.iter().any(|receiver| receiver.wants(EventType::AsynchronousResponse)))
}

/// Adds to `set` the outcome of the caller's request, where it is told.
///
/// # Errors
/// [`DatabaseError`].
pub fn queue_outcome(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    set: &mut WriteSet,
    done: Done,
) -> Result<(), DatabaseError> {
    if let Some(answering) = &caller.answering {
        let uri = format!("{}/{}", done.endpoint, done.id);
        let outcome = Outcome {
            status: answering.status.unwrap_or(done.status),
            location: Some(format!("{}{uri}", services.scim_base())),
            version: done.version.map(|version| version.entity_tag(done.id)),
            error: None,
        };
        set.signals.extend(rows(services, tx, caller, answering, (&uri, done.id), &outcome)?);
    }
    Ok(())
}

/// Tells the outcome of a request that found everything as it wanted it: `done` is nothing for one that wrote.
///
/// # Errors
/// [`ServiceError`].
pub fn tell_unchanged(services: &Services, caller: &Caller, done: Option<Done>) -> Result<(), ServiceError> {
    let (Some(done), Some(_)) = (done, &caller.answering) else { return Ok(()) };
    services.live.record::<_, ServiceError>(|tx| {
        let mut set = WriteSet::new(caller.organization);
        queue_outcome(services, tx, caller, &mut set, done)?;
        Ok(signals::add(tx, caller.organization, &set.signals)?)
    })
}

/// Tells of the operations of a bulk request that were not carried out, each by itself (RFC 9967 §2.5.1.2). They have
/// changed nothing.
///
/// # Errors
/// [`ServiceError`].
pub fn tell_failures(
    services: &Services,
    caller: &Caller,
    request: &Bulk,
    outcomes: &[Option<Outcome>],
) -> Result<(), ServiceError> {
    if caller.answering.is_none() {
        return Ok(());
    }
    let base = services.scim_base();
    services.live.record::<_, ServiceError>(|tx| {
        let mut all = Vec::new();
        for (index, (entry, outcome)) in request.entries.iter().zip(outcomes).enumerate() {
            let untried = bulk::untried();
            let outcome = outcome.as_ref().unwrap_or(&untried);
            if outcome.error.is_none() {
                continue;
            }
            let uri = outcome.location.as_deref().and_then(|location| location.strip_prefix(&base));
            let uri = uri.map_or_else(|| entry.path(), str::to_owned);
            let id = uri.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(ResourceId::FIRST);
            let answering = Answering::to_operation(index, entry.method.clone(), entry.bulk_id.clone());
            all.extend(rows(services, tx, caller, &answering, (&uri, id), outcome)?);
        }
        Ok(signals::add(tx, caller.organization, &all)?)
    })
}

fn rows(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    answering: &Answering,
    (uri, subject): (&str, ResourceId),
    outcome: &Outcome,
) -> Result<Vec<SignalRow>, DatabaseError> {
    let event = EventType::AsynchronousResponse;
    let result = bulk::result(&answering.method, answering.bulk_id.as_deref(), outcome);
    let mut content = json!({ "sub_id": { "format": "scim", "uri": uri }, "event": result });
    if let (Some(index), Some(members)) = (answering.operation, content.as_object_mut()) {
        members.insert("txn".to_owned(), format!("{}:{index}", caller.request).into());
    }
    let (content, now) = (content.to_string(), services.clock.now());
    let receivers = services.live.receivers(tx, caller.organization)?;
    let heard = receivers.iter().filter(|receiver| receiver.wants(event));
    let row = |id: ResourceId| SignalRow {
        receiver: id,
        id: ids::resource(now),
        subject,
        request: caller.request,
        event: event.uri(),
        content: content.clone(),
        created_at: now,
    };
    Ok(heard.map(|receiver| row(receiver.id)).collect())
}
