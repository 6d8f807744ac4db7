//! Receivers: create, list, change, pause, resume, remove, test.

use serde_json::json;
use zeroize::Zeroizing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::db::receivers::{self, StoredReceiver};
use crate::db::signals::{self, SignalRow, StoredSignal};
use crate::db::{AdministrationRow, DatabaseError, Tx, WriteSet, organizations, streams};
use crate::ids;
use crate::live::{Algorithm, Cause, Decision, Live};
use crate::model::{
    Believed, ConnectionId, CredentialId, CredentialKind, Moment, Name, OrganizationId, ResourceId, UserId, fold,
};
use crate::signals::{DefaultSubjects, EventType, Method, Receiver, Status, SubjectFormat};

use super::{Administration, AdministrationError, decisive, tokens};

/// How long the credential of a receiver that fetches is good.
const CREDENTIAL_MICROS: i64 = 365 * 86_400 * 1_000_000;
/// Receivers of an organization.
const MOST: usize = 50;
/// Characters of a secret, an audience, an issuer.
const TEXT_CHARACTERS: usize = 2_048;
/// Signals shown of one person.
const SHOWN: i64 = 1_000;

/// A receiver to be made.
#[derive(Debug, Clone)]
pub struct NewReceiver {
    /// Its name.
    pub name: Name,
    /// How it is told.
    pub method: Method,
    /// Where, unless it fetches.
    pub endpoint: Option<String>,
    /// The value of `Authorization` that pushes bear.
    pub authorization: Option<Zeroizing<String>>,
    /// What it is told; empty: that people are gone or back.
    pub events: Vec<EventType>,
    /// How it knows people.
    pub subject_format: SubjectFormat,
    /// Whose subjects it knows people by.
    pub subject_issuer: Option<String>,
    /// The `aud` of its tokens; its address or its id if not said.
    pub audience: Option<String>,
    /// How its tokens are signed.
    pub algorithm: Algorithm,
    /// Whom it is told about.
    pub subjects: DefaultSubjects,
    /// The credential that manages it over SSF.
    pub credential: Option<CredentialId>,
}

/// What is to be different about a receiver; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ReceiverChange {
    /// Another name, which nobody else has: what receivers call their streams ends with digits that make it so.
    pub name: Option<Name>,
    /// Another address. What it is sent with must be given again: it must not go where nobody meant it to go.
    pub endpoint: Option<String>,
    /// What it is sent with.
    pub authorization: Option<Zeroizing<String>>,
    /// What it is told.
    pub events: Option<Vec<EventType>>,
    /// Whether it is told, and why not.
    pub status: Option<(Status, Option<String>)>,
    /// Whether the receiver itself asks for this: then it need not be told of it.
    pub by_receiver: bool,
}

fn unfitting<T>(message: &str) -> Result<T, AdministrationError> {
    Err(AdministrationError::Unfitting(message.to_owned()))
}

fn bounded(what: &str, text: Option<&str>) -> Result<(), AdministrationError> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > TEXT_CHARACTERS || text.contains(char::is_control) => {
            let message = format!("`{what}` must hold 1 to {TEXT_CHARACTERS} characters and no line breaks");
            Err(AdministrationError::Unfitting(message))
        }
        _ => Ok(()),
    }
}

