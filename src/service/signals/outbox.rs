//! The outbox: which receiver is next, and what became of what it was sent.
//!
//! One server at a time sends to a receiver, and of each person in the order of what happened. What was sent and not put
//! on record is sent again under the same `jti`; nothing that waits is lost.

use serde_json::json;

use crate::db::receivers::{self, Claim, StoredReceiver};
use crate::db::signals::{self, Attempt, Sent, StoredSignal};
use crate::db::{AdministrationRow, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision, Live};
use crate::model::Actor;
use crate::service::ServiceError;
use crate::signals::Status;

/// How long a receiver belongs to whoever sends to it: longer than a stretch may take, and so long it waits after a server
/// that was sending to it has died.
const CLAIMED_FOR: i64 = 20 * 1_000_000;
/// How many signals are sent before others have their turn.
const STRETCH: i64 = 500;
/// How long the sender waits after the first failure; twice as long after each further one.
const FIRST_PAUSE: i64 = 1_000_000;
/// How long it waits at most.
const LONGEST_PAUSE: i64 = 300 * 1_000_000;
/// A receiver that has not answered for so long is paused.
const GIVEN_UP_AFTER: i64 = 24 * 3_600 * 1_000_000;
/// Why a receiver is paused that has not answered for so long.
pub const NOT_ANSWERED: &str = "it has not answered for a day";
/// Receivers looked at for one that is free.
const CANDIDATES: i64 = 16;

/// What is to be sent to one receiver now.
#[derive(Debug)]
pub struct Delivery {
    /// To whom.
    pub receiver: StoredReceiver,
    /// Its secret.
    pub secret: Option<String>,
    /// What, in this order.
    pub signals: Vec<StoredSignal>,
    claim: Claim,
}

/// Takes the receiver that has waited longest, if there is one.
///
/// # Errors
/// [`ServiceError`].
pub fn claim(live: &Live) -> Result<Option<Delivery>, ServiceError> {
    let now = live.now();
    // Claims of one process are told apart, so that two of its threads do not take one receiver for theirs.
    let by = ids::resource(now);
    for (organization, id) in live.read(|tx| receivers::due(tx, now, CANDIDATES))? {
        let claim = Claim { organization, receiver: id, by };
        let until = now.plus_micros(CLAIMED_FOR);
        if !live.record(|tx| claim.take(tx, now, until))? {
            continue;
        }
        let found = live.read::<_, ServiceError>(|tx| {
            let Some(receiver) = receivers::by_id(tx, organization, id)? else { return Ok(None) };
            let secret = match &receiver.receiver.secret {
                Some(sealed) => live.open_secret(tx, organization, id, sealed)?,
                None => None,
            };
            let signals = match (receiver.receiver.status, receiver.receiver.notice) {
                (Status::Enabled, _) => signals::waiting(tx, organization, id, STRETCH)?,
                // It is told that it is told nothing, and nothing else.
                (_, Some(notice)) => signals::by_id(tx, organization, (id, notice))?
                    .filter(|signal| signal.finished_at.is_none())
                    .into_iter()
                    .collect(),
                (_, None) => Vec::new(),
            };
            Ok(Some(Delivery { receiver, secret, signals, claim }))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Puts on record what was sent and answered, and gives the receiver back.
///
/// # Errors
/// [`ServiceError`].
pub fn delivered(live: &Live, delivery: &Delivery, attempts: &[Attempt]) -> Result<(), ServiceError> {
    let now = live.now();
    let receiver = &delivery.receiver.receiver;
    live.record::<_, ServiceError>(|tx| {
        signals::record(tx, receiver.organization, receiver.id, attempts)?;
        Ok(delivery.claim.succeeded(tx, now, receiver.notice.as_ref())?)
    })
}

/// Puts on record what was sent, and leaves the receiver alone for a while, if it is still owed anything. One that has failed
/// for a day is paused: what happens is kept for it, and an administrator decides.
///
/// # Errors
/// [`ServiceError`].
pub fn failed(live: &Live, delivery: &Delivery, attempts: &[Attempt], why: &str) -> Result<(), ServiceError> {
    let now = live.now();
    let stored = &delivery.receiver;
    let receiver = &stored.receiver;
    // One that takes some is not dead: it is left alone for a moment, and its failures are counted anew.
    let answers = attempts.iter().any(|(_, _, sent)| *sent == Sent::Acknowledged);
    let before = if answers { 0 } else { stored.failures };
    let failures = before.saturating_add(1);
    let doublings = u32::try_from(before.clamp(0, 20)).unwrap_or(20);
    let pause = FIRST_PAUSE.saturating_mul(1_i64.checked_shl(doublings).unwrap_or(i64::MAX)).min(LONGEST_PAUSE);
    let is_owed = live.record::<_, ServiceError>(|tx| {
        signals::record(tx, receiver.organization, receiver.id, attempts)?;
        // A clock that was moved ends claims early: then another thread may have told it all that this one could not.
        let is_owed =
            receiver.notice.is_some() || !signals::waiting(tx, receiver.organization, receiver.id, 1)?.is_empty();
        if answers || !is_owed {
            delivery.claim.succeeded(tx, now, receiver.notice.as_ref())?;
        }
        if is_owed {
            delivery.claim.failed(tx, (now, now.plus_micros(pause)), failures, why)?;
        }
        Ok(is_owed)
    })?;
    if !is_owed {
        return Ok(());
    }
    tracing::warn!(receiver.id = %receiver.id, failures, error = why, "a receiver cannot be told");
    match stored.failing_since {
        Some(since) if !answers && since.plus_micros(GIVEN_UP_AFTER) <= now => give_up(live, stored),
        _ => Ok(()),
    }
}

fn give_up(live: &Live, stored: &StoredReceiver) -> Result<(), ServiceError> {
    let now = live.now();
    let (organization, id) = (stored.receiver.organization, stored.receiver.id);
    let cause = Cause { organization, actor: Actor::Server, request: ids::request(now) };
    live.write(&cause, |tx| {
        let Some(found) = receivers::by_id(tx, organization, id)? else { return Ok(Decision::Unchanged(())) };
        if found.receiver.status != Status::Enabled {
            return Ok(Decision::Unchanged(()));
        }
        let mut paused = found.receiver;
        paused.status = Status::Paused;
        paused.reason = Some(NOT_ANSWERED.to_owned());
        paused.version = paused.version.saturating_add(1);
        let mut set = WriteSet::new(organization);
        set.takes_revision = true;
        set.events.push(cause.event(now, "receiver.paused", id, &json!({ "name": paused.name, "why": paused.reason })));
        set.administration.push(AdministrationRow::ReplaceReceiver(Box::new(paused)));
        tracing::error!(receiver.id = %id, "a receiver was paused: {NOT_ANSWERED}");
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}
