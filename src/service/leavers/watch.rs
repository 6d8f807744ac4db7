//! The still-gone watch: everybody who ever left is looked at again, every day and whenever somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::access::decide::Rules;
use crate::clock::Clock;
use crate::db::access::principals::{self, LookUp};
use crate::db::access::{people, services};
use crate::db::events::EventRow;
use crate::db::findings::{self, FindingRow};
use crate::db::users::{self, Status, StoredUser};
use crate::db::{AdministrationRow, Tx, WriteSet, brakes, leavers, organizations};
use crate::ids;
use crate::live::{Cause, Decision, Live};
use crate::model::{Actor, Caller, Moment, OrganizationId, ResourceId, ServiceId, UserId};
use crate::scim::ScimError;
use crate::service::provisioning::users::UserKeys;
use crate::service::{ServiceError, Services, reconciliation, signals};

use super::certificate;

pub use crate::db::findings::{Finding, FindingKind};

/// How long after the last look the next is due: a day.
const EVERY_MICROS: i64 = 86_400 * 1_000_000;
/// Leavers looked at together.
const BATCH: i64 = 500;
/// Findings written in one transaction.
const TOGETHER: usize = 100;

/// What a look at all leavers came to.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// How many people have ever left.
    pub leavers: usize,
    /// What stands, acknowledged or not.
    pub standing: Vec<Finding>,
    /// How much of that is new.
    pub found: usize,
    /// How much stood before and does not any more.
    pub ended: usize,
}

/// What makes two findings the same.
type Key = (UserId, FindingKind, ResourceId);

/// Looks at the leavers of every organization that is due, one server each.
///
/// # Errors
/// [`ServiceError`].
pub fn look_daily(live: &Live, clock: &Clock, mut goes_on: impl FnMut() -> bool) -> Result<(), ServiceError> {
    for organization in live.read::<_, ServiceError>(|tx| Ok(organizations::list(tx)?))? {
        if !goes_on() {
            return Ok(());
        }
        let now = clock.now();
        let is_due = |last: Moment| last.plus_micros(EVERY_MICROS) <= now;
        let last = live.read::<_, ServiceError>(|tx| Ok(findings::watched(tx, organization.id)?))?;
        if last.is_none_or(is_due) {
            watch(live, clock, &cause(organization.id, now))?;
        }
    }
    Ok(())
}

fn cause(organization: OrganizationId, now: Moment) -> Cause {
    Cause { organization, actor: Actor::Server, request: ids::request(now) }
}

/// Looks at the organization's leavers now. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn look(services: &Services, caller: &Caller) -> Result<Watched, ServiceError> {
    watch(&services.live, &services.clock, &Cause::from(caller))
}

/// The findings that stand after `after`, at most `limit`.
///
/// # Errors
/// [`ServiceError`].
pub fn standing(
    services: &Services,
    caller: &Caller,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<Finding>, ServiceError> {
    services.live.read(|tx| Ok(findings::standing(tx, caller.organization, after, limit)?))
}

/// Says that a finding is known. It is told no more, and found anew only when it has ended and begins again.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn acknowledge(services: &Services, caller: &Caller, id: ResourceId) -> Result<Finding, ServiceError> {
    let cause = Cause::from(caller);
    services.live.write(&cause, |tx| {
        let missing = || ScimError::NotFound("the organization has no such finding".to_owned());
        let mut finding = findings::by_id(tx, caller.organization, id)?.ok_or_else(missing)?;
        if finding.acknowledged_at.is_some() {
            return Ok(Decision::Unchanged(finding));
        }
        let now = services.clock.now();
        finding.acknowledged_at = Some(now);
        let event = told(&cause, now, "finding.acknowledged", &finding);
        let set = write(caller.organization, vec![FindingRow::Acknowledged(id, now)], vec![event]);
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), finding))
    })
}

/// How many findings of the deployment stand that nobody has acknowledged, by [`FindingKind::as_str`].
///
/// # Errors
/// [`ServiceError`].
pub fn counts(live: &Live) -> Result<BTreeMap<&'static str, i64>, ServiceError> {
    let counted = live.read::<_, ServiceError>(|tx| Ok(findings::everywhere(tx)?))?;
    Ok(counted.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect())
}

