//! What administrators are told: what is so now is looked for by the clock; each cause is told once when it begins and once
//! when it is over, to whoever asked to be told of its kind.

mod conditions;
mod outbox;
mod subscriptions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::db::notifications::{self, Notice, Notification, NotificationRow, StoredSubscription};
use crate::db::{AdministrationRow, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Actor, Condition, Moment, NoticeKind, OrganizationId};

use super::{ServiceError, Services};

pub use crate::db::notifications::{Notice as StandingNotice, Target};
pub use outbox::{Dispatch, Message, claim, failed, sent, to_nobody};
pub use subscriptions::{NewSubscription, Shown, SubscriptionChoice};

/// What is different about the notices of an organization.
#[derive(Default)]
struct Difference {
    begins: Vec<Condition>,
    ends: Vec<Notice>,
}

/// Looks at every organization in which somebody wants to be told something. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn look(services: &Services, mut goes_on: impl FnMut() -> bool) -> Result<(), ServiceError> {
    let administration = services.administration_by_server();
    for organization in administration.organizations()? {
        if !goes_on() {
            return Ok(());
        }
        look_at(services, organization.id)?;
    }
    Ok(())
}

fn look_at(services: &Services, organization: OrganizationId) -> Result<(), ServiceError> {
    let (subscriptions, standing) = services.live.read::<_, ServiceError>(|tx| {
        Ok((notifications::list(tx, organization)?, notifications::standing(tx, organization)?))
    })?;
    if subscriptions.is_empty() && standing.is_empty() {
        return Ok(());
    }
    let wanted: BTreeSet<NoticeKind> =
        subscriptions.iter().flat_map(|stored| stored.subscription.kinds.iter().copied()).collect();
    let now = services.clock.now();
    let found = conditions::find(services, organization, &wanted, now);
    if different(&standing, &wanted, &found).is_nothing() {
        return Ok(());
    }
    let cause = Cause { organization, actor: Actor::Server, request: ids::request(now) };
    services.live.write(&cause, |tx| {
        // Again: another server may have been faster.
        let subscriptions = notifications::list(tx, organization)?;
        let difference = different(&notifications::standing(tx, organization)?, &wanted, &found);
        if difference.is_nothing() {
            return Ok(Decision::Unchanged(()));
        }
        Ok::<_, ServiceError>(Decision::Write(Box::new(tell(&cause, &subscriptions, difference, now)), ()))
    })
}

/// What begins and what is over. Kinds that could not be looked at are left alone, those nobody wants to be told of end.
fn different(
    standing: &[Notice],
    wanted: &BTreeSet<NoticeKind>,
    found: &BTreeMap<NoticeKind, Vec<Condition>>,
) -> Difference {
    let mut difference = Difference::default();
    let known: BTreeSet<(NoticeKind, &str)> =
        standing.iter().map(|notice| (notice.kind, notice.cause.as_str())).collect();
    let begins = found.values().flatten().filter(|one| !known.contains(&(one.kind, one.cause.as_str())));
    difference.begins.extend(begins.cloned());
    let is_over = |notice: &&Notice| match found.get(&notice.kind) {
        Some(conditions) => !conditions.iter().any(|one| one.cause == notice.cause),
        None => !wanted.contains(&notice.kind),
    };
    difference.ends.extend(standing.iter().filter(is_over).cloned());
    difference
}

impl Difference {
    const fn is_nothing(&self) -> bool {
        self.begins.is_empty() && self.ends.is_empty()
    }
}

/// The rows, and what each subscriber is to be told.
fn tell(cause: &Cause, subscriptions: &[StoredSubscription], difference: Difference, now: Moment) -> WriteSet {
    let mut set = WriteSet::new(cause.organization);
    let mut rows = Vec::new();
    for Condition { kind, cause: of, said } in difference.begins {
        let notice = Notice { id: ids::resource(now), kind, cause: of, said, began_at: now };
        let details = json!({ "kind": kind.as_str(), "cause": notice.cause });
        set.events.push(cause.event(now, "notice.began", notice.id, &details));
        rows.extend(told(subscriptions, kind, "began", &notice.said, now));
        rows.push(NotificationRow::Begins(notice));
    }
    for notice in difference.ends {
        let details = json!({ "kind": notice.kind.as_str(), "cause": notice.cause });
        set.events.push(cause.event(now, "notice.ended", notice.id, &details));
        if notice.kind != NoticeKind::TokenExpiring {
            rows.extend(told(subscriptions, notice.kind, "ended", &notice.said, now));
        }
        rows.push(NotificationRow::Ends(notice.id, now));
    }
    set.administration.extend(rows.into_iter().map(AdministrationRow::Notification));
    set
}

fn told<'a>(
    subscriptions: &'a [StoredSubscription],
    kind: NoticeKind,
    state: &'a str,
    said: &'a str,
    now: Moment,
) -> impl Iterator<Item = NotificationRow> + 'a {
    let whom = subscriptions.iter().map(|stored| &stored.subscription);
    whom.filter(move |subscription| subscription.kinds.contains(&kind))
        .map(move |subscription| NotificationRow::Tells(subscription.id, notification(kind.as_str(), state, said, now)))
}

fn notification(kind: &str, state: &str, said: &str, now: Moment) -> Notification {
    let (kind, state, said) = (kind.to_owned(), state.to_owned(), said.to_owned());
    Notification { id: ids::resource(now), kind, state, said, created_at: now }
}

/// The notices of an organization that stand, oldest first.
///
/// # Errors
/// [`ServiceError`].
pub fn standing(services: &Services, organization: OrganizationId) -> Result<Vec<StandingNotice>, ServiceError> {
    let read = |tx: &mut Tx<'_>| Ok::<_, ServiceError>(notifications::standing(tx, organization)?);
    let mut all = services.live.read(read)?;
    all.sort_unstable_by_key(|notice| notice.id);
    Ok(all)
}
