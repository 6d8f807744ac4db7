//! Who is told of what.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use zeroize::Zeroizing;

use crate::db::console::accounts;
use crate::db::notifications::{self, NotificationRow, StoredSubscription, Subscription, Target};
use crate::db::{AdministrationRow, Tx, WriteSet};
use crate::ids;
use crate::live::Decision;
use crate::model::{EmailAddress, NoticeKind, OrganizationId, ResourceId, limits, write_kinds};
use crate::service::administration::{Administration, AdministrationError};

use super::notification;

type Result<T> = std::result::Result<T, AdministrationError>;

/// How somebody wants to be told.
#[derive(Debug, Clone)]
pub enum SubscriptionChoice {
    /// By mail: the address with which an administrator of the organization signs in.
    Mail(EmailAddress),
    /// By webhook to this address.
    Webhook(String),
}

/// A subscription to be made.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    /// How.
    pub choice: SubscriptionChoice,
    /// Of what.
    pub kinds: BTreeSet<NoticeKind>,
}

/// A subscription as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The subscription, and how it fares.
    pub stored: StoredSubscription,
    /// The address mail goes to, where it goes by mail and there still is one.
    pub email: Option<String>,
}

fn unfitting<T>(message: &str) -> Result<T> {
    Err(AdministrationError::Unfitting(message.to_owned()))
}

impl Administration {
    /// Somebody wants to be told; with the key of a webhook, which is shown this once.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for an address nobody of the organization signs in with,
    /// [`AdministrationError::Taken`] for one that is told already, [`AdministrationError::Unfitting`].
    pub fn subscribe(
        &self,
        organization: OrganizationId,
        wanted: &NewSubscription,
    ) -> Result<(Shown, Option<Zeroizing<String>>)> {
        if wanted.kinds.is_empty() {
            return unfitting("name at least one kind of notice");
        }
        if let SubscriptionChoice::Webhook(endpoint) = &wanted.choice {
            self.permit(endpoint)?;
        }
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let others = notifications::list(tx, organization)?;
            if others.len() >= limits::SUBSCRIPTIONS {
                return unfitting("as many are told already as may be; remove one that is not needed");
            }
            let now = self.clock.now();
            let id = ids::resource(now);
            let (target, email, key) = match &wanted.choice {
                SubscriptionChoice::Mail(address) => {
                    let account = accounts::by_email(tx, &address.key())?;
                    let account = match account {
                        Some(account) => {
                            let belongings = accounts::belongings(tx, account.id)?;
                            belongings.iter().any(|one| one.organization == organization).then_some(account)
                        }
                        None => None,
                    };
                    let Some(account) = account else {
                        let message = format!("nobody of the organization signs in with `{}`", address.as_str());
                        return Err(AdministrationError::NotFound(message));
                    };
                    if others.iter().any(|other| other.subscription.target == Target::Mail(account.id)) {
                        let message = format!("`{}` is told already; change what of", address.as_str());
                        return Err(AdministrationError::Taken(message));
                    }
                    (Target::Mail(account.id), account.email, None)
                }
                SubscriptionChoice::Webhook(endpoint) => {
                    let is_same = |target: &Target| matches!(target, Target::Webhook { endpoint: other, .. } if other == endpoint);
                    if others.iter().any(|other| is_same(&other.subscription.target)) {
                        let message = format!("`{endpoint}` is told already; change what of, or remove it for a new key");
                        return Err(AdministrationError::Taken(message));
                    }
                    let key = Zeroizing::new(format!("whsec_{}", STANDARD.encode(ids::random::<32>()?)));
                    let secret = self.live.seal_secret(tx, organization, id, &key)?;
                    (Target::Webhook { endpoint: endpoint.clone(), secret }, None, Some(key))
                }
            };
            let subscription = Subscription { id, target, kinds: wanted.kinds.clone(), created_at: now };
            let details =
                json!({ "kinds": write_kinds(&wanted.kinds), "by": if key.is_some() { "webhook" } else { "mail" } });
            let mut set = one(organization, NotificationRow::Subscribes(Box::new(subscription.clone())));
            set.events.push(cause.event(now, "subscription.created", id, &details));
            let stored = StoredSubscription { subscription, failures: 0, last_error: None };
            Ok(Decision::Write(Box::new(set), (Shown { stored, email }, key)))
        })
    }

    /// Somebody wants to be told of other kinds than until now; where the caller says what those are, only if they are.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Unfitting`], [`AdministrationError::PreconditionFailed`].
    pub fn change_subscription(
        &self,
        organization: OrganizationId,
        id: ResourceId,
        kinds: &BTreeSet<NoticeKind>,
        expected: Option<&BTreeSet<NoticeKind>>,
    ) -> Result<()> {
        if kinds.is_empty() {
            return unfitting("name at least one kind of notice, or remove the subscription");
        }
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let before = found(tx, organization, id)?.subscription.kinds;
            if before == *kinds {
                return Ok(Decision::Unchanged(()));
            }
            if expected.is_some_and(|expected| before != *expected) {
                return Err(AdministrationError::PreconditionFailed("what is told was changed meanwhile".to_owned()));
            }
            let kinds = write_kinds(kinds);
            let event = cause.event(self.clock.now(), "subscription.changed", id, &json!({ "kinds": kinds }));
            let mut set = one(organization, NotificationRow::Kinds(id, kinds));
            set.events.push(event);
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Somebody wants to be told no more.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn unsubscribe(&self, organization: OrganizationId, id: ResourceId) -> Result<()> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            found(tx, organization, id)?;
            let mut set = one(organization, NotificationRow::Unsubscribes(id));
            set.events.push(cause.event(self.clock.now(), "subscription.removed", id, &json!({})));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Tells somebody that being told works.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn test_subscription(&self, organization: OrganizationId, id: ResourceId) -> Result<()> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            found(tx, organization, id)?;
            let now = self.clock.now();
            let said = "This is a test: you are told what you asked to be told";
            let mut set = one(organization, NotificationRow::Tells(id, notification("test", "test", said, now)));
            set.events.push(cause.event(now, "subscription.tested", id, &json!({})));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// The subscriptions of an organization, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn subscriptions(&self, organization: OrganizationId) -> Result<Vec<Shown>> {
        self.live
            .read(|tx| notifications::list(tx, organization)?.into_iter().map(|stored| shown(tx, stored)).collect())
    }

    /// One subscription.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn subscription(&self, organization: OrganizationId, id: ResourceId) -> Result<Shown> {
        self.live.read(|tx| {
            let stored = found(tx, organization, id)?;
            shown(tx, stored)
        })
    }
}

fn one(organization: OrganizationId, row: NotificationRow) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.administration.push(AdministrationRow::Notification(row));
    set
}

fn shown(tx: &mut Tx<'_>, stored: StoredSubscription) -> Result<Shown> {
    let email = match &stored.subscription.target {
        Target::Mail(account) => accounts::by_id(tx, *account)?.and_then(|account| account.email),
        Target::Webhook { .. } => None,
    };
    Ok(Shown { stored, email })
}

fn found(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> Result<StoredSubscription> {
    let missing = || AdministrationError::NotFound("the organization has no such subscription".to_owned());
    notifications::by_id(tx, organization, id)?.ok_or_else(missing)
}