fn watch(live: &Live, clock: &Clock, cause: &Cause) -> Result<Watched, ServiceError> {
    let organization = cause.organization;
    let now = clock.now();
    // Read first: what ends meanwhile is at worst found to have ended tomorrow.
    let mut before = all_standing(live, organization)?;
    let (leavers, mut seen) = look_at_all(live, organization, now)?;
    accounts_left(live, organization, &mut seen)?;
    let mut watched = Watched { leavers, ..Watched::default() };
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    for ((leaver, kind, other), details) in seen {
        if let Some(stood) = before.remove(&(leaver, kind, other)) {
            watched.standing.push(stood);
            continue;
        }
        let (id, details) = (ids::resource(now), details.to_string());
        let finding =
            Finding { id, leaver, kind, other, details, found_at: now, acknowledged_at: None, ended_at: None };
        events.push(told(cause, now, "leaver.found", &finding));
        rows.push(FindingRow::Found(finding.clone()));
        watched.standing.push(finding);
        watched.found = watched.found.saturating_add(1);
    }
    for finding in before.into_values() {
        events.push(told(cause, now, "finding.ended", &finding));
        rows.push(FindingRow::Ended(finding.id, now));
        watched.ended = watched.ended.saturating_add(1);
    }
    if watched.found > 0 {
        tracing::error!(
            organization = %organization, findings = watched.found,
            "leavers were found to be back, or something of theirs to be left; `muster watch` shows it"
        );
    }
    let (mut rows, mut events) = (rows.into_iter(), events.into_iter());
    loop {
        let chunk: Vec<FindingRow> = rows.by_ref().take(TOGETHER).collect();
        if chunk.is_empty() {
            break;
        }
        let set = write(organization, chunk.clone(), events.by_ref().take(TOGETHER).collect());
        live.write(cause, |tx| {
            let mut set = set.clone();
            for row in &chunk {
                if let FindingRow::Found(found) = row {
                    let details = json!({ "id": found.id.to_string(), "kind": found.kind.as_str(),
                        "other": found.other.to_string() });
                    signals::queue_found(live, tx, cause, &mut set, (found.leaver, &details))?;
                }
            }
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
        })?;
    }
    let leavers = i64::try_from(leavers).unwrap_or(i64::MAX);
    live.write(cause, |tx| {
        let before = findings::watched(tx, organization)?;
        let row = FindingRow::Watched { began_at: now, leavers, before };
        let event = cause.event(now, "leavers.watched", organization.into(), &json!({ "leavers": leavers }));
        Ok::<_, ServiceError>(Decision::Write(Box::new(write(organization, vec![row], vec![event])), ()))
    })?;
    Ok(watched)
}

fn all_standing(live: &Live, organization: OrganizationId) -> Result<BTreeMap<Key, Finding>, ServiceError> {
    let (mut standing, mut after) = (BTreeMap::new(), ResourceId::FIRST);
    loop {
        let page = live.read::<_, ServiceError>(|tx| Ok(findings::standing(tx, organization, after, BATCH)?))?;
        let Some(last) = page.last() else { return Ok(standing) };
        after = last.id;
        standing.extend(page.into_iter().map(|finding| ((finding.leaver, finding.kind, finding.other), finding)));
    }
}

/// How many leavers there are, and what is found of them.
fn look_at_all(
    live: &Live,
    organization: OrganizationId,
    now: Moment,
) -> Result<(usize, BTreeMap<Key, Value>), ServiceError> {
    let (mut count, mut seen, mut after) = (0_usize, BTreeMap::new(), UserId::from(ResourceId::FIRST));
    loop {
        let batch = live.read::<_, ServiceError>(|tx| Ok(leavers::people_after(tx, organization, after, BATCH)?))?;
        let Some(last) = batch.last() else { return Ok((count, seen)) };
        after = *last;
        count = count.saturating_add(batch.len());
        let gone = live.read(|tx| {
            let mut gone: Vec<(UserId, Vec<ServiceId>)> = Vec::new();
            for person in people::by_ids(tx, organization, batch.iter().copied())? {
                if person.status == Status::Active {
                    if !was_restored(tx, organization, person.id)? {
                        seen.insert(itself(person.id, FindingKind::Reactivated), json!({}));
                    }
                    continue;
                }
                let owned = services::of_owner(tx, organization, person.id)?;
                gone.push((person.id, owned.iter().map(|row| row.service.id).collect()));
                if let Some((user, deleted_at)) = users::even_deleted(tx, organization, person.id)? {
                    namesakes(tx, organization, &user, deleted_at.is_some(), &mut seen)?;
                }
            }
            Ok::<_, ServiceError>(gone)
        })?;
        live.judge(organization, |rules, _revision| judge(rules, &gone, now, &mut seen))?;
    }
}

/// A finding that somebody who is gone still has an account in a downstream system.
pub(in crate::service) fn left_downstream(leaver: UserId, system: ResourceId, now: Moment) -> Finding {
    let (id, kind) = (ids::resource(now), FindingKind::LeftDownstream);
    let details = json!({}).to_string();
    Finding { id, leaver, kind, other: system, details, found_at: now, acknowledged_at: None, ended_at: None }
}

