//! What is to be told of a change to a person: one row for each receiver and event.

use serde_json::{Map, Value, json};

use crate::db::signals::SignalRow;
use crate::db::{DatabaseError, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Live};
use crate::model::{ResourceId, UserId};
use crate::signals::{EventType, Subject};

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
            Self::Created(_) => vec![EventType::Created],
            Self::Changed { replaced: true, .. } => vec![EventType::Replaced],
            Self::Changed { replaced: false, .. } => vec![EventType::Patched],
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
    // Read anew each time this is worked out: the order of the ids is the order of what happened.
    let now = live.now();
    let subject = Subject::of(user, document);
    let why = format!("Muster, request {}", cause.request);
    for receiver in receivers.iter() {
        for event in happened.events().into_iter().filter(|event| receiver.wants(*event)) {
            let identifier = if event.is_scim() {
                subject.scim()
            } else {
                subject.identifier(receiver.subject_format, receiver.subject_issuer.as_deref())
            };
            let content = json!({ "sub_id": identifier, "event": event.content(now, &why, happened.attributes()) });
            set.signals.push(SignalRow {
                receiver: receiver.id,
                id: ids::resource(now),
                subject: ResourceId::from(user),
                request: cause.request,
                event: event.uri(),
                content: content.to_string(),
                created_at: now,
            });
        }
    }
    Ok(())
}
