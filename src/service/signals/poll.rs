//! Fetching (RFC 8936): what waits is handed out until it is acknowledged.

use crate::db::receivers;
use crate::db::signals::{self, Attempt, Sent};
use crate::model::{Caller, ResourceId};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};
use crate::signals::{Method, Receiver, Status};

use super::token::security_event_token;

/// Tokens in one answer at most.
const MOST: i64 = 100;

/// What a receiver says when it fetches.
#[derive(Debug, Clone, Default)]
pub struct Fetch {
    /// How many tokens it wants at most; 0: only acknowledges.
    pub most: Option<i64>,
    /// The `jti` of what it has.
    pub acknowledged: Vec<String>,
    /// The `jti` of what it does not want, and why.
    pub refused: Vec<(String, String)>,
}

/// What it is handed.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Tokens by their `jti`, in the order of what happened.
    pub tokens: Vec<(String, String)>,
    /// Whether more waits.
    pub more: bool,
}

/// The receiver of this id, if it is the caller's.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn stream(services: &Services, caller: &Caller, id: ResourceId) -> Result<Receiver, ServiceError> {
    let found = services.live.read(|tx| receivers::by_id(tx, caller.organization, id))?;
    found
        .map(|stored| stored.receiver)
        .filter(|receiver| receiver.credential.is_some() && receiver.credential == caller.actor.credential())
        .ok_or_else(|| ScimError::NotFound("there is no such stream".to_owned()).into())
}

/// Takes what is acknowledged and hands out what waits. Acknowledging twice, or what was never handed out, changes nothing.
///
/// # Errors
/// [`ServiceError`]; 404 unless the stream is the caller's and is fetched.
pub fn poll(
    services: &Services,
    caller: &Caller,
    id: ResourceId,
    fetch: &Fetch,
    issuer: &str,
) -> Result<Fetched, ServiceError> {
    let receiver = stream(services, caller, id)?;
    if receiver.method != Method::Poll {
        return Err(ScimError::NotFound("this stream is sent, not fetched".to_owned()).into());
    }
    let (live, organization) = (&services.live, caller.organization);
    let now = live.now();
    let mut answered: Vec<Attempt> = fetch
        .acknowledged
        .iter()
        .map(|jti| (jti, Sent::Acknowledged))
        .chain(fetch.refused.iter().map(|(jti, why)| (jti, Sent::Refused(why.clone()))))
        .filter_map(|(jti, sent)| Some((jti.parse().ok()?, (now, now), sent)))
        .collect();
    // Said of one token twice: what was said first counts.
    answered.sort_by_key(|(jti, _, _)| *jti);
    answered.dedup_by_key(|(jti, _, _)| *jti);
    if !answered.is_empty() {
        live.record(|tx| signals::record(tx, organization, id, &answered))?;
    }
    let most = fetch.most.unwrap_or(MOST).clamp(0, MOST);
    let mut waiting = match (receiver.status, receiver.notice) {
        (Status::Enabled, _) => live.read(|tx| signals::waiting(tx, organization, id, most.saturating_add(1)))?,
        // It is told that it is told nothing, and nothing else.
        (_, Some(notice)) => {
            let found = live.read(|tx| signals::by_id(tx, organization, (id, notice)))?;
            found.filter(|signal| signal.finished_at.is_none()).into_iter().collect()
        }
        (_, None) => Vec::new(),
    };
    let most = usize::try_from(most).unwrap_or_default();
    let more = waiting.len() > most;
    waiting.truncate(most);
    let keys = live.signing_keys()?;
    let mut tokens = Vec::with_capacity(waiting.len());
    for signal in &waiting {
        tokens.push((signal.id.to_string(), security_event_token(&keys, issuer, &receiver, signal, now)?));
    }
    let new: Vec<ResourceId> =
        waiting.iter().filter(|signal| signal.first_attempt_at.is_none()).map(|signal| signal.id).collect();
    if !new.is_empty() {
        live.record::<_, ServiceError>(|tx| {
            for jti in &new {
                signals::handed_out(tx, organization, (id, *jti), now)?;
            }
            Ok(())
        })?;
    }
    Ok(Fetched { tokens, more })
}
