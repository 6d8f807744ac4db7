//! What is to be told of a change to a person: one row for each receiver and event.

use serde_json::{Map, Value, json};

use crate::db::access::past;
use crate::db::signals::SignalRow;
use crate::db::{DatabaseError, Tx, WriteSet, streams};
use crate::ids;
use crate::live::{Cause, Live};
use crate::model::{Moment, RequestId, ResourceId, UserId};
use crate::signals::{DefaultSubjects, Details, EventType, Receiver, Subject, occurrence};

/// What happened to a person.
#[derive(Debug, Clone)]
pub enum Happened {
    /// Arrived; with the names of the attributes.
    Created(Vec<String>),
    /// Something was changed; whether all of it was replaced, and the names of the attributes that are different.
    Changed {
        /// By PUT.
        replaced: bool,
        /// Which.
        attributes: Vec<String>,
    },
    /// May not act any more.
    Deactivated,
    /// May act again.
    Reactivated,
    /// Gone for good; whether the person could act until then.
    Deleted {
        /// Was active.
        was_active: bool,
    },
}

impl Happened {
    fn events(&self) -> Vec<EventType> {
        match self {
            Self::Created(_) => vec![EventType::Created, EventType::CreatedFull],
            Self::Changed { replaced: true, .. } => vec![EventType::Replaced, EventType::ReplacedFull],
            Self::Changed { replaced: false, .. } => vec![EventType::Patched, EventType::PatchedFull],
            Self::Deactivated => {
                vec![EventType::SessionRevoked, EventType::AccountDisabled, EventType::Deactivated]
            }
            Self::Reactivated => vec![EventType::AccountEnabled, EventType::Activated],
            Self::Deleted { was_active: true } => vec![
                EventType::SessionRevoked,
                EventType::AccountDisabled,
                EventType::AccountPurged,
                EventType::Deleted,
            ],
            Self::Deleted { was_active: false } => vec![EventType::AccountPurged, EventType::Deleted],
        }
    }

    fn attributes(&self) -> &[String] {
        match self {
            Self::Created(attributes) | Self::Changed { attributes, .. } => attributes,
            Self::Deactivated | Self::Reactivated | Self::Deleted { .. } => &[],
        }
    }
}

/// Adds to `set` what every receiver of the organization is to be told. `document` is the person as receivers knew it.
///
/// # Errors
/// [`DatabaseError`].
pub fn queue(
    live: &Live,
    tx: &mut Tx<'_>,
    cause: &Cause,
    set: &mut WriteSet,
    user: UserId,
    (document, happened): (&Map<String, Value>, &Happened),
) -> Result<(), DatabaseError> {
    let receivers = live.receivers(tx, set.organization)?;
    if receivers.is_empty() {
        return Ok(());
    }
    let telling = Telling::about(live, tx, cause, Subject::of(user, document), &receivers)?;
    let changed = set.users_changed.iter().find(|change| change.id == user);
    let version = changed.map(|change| change.version.entity_tag(user.into()));
    for (receiver, event) in telling.wanted(&receivers, &happened.events()) {
        let data = if event.bears_resource() { with_id(document, user.into()) } else { Value::Null };
        let details = Details { attributes: happened.attributes(), data, version: version.clone() };
        let content = event.content(telling.now, &telling.why, details);
        set.signals.push(telling.row(receiver, event, &content));
    }
    Ok(())
}

/// A resource as it is told whole.
pub(super) fn with_id(document: &Map<String, Value>, id: ResourceId) -> Value {
    let mut resource = document.clone();
    resource.insert("id".to_owned(), id.to_string().into());
    Value::Object(resource)
}

/// Adds to `set` that something was found of a leaver, for every receiver that asks for it. `details` names people by id.
///
/// # Errors
/// [`DatabaseError`].
pub fn queue_found(
    live: &Live,
    tx: &mut Tx<'_>,
    cause: &Cause,
    set: &mut WriteSet,
    (leaver, details): (UserId, &Value),
) -> Result<(), DatabaseError> {
    let receivers = live.receivers(tx, set.organization)?;
    if !receivers.iter().any(|receiver| receiver.wants(EventType::LeaverFound)) {
        return Ok(());
    }
    let document = past::document(tx, set.organization, leaver)?;
    let document: Map<String, Value> = document.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let telling = Telling::about(live, tx, cause, Subject::of(leaver, &document), &receivers)?;
    for (receiver, event) in telling.wanted(&receivers, &[EventType::LeaverFound]) {
        let mut content = occurrence(telling.now, &telling.why);
        content.insert("finding".to_owned(), details.clone());
        set.signals.push(telling.row(receiver, event, &Value::Object(content)));
    }
    Ok(())
}

/// What all signals about one person or group and of one cause share.
pub(super) struct Telling {
    subject: Subject,
    request: RequestId,
    chosen: Vec<(ResourceId, bool)>,
    /// When it is told.
    pub now: Moment,
    /// Why, for administrators.
    pub why: String,
}

impl Telling {
    /// `subject` is the person or the group as receivers know it.
    pub fn about(
        live: &Live,
        tx: &mut Tx<'_>,
        cause: &Cause,
        subject: Subject,
        receivers: &[Receiver],
    ) -> Result<Self, DatabaseError> {
        let asked = receivers.iter().any(|receiver| receiver.chosen);
        let chosen = if asked { streams::chosen(tx, cause.organization, subject.id)? } else { Vec::new() };
        // Read anew each time this is worked out: the order of the ids is the order of what happened.
        let now = live.now();
        let why = format!("Muster, request {}", cause.request);
        Ok(Self { subject, request: cause.request, chosen, now, why })
    }

    /// Whether a receiver is told about the person or the group.
    pub fn is_told(&self, receiver: &Receiver) -> bool {
        let chosen = self.chosen.iter().find(|(id, _)| *id == receiver.id).map(|(_, included)| *included);
        chosen.unwrap_or(receiver.subjects == DefaultSubjects::All)
    }

    /// Who is told which of these events, in their order.
    pub fn wanted<'r>(&self, receivers: &'r [Receiver], events: &[EventType]) -> Vec<(&'r Receiver, EventType)> {
        let told = receivers.iter().filter(|receiver| self.is_told(receiver));
        told.flat_map(|receiver| {
            events.iter().filter(|event| receiver.wants(**event)).map(move |event| (receiver, *event))
        })
        .collect()
    }

    /// The signal for one receiver.
    pub fn row(&self, receiver: &Receiver, event: EventType, content: &Value) -> SignalRow {
        let identifier = if event.is_scim() {
            self.subject.scim()
        } else {
            self.subject.identifier(receiver.subject_format, receiver.subject_issuer.as_deref())
        };
        SignalRow {
            receiver: receiver.id,
            id: ids::resource(self.now),
            subject: self.subject.id,
            request: self.request,
            event: event.uri(),
            content: json!({ "sub_id": identifier, "event": content }).to_string(),
            created_at: self.now,
        }
    }
}
