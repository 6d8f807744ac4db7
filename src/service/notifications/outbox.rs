//! The outbox of notifications: who is next, whether anybody is still there to be told, and what became of it.

use serde_json::json;

use crate::db::console::accounts;
use crate::db::notifications::{self, Claim, Notification, StoredSubscription, Target};
use crate::db::organizations;
use crate::model::{AccountId, Moment, OrganizationId};
use crate::service::post::Letter;
use crate::service::signals::{self, WebhookMessage};
use crate::service::{ServiceError, Services};

/// How long a subscription belongs to whoever sends to it.
const CLAIMED_FOR: i64 = 60 * 1_000_000;
/// How long the sender waits after the first failure; twice as long after each further one.
const FIRST_PAUSE: i64 = 5 * 1_000_000;
/// How long it waits at most.
const LONGEST_PAUSE: i64 = 600 * 1_000_000;
/// What has waited for longer is old news and is not sent: 3 days.
const OLD_NEWS: i64 = 3 * 86_400 * 1_000_000;
/// Subscriptions looked at for one that is free.
const CANDIDATES: i64 = 16;
/// Notifications in one mail.
const TOGETHER: i64 = 50;

/// How it is said.
pub enum Message {
    /// In one mail.
    Mail(Box<Letter>),
    /// By one webhook each, in this order, to this address.
    Webhooks(String, Vec<WebhookMessage>),
    /// To nobody: whoever asked is gone, or administers nothing any more.
    Nobody,
}

/// What is to be sent to one subscriber now.
pub struct Dispatch {
    /// How.
    pub message: Message,
    notifications: Vec<Notification>,
    subscription: StoredSubscription,
    claim: Claim,
}

/// Takes a subscriber for whom something waits, if there is one. Whether it is still there to be told is looked at here, at
/// the moment of sending: people who are gone get no mail. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn claim(services: &Services) -> Result<Option<Dispatch>, ServiceError> {
    let (live, now) = (&services.live, services.clock.now());
    for (organization, subscription) in live.read(|tx| notifications::due(tx, now, CANDIDATES))? {
        let claim = Claim { organization, subscription };
        if !live.record(|tx| claim.take(tx, now, now.plus_micros(CLAIMED_FOR)))? {
            continue;
        }
        let found = live.read::<_, ServiceError>(|tx| {
            let Some(stored) = notifications::by_id(tx, organization, subscription)? else { return Ok(None) };
            Ok(Some((stored, notifications::waiting(tx, organization, subscription, TOGETHER)?)))
        })?;
        let Some((subscription, waiting)) = found else { continue };
        let (notifications, old) = waiting.into_iter().partition(|one| one.created_at.plus_micros(OLD_NEWS) > now);
        let dispatch = Dispatch { message: Message::Nobody, notifications, subscription, claim };
        finish(services, &dispatch, &old, "too old")?;
        let message = message(services, &dispatch)?;
        return Ok(Some(Dispatch { message, ..dispatch }));
    }
    Ok(None)
}

fn message(services: &Services, dispatch: &Dispatch) -> Result<Message, ServiceError> {
    let organization = dispatch.claim.organization;
    let found = services.live.read::<_, ServiceError>(|tx| Ok(organizations::by_id(tx, organization)?))?;
    let Some(found) = found.filter(|_| !dispatch.notifications.is_empty()) else { return Ok(Message::Nobody) };
    match &dispatch.subscription.subscription.target {
        Target::Mail(account) => Ok(match addressee(services, organization, *account)? {
            Some(to) => {
                let lines: Vec<String> = dispatch.notifications.iter().map(line).collect();
                let link = format!("{}/o/{}", services.public_url, found.slug);
                Message::Mail(Box::new(Letter::notification(to, &found.name, &lines, &link)))
            }
            None => Message::Nobody,
        }),
        Target::Webhook { endpoint, secret } => {
            let id = dispatch.claim.subscription;
            let opened = services.live.read(|tx| services.live.open_secret(tx, organization, id, secret))?;
            let key = opened.ok_or_else(|| ServiceError::Internal("the key of a webhook does not open".to_owned()))?;
            let signed = dispatch.notifications.iter().map(|one| {
                let body = json!({
                    "type": format!("notice.{}", one.state),
                    "timestamp": one.created_at.to_string(),
                    "data": { "organization": found.slug, "kind": one.kind, "state": one.state, "text": one.said },
                });
                signals::signed_webhook(one.id.to_string(), &key, body.to_string(), services.clock.now())
            });
            Ok(Message::Webhooks(endpoint.clone(), signed.collect::<Result<_, _>>()?))
        }
    }
}

