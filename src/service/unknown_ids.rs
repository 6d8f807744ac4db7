//! What callers named that their organization has not: put on record there and, where it is another's, with that one too.
//!
//! Neither learns anything of the other. The caller's organization is told the same of what is another's as of what never
//! was; the other is told that something of its own was named from outside, and not by whom. Both stand together in the
//! log of the server alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::db::{DatabaseError, WriteSet, organizations, owners};
use crate::ids;
use crate::live::{Cause, Decision, Live, Named};
use crate::model::{Actor, OrganizationId, ResourceId};

use super::ServiceError;

/// Puts on record what was noted since the last time. Blocks.
///
/// # Errors
/// [`ServiceError`]; what could not be put on record is not tried again.
pub fn record(live: &Live, clock: &Clock) -> Result<(), ServiceError> {
    let noted = live.take_unknown();
    if noted.callers.is_empty() && noted.entered.is_empty() {
        return Ok(());
    }
    let all = live.read(organizations::list)?;
    let known: Vec<OrganizationId> = all.iter().map(|organization| organization.id).collect();
    let mut from_outside: BTreeMap<(OrganizationId, ResourceId), u64> = BTreeMap::new();
    for (slug, times) in noted.entered {
        if let Some(entered) = all.iter().find(|organization| organization.slug == slug) {
            from_outside.insert((entered.id, entered.id.into()), times);
        }
    }
    let mut lines = Vec::new();
    for mut named in noted.callers {
        let theirs = others(live, &known, &mut named)?;
        for owned in &theirs {
            tracing::warn!(
                organization = %named.organization, owner = %owned.0, id = %owned.1, request.id = %named.request,
                "a caller named what is another organization's"
            );
            let times = from_outside.entry(*owned).or_default();
            *times = times.saturating_add(1);
        }
        if named.ids.is_empty() && named.entered == 0 {
            continue;
        }
        let cause = Cause { organization: named.organization, actor: named.actor, request: named.request };
        let caller = match named.actor {
            Actor::Connection(_, credential) | Actor::Credential(credential) => credential.into(),
            Actor::Account(account) => account.into(),
            Actor::CommandLine | Actor::Server => named.organization.into(),
        };
        let ids: Vec<String> = named.ids.iter().map(ToString::to_string).collect();
        lines.push((cause, "caller.named-unknown", caller, json!({ "ids": ids, "times": named.times })));
    }
    for ((organization, id), times) in from_outside {
        let cause = Cause { organization, actor: Actor::Server, request: ids::request(clock.now()) };
        lines.push((cause, "caller.from-outside", id, json!({ "times": times })));
    }
    lines.iter().try_for_each(|line| put(live, clock, line))
}

/// Leaves of what was named what is nothing of the caller's organization; answers what of that is whose.
fn others(
    live: &Live,
    known: &[OrganizationId],
    named: &mut Named,
) -> Result<Vec<(OrganizationId, ResourceId)>, DatabaseError> {
    let mut theirs = Vec::new();
    for id in std::mem::take(&mut named.ids) {
        let owners = live.read(|tx| owners::of(tx, known, id))?;
        if owners.contains(&named.organization) {
            continue;
        }
        named.ids.insert(id);
        theirs.extend(owners.into_iter().map(|owner| (owner, id)));
    }
    Ok(theirs)
}

fn put(
    live: &Live,
    clock: &Clock,
    (cause, action, about, details): &(Cause, &'static str, ResourceId, Value),
) -> Result<(), ServiceError> {
    live.write(cause, |_tx| {
        let mut set = WriteSet::new(cause.organization);
        set.events.push(cause.event(clock.now(), action, *about, details));
        Ok(Decision::Write(Box::new(set), ()))
    })
}
