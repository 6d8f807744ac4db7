//! Purges that wait: where a connection has a brake, receivers are told at once that whoever it deletes has no access any
//! more, and that the person may be purged only when the brake had time to fire and nobody is held.

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::db::brakes::{self, BrakeRow};
use crate::db::events::EventRow;
use crate::db::held_purges::{self, HeldPurge};
use crate::db::{AdministrationRow, Tx, WriteSet, users};
use crate::live::{Cause, Decision, Live};
use crate::model::{Actor, Caller, EventId, Moment, OrganizationId, ResourceId, UserId};
use crate::service::ServiceError;
use crate::service::signals::{self, Happened};

/// Purges looked at in one statement.
const BATCH: i64 = 500;

/// Whether what is deleted by this caller waits to be purged.
pub(in crate::service) fn wait(tx: &mut Tx<'_>, caller: &Caller) -> Result<bool, ServiceError> {
    if caller.connection.is_nobody() {
        return Ok(false);
    }
    Ok(brakes::of_connection(tx, caller.organization, caller.connection)?.is_some())
}

/// What receivers are told of a deletion at once.
pub(in crate::service) const fn told_at_once(waits: bool, was_active: bool) -> Option<Happened> {
    match (waits, was_active) {
        (false, was_active) => Some(Happened::Deleted { was_active }),
        (true, true) => Some(Happened::Deactivated),
        (true, false) => None,
    }
}

/// Keeps the purge of somebody who was deleted; `event` is the line of the log that says so.
pub(in crate::service) fn hold(caller: &Caller, user: UserId, event: &EventRow, set: &mut WriteSet) {
    let (connection, request) = (caller.connection, caller.request);
    let held = HeldPurge { event: event.id, user, connection, request, at: event.at };
    set.administration.push(AdministrationRow::Brake(BrakeRow::HoldPurge(held)));
}

/// Lets go of every purge of the deployment that nothing speaks against any more, while `go_on`. Call after the brakes were
/// looked at.
///
/// # Errors
/// [`ServiceError`].
pub fn let_go(live: &Live, clock: &Clock, go_on: impl Fn() -> bool) -> Result<(), ServiceError> {
    let mut after = (OrganizationId::from(ResourceId::FIRST), EventId::from(ResourceId::FIRST));
    loop {
        let now = clock.now();
        let page = live.read::<_, ServiceError>(|tx| Ok(held_purges::after(tx, after, BATCH)?))?;
        let Some((organization, last)) = page.last() else { return Ok(()) };
        after = (*organization, last.event);
        for (organization, held) in page {
            if !go_on() {
                return Ok(());
            }
            if live.read(|tx| is_due(tx, organization, held, now))? {
                tell(live, clock, organization, held)?;
            }
        }
    }
}

fn is_due(tx: &mut Tx<'_>, organization: OrganizationId, held: HeldPurge, now: Moment) -> Result<bool, ServiceError> {
    let brake = brakes::of_connection(tx, organization, held.connection)?;
    if brake.is_some_and(|brake| brake.since(now) < held.at) {
        return Ok(false);
    }
    let last = brakes::last(tx, organization, held.connection)?;
    Ok(!last.is_some_and(|last| last.closed.is_none() && held.event >= last.from))
}

fn tell(live: &Live, clock: &Clock, organization: OrganizationId, held: HeldPurge) -> Result<(), ServiceError> {
    // One cause, one transaction of signals, however late.
    let cause = Cause { organization, actor: Actor::Server, request: held.request };
    live.write(&cause, |tx| {
        // Another server may have been faster.
        if !held_purges::is_held(tx, organization, held.event)? {
            return Ok(Decision::Unchanged(()));
        }
        let mut set = WriteSet::new(organization);
        set.administration.push(AdministrationRow::Brake(BrakeRow::LetGo(held.event)));
        // Of somebody who is back there is nothing to purge.
        if let Some((user, Some(_deleted))) = users::even_deleted(tx, organization, held.user)? {
            let document: Map<String, Value> = serde_json::from_str(&user.document).unwrap_or_default();
            let happened = Happened::Deleted { was_active: false };
            signals::queue(live, tx, &cause, &mut set, held.user, (&document, &happened))?;
            let event = cause.event(clock.now(), "user.purge-told", held.user.into(), &json!({}));
            set.events.push(event);
        }
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}