fn line(one: &Notification) -> String {
    match one.state.as_str() {
        "ended" => format!("Over: {}", one.said),
        _ => one.said.clone(),
    }
}

/// The address of an account that still administers something here; `None` for somebody who is gone, was demoted, or has no
/// address.
fn addressee(
    services: &Services,
    organization: OrganizationId,
    account: AccountId,
) -> Result<Option<String>, ServiceError> {
    let found = services.live.read::<_, ServiceError>(|tx| {
        let belongings = accounts::belongings(tx, account)?;
        let here = belongings.into_iter().find(|belonging| belonging.organization == organization);
        Ok(accounts::by_id(tx, account)?.zip(here))
    })?;
    let Some((account, here)) = found else { return Ok(None) };
    let is_told = match here.user {
        None => true,
        Some(user) => services.rights(organization, user)?.is_some_and(|rights| rights.read()),
    };
    Ok(account.email.filter(|_| is_told))
}

fn finish(
    services: &Services,
    dispatch: &Dispatch,
    notifications: &[Notification],
    outcome: &str,
) -> Result<(), ServiceError> {
    if notifications.is_empty() {
        return Ok(());
    }
    let (organization, subscription) = (dispatch.claim.organization, dispatch.claim.subscription);
    let now = services.clock.now();
    services.live.record::<_, ServiceError>(|tx| {
        for one in notifications {
            notifications::finish(tx, organization, (subscription, one.id), now, outcome)?;
        }
        Ok(())
    })
}

/// Puts on record that the first so many were sent, and gives the subscriber back.
///
/// # Errors
/// [`ServiceError`].
pub fn sent(services: &Services, dispatch: &Dispatch, count: usize) -> Result<(), ServiceError> {
    finish(services, dispatch, dispatch.notifications.get(..count).unwrap_or(&dispatch.notifications), "sent")?;
    services.live.record(|tx| dispatch.claim.done(tx, Moment::from_micros(0), 0, None)).map_err(ServiceError::from)
}

impl Dispatch {
    /// How many notifications it holds.
    pub const fn len(&self) -> usize {
        self.notifications.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.notifications.is_empty()
    }
}

/// Puts on record that nobody is there to be told.
///
/// # Errors
/// [`ServiceError`].
pub fn to_nobody(services: &Services, dispatch: &Dispatch) -> Result<(), ServiceError> {
    finish(services, dispatch, &dispatch.notifications, "nobody")?;
    services.live.record(|tx| dispatch.claim.done(tx, Moment::from_micros(0), 0, None)).map_err(ServiceError::from)
}

/// Puts on record that the first so many were sent and the next was not, and leaves the subscriber alone for a while.
///
/// # Errors
/// [`ServiceError`].
pub fn failed(services: &Services, dispatch: &Dispatch, count: usize, why: &str) -> Result<(), ServiceError> {
    finish(services, dispatch, dispatch.notifications.get(..count).unwrap_or_default(), "sent")?;
    let before = dispatch.subscription.failures;
    let doublings = u32::try_from(before.clamp(0, 20)).unwrap_or(20);
    let pause = FIRST_PAUSE.saturating_mul(1_i64.checked_shl(doublings).unwrap_or(i64::MAX)).min(LONGEST_PAUSE);
    let next = services.clock.now().plus_micros(pause);
    tracing::warn!(subscription.id = %dispatch.claim.subscription, error = why, "a notification was not sent; tried again");
    let failures = before.saturating_add(1);
    services.live.record(|tx| dispatch.claim.done(tx, next, failures, Some(why))).map_err(ServiceError::from)
}