impl Administration {
    /// Creates a receiver; with the key of its webhooks, or the token it fetches with, which is shown this once. When this
    /// returns, whatever happens is kept for it, whichever server it happens on.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another has the name, [`AdministrationError::Unfitting`].
    pub fn create_receiver(
        &self,
        organization: OrganizationId,
        wanted: &NewReceiver,
    ) -> Result<(Receiver, Option<Zeroizing<String>>), AdministrationError> {
        self.check(wanted)?;
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two from taking one name at once.
            let seen = organizations::revision(tx, organization)?;
            let others = receivers::list(tx, organization)?;
            let key = fold(wanted.name.as_str());
            if others.iter().any(|other| fold(&other.receiver.name) == key) {
                let message = format!("a receiver `{}` exists already in the organization", wanted.name);
                return Err(AdministrationError::Taken(message));
            }
            if others.len() >= MOST {
                return unfitting("the organization has 50 receivers; remove one that is not needed");
            }
            let now = self.clock.now();
            let id = ids::resource(now);
            let mut set = decisive(organization, Vec::new());
            set.only_at = seen;
            // Every server must know it before this is answered.
            set.takes_access = true;
            let (mut kept, mut shown, mut credential) = (wanted.authorization.clone(), None, wanted.credential);
            if wanted.method == Method::Webhook {
                let made = Zeroizing::new(format!("whsec_{}", STANDARD.encode(ids::random::<32>()?)));
                (kept, shown) = (Some(made.clone()), Some(made));
            } else if wanted.method == Method::Poll && credential.is_none() {
                let new = (CredentialKind::Receiver, ConnectionId::NOBODY, CREDENTIAL_MICROS);
                let (made, token) = tokens::add(&mut set, &cause, now, new, Believed::default())?;
                (credential, shown) = (Some(made), Some(token));
            }
            let secret = match &kept {
                Some(kept) => Some(self.live.seal_secret(tx, organization, id, kept)?),
                None => None,
            };
            let audience = wanted.audience.clone().or_else(|| wanted.endpoint.clone());
            let receiver = Receiver {
                organization,
                id,
                name: wanted.name.to_string(),
                method: wanted.method,
                endpoint: wanted.endpoint.clone(),
                secret,
                events: if wanted.events.is_empty() { EventType::USUAL.to_vec() } else { wanted.events.clone() },
                subject_format: wanted.subject_format,
                subject_issuer: wanted.subject_issuer.clone(),
                subjects: wanted.subjects,
                chosen: false,
                audience: audience.unwrap_or_else(|| id.to_string()),
                algorithm: wanted.algorithm.as_str().to_owned(),
                credential,
                status: Status::Enabled,
                reason: None,
                notice: None,
                version: 1,
                created_at: now,
            };
            let details = json!({ "name": receiver.name, "method": receiver.method.as_str() });
            set.events.push(cause.event(now, "receiver.created", id, &details));
            set.administration.push(AdministrationRow::Receiver(Box::new(receiver.clone())));
            Ok(Decision::Write(Box::new(set), (receiver, shown)))
        })
    }

    fn check(&self, wanted: &NewReceiver) -> Result<(), AdministrationError> {
        match (wanted.method, &wanted.endpoint) {
            (Method::Poll, Some(_)) => return unfitting("a receiver that fetches has no address; leave it out"),
            (Method::Push | Method::Webhook, None) => return unfitting("a receiver that is sent to needs an address"),
            (_, Some(endpoint)) => self.permit(endpoint)?,
            (_, None) => {}
        }
        if wanted.authorization.is_some() && wanted.method != Method::Push {
            return unfitting("only pushes bear an authorization of the receiver's");
        }
        bounded("authorization", wanted.authorization.as_ref().map(|text| text.as_str()))?;
        bounded("audience", wanted.audience.as_deref())?;
        bounded("subject_issuer", wanted.subject_issuer.as_deref())
    }

    /// Whether requests may go there.
    pub(in crate::service) fn permit(&self, endpoint: &str) -> Result<(), AdministrationError> {
        let parsed = self.live.destinations().parse(endpoint);
        parsed.map(|_url| ()).map_err(|error| AdministrationError::Unfitting(error.to_string()))
    }

    /// The receivers of an organization, oldest first, and how they fare.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn receivers(&self, organization: OrganizationId) -> Result<Vec<StoredReceiver>, AdministrationError> {
        Ok(self.live.read(|tx| receivers::list(tx, organization))?)
    }

    /// One receiver.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn receiver(
        &self,
        organization: OrganizationId,
        id: ResourceId,
    ) -> Result<StoredReceiver, AdministrationError> {
        self.live.read(|tx| found(tx, organization, id))
    }

    /// Changes a receiver; a new address needs what it is sent with again.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Unfitting`].
    pub fn change_receiver(
        &self,
        organization: OrganizationId,
        id: ResourceId,
        change: &ReceiverChange,
    ) -> Result<Receiver, AdministrationError> {
        bounded("authorization", change.authorization.as_ref().map(|text| text.as_str()))?;
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let before = found(tx, organization, id)?.receiver;
            let mut after = before.clone();
            if let Some(name) = &change.name {
                after.name = name.to_string();
            }
            if let Some(endpoint) = change.endpoint.as_ref().filter(|new| before.endpoint.as_ref() != Some(new)) {
                if before.method == Method::Poll {
                    return unfitting("a receiver that fetches has no address");
                }
                self.permit(endpoint)?;
                if before.method == Method::Webhook {
                    return unfitting(
                        "the address of a webhook stays, its key is for that address; make another receiver",
                    );
                }
                if before.secret.is_some() && change.authorization.is_none() {
                    return unfitting(
                        "give the authorization again: what was meant for the old address is not sent to another",
                    );
                }
                after.endpoint = Some(endpoint.clone());
            }
            if let Some(authorization) = &change.authorization {
                if before.method != Method::Push {
                    return unfitting("only pushes bear an authorization of the receiver's");
                }
                after.secret = Some(self.live.seal_secret(tx, organization, id, authorization)?);
            }
            if let Some(events) = &change.events {
                after.events.clone_from(events);
            }
            if let Some((status, reason)) = &change.status {
                after.status = *status;
                after.reason.clone_from(reason);
            }
            if after == before {
                return Ok(Decision::Unchanged(before));
            }
            after.version = before.version.saturating_add(1);
            let now = self.clock.now();
            let mut set = decisive(organization, Vec::new());
            set.takes_access = true;
            after.notice = None;
            if before.status != after.status && !change.by_receiver {
                let notice = about_stream(&cause, id, EventType::StreamUpdated, &status_of(&after), now);
                after.notice = Some(notice.id).filter(|_| after.status != Status::Enabled);
                set.signals.push(notice);
            }
            set.administration.push(AdministrationRow::ReplaceReceiver(Box::new(after.clone())));
            if after.status == Status::Disabled {
                let but = after.notice.unwrap_or(ResourceId::FIRST);
                set.administration.push(AdministrationRow::DropSignals { receiver: id, but, at: now });
            }
            let action = match (before.status == after.status, after.status) {
                (false, Status::Enabled) => "receiver.resumed",
                (false, Status::Paused) => "receiver.paused",
                (false, Status::Disabled) => "receiver.disabled",
                (true, _) => "receiver.changed",
            };
            set.events.push(cause.event(now, action, id, &json!({ "name": after.name, "why": after.reason })));
            Ok(Decision::Write(Box::new(set), after))
        })
    }

    /// Removes a receiver: it is told nothing any more. What it has acknowledged stays on record.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn remove_receiver(&self, organization: OrganizationId, id: ResourceId) -> Result<(), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let receiver = found(tx, organization, id)?.receiver;
            let now = self.clock.now();
            let row = AdministrationRow::RemoveReceiver { id, version: receiver.version, at: now };
            let rest = AdministrationRow::DropSignals { receiver: id, but: ResourceId::FIRST, at: now };
            let mut set = decisive(organization, vec![row, rest]);
            set.takes_access = true;
            set.events.push(cause.event(now, "receiver.removed", id, &json!({ "name": receiver.name })));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Tells a receiver that its stream works (SSF 1.0 §8.1.4); `state` comes back to it unchanged.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Unfitting`].
    pub fn test_receiver(
        &self,
        organization: OrganizationId,
        id: ResourceId,
        state: Option<&str>,
    ) -> Result<(), AdministrationError> {
        bounded("state", state)?;
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let receiver = found(tx, organization, id)?.receiver;
            let now = self.clock.now();
            let event = state.map_or_else(|| json!({}), |state| json!({ "state": state }));
            let mut set = WriteSet::new(organization);
            set.signals.push(about_stream(&cause, id, EventType::Verification, &event, now));
            set.events.push(cause.event(now, "receiver.tested", id, &json!({ "name": receiver.name })));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// What receivers were told of a person, the latest first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn signals_of(
        &self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Vec<StoredSignal>, AdministrationError> {
        Ok(self.live.read(|tx| signals::of_subject(tx, organization, user.into(), SHOWN))?)
    }
}

/// How many receivers of the deployment are in which state: `enabled`, `failing`, `paused`, `disabled`.
///
/// # Errors
/// [`DatabaseError`].
pub fn receivers_by_state(live: &Live) -> Result<[(&'static str, i64); 4], DatabaseError> {
    live.read(streams::everywhere)
}

/// What a `stream-updated` event says (SSF 1.0 §8.1.5).
fn status_of(receiver: &Receiver) -> serde_json::Value {
    match &receiver.reason {
        Some(reason) => json!({ "status": receiver.status.as_str(), "reason": reason }),
        None => json!({ "status": receiver.status.as_str() }),
    }
}

fn about_stream(
    cause: &Cause,
    id: ResourceId,
    event: EventType,
    content: &serde_json::Value,
    now: Moment,
) -> SignalRow {
    SignalRow {
        receiver: id,
        id: ids::resource(now),
        subject: id,
        request: cause.request,
        event: event.uri(),
        content: json!({ "sub_id": { "format": "opaque", "id": id.to_string() }, "event": content }).to_string(),
        created_at: now,
    }
}

fn found(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> Result<StoredReceiver, AdministrationError> {
    receivers::by_id(tx, organization, id)?
        .ok_or_else(|| AdministrationError::NotFound(format!("the organization has no receiver of id `{id}`")))
}