/// Whether somebody is gone who had an account in a downstream system when that was last looked at.
fn accounts_left(
    live: &Live,
    organization: OrganizationId,
    seen: &mut BTreeMap<Key, Value>,
) -> Result<(), ServiceError> {
    let latest = live.read::<_, ServiceError>(|tx| Ok(reconciliation::latest(tx, organization)?))?;
    for (system, compared) in latest {
        let users: BTreeSet<UserId> =
            compared.report.leavers.iter().filter_map(|owned| owned.user.parse().ok()).collect();
        let gone = live.read::<_, ServiceError>(|tx| Ok(people::by_ids(tx, organization, users)?))?;
        for person in gone.into_iter().filter(|person| person.status != Status::Active) {
            seen.insert((person.id, FindingKind::LeftDownstream, system.id), json!({}));
        }
    }
    Ok(())
}

fn itself(leaver: UserId, kind: FindingKind) -> Key {
    (leaver, kind, leaver.into())
}

/// Whether somebody is back because the departure was a mistake.
fn was_restored(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<bool, ServiceError> {
    let Some(last) = leavers::of_user(tx, organization, user)?.pop() else { return Ok(false) };
    let quarantine = brakes::last(tx, organization, last.connection)?;
    Ok(quarantine.is_some_and(|quarantine| {
        quarantine.closed.is_some_and(|(at, outcome)| outcome == brakes::Outcome::Restored && last.at <= at)
            && last.event >= quarantine.from
    }))
}

/// Others who bear what the leaver bore.
fn namesakes(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    leaver: &StoredUser,
    is_deleted: bool,
    seen: &mut BTreeMap<Key, Value>,
) -> Result<(), ServiceError> {
    let document: Map<String, Value> = serde_json::from_str(&leaver.document).unwrap_or_default();
    let keys = UserKeys::of(&document);
    let others = |tx: &mut Tx<'_>, by: LookUp, key: &str| -> Result<BTreeSet<UserId>, ServiceError> {
        let found = principals::users(tx, organization, by, key)?;
        Ok(found.into_iter().filter(|other| *other != leaver.id).collect())
    };
    let by_name = others(tx, LookUp::UserName, &keys.user_name_key)?;
    let by_external_id = match &keys.external_id {
        Some(external_id) => others(tx, LookUp::ExternalId, external_id)?,
        None => BTreeSet::new(),
    };
    let mut by_address = BTreeSet::new();
    for address in &keys.emails {
        by_address.extend(others(tx, LookUp::Email, address)?);
    }
    let all: BTreeSet<UserId> = by_name.iter().chain(&by_external_id).chain(&by_address).copied().collect();
    for other in all {
        let alike = [&by_name, &by_external_id, &by_address].iter().filter(|found| found.contains(&other)).count();
        let kind = if alike > 1 && is_deleted {
            FindingKind::ReAdded
        } else if by_name.contains(&other) || by_external_id.contains(&other) {
            FindingKind::IdentifierRecycled
        } else if users::by_id(tx, organization, other)?.is_some_and(|user| user.connection.is_nobody()) {
            FindingKind::SameAddress
        } else {
            continue;
        };
        let same = |found: &BTreeSet<UserId>| found.contains(&other);
        let details = json!({ "userName": same(&by_name), "externalId": same(&by_external_id),
            "address": same(&by_address) });
        seen.insert((leaver.id, kind, other.into()), details);
    }
    Ok(())
}

fn judge(rules: &Rules<'_>, gone: &[(UserId, Vec<ServiceId>)], now: Moment, seen: &mut BTreeMap<Key, Value>) {
    for (leaver, owned) in gone {
        let allowed = certificate::search(rules, *leaver, owned, now).1;
        if !allowed.is_empty() {
            seen.insert(itself(*leaver, FindingKind::AccessLeft), json!({ "allowed": allowed }));
        }
    }
}

pub(in crate::service) fn told(cause: &Cause, now: Moment, action: &'static str, finding: &Finding) -> EventRow {
    let details = json!({ "finding": finding.id.to_string(), "kind": finding.kind.as_str(),
        "other": finding.other.to_string() });
    cause.event(now, action, finding.leaver.into(), &details)
}

pub(in crate::service) fn write(
    organization: OrganizationId,
    rows: Vec<FindingRow>,
    events: Vec<EventRow>,
) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.administration.extend(rows.into_iter().map(AdministrationRow::Finding));
    set.events = events;
    set
}
