//! What is to be told of a change to a group (RFC 9967 §2.4). What was changed of a large group is named, and the whole of it
//! left to be fetched (§5).

use serde_json::{Map, Value, json};

use crate::db::{DatabaseError, Tx, WriteSet, memberships};
use crate::live::{Cause, Live};
use crate::model::{GroupId, Member, Version, limits};
use crate::signals::{Details, EventType, Subject};

use super::queue::{Telling, with_id};

type Document = Map<String, Value>;

/// What happened to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupHappened {
    /// It is new.
    Created,
    /// All of it was replaced; whether the request said who its members are.
    Replaced {
        /// It did.
        members: bool,
    },
    /// Something was changed.
    Patched,
    /// It is gone.
    Deleted,
}

impl GroupHappened {
    const fn events(self) -> &'static [EventType] {
        match self {
            Self::Created => &[EventType::Created, EventType::CreatedFull],
            Self::Replaced { .. } => &[EventType::Replaced, EventType::ReplacedFull],
            Self::Patched => &[EventType::Patched, EventType::PatchedFull],
            Self::Deleted => &[EventType::Deleted],
        }
    }
}

/// A change to a group.
#[derive(Debug)]
pub struct ChangedGroup<'a> {
    /// Which.
    pub id: GroupId,
    /// What happened.
    pub happened: GroupHappened,
    /// As it was; empty for one that is new.
    pub before: &'a Document,
    /// As it is; as it was, for one that is gone.
    pub after: &'a Document,
    /// Who has joined.
    pub joined: &'a [Member],
    /// Who has left.
    pub left: &'a [Member],
    /// Its version from now on, where it is known before it is written.
    pub version: Option<Version>,
}

/// Adds to `set` what every receiver of the organization is to be told of a group.
///
/// # Errors
/// [`DatabaseError`].
pub fn queue_group(
    live: &Live,
    tx: &mut Tx<'_>,
    cause: &Cause,
    set: &mut WriteSet,
    changed: &ChangedGroup<'_>,
) -> Result<(), DatabaseError> {
    let receivers = live.receivers(tx, set.organization)?;
    let events = changed.happened.events();
    if !receivers.iter().any(|receiver| events.iter().any(|event| receiver.wants(*event))) {
        return Ok(());
    }
    let telling = Telling::about(live, tx, cause, Subject::of_group(changed.id, changed.after), &receivers)?;
    let mut wanted = telling.wanted(&receivers, events);
    let is_large = changed.joined.len().saturating_add(changed.left.len()) > limits::MEMBERS_IN_SIGNAL;
    if is_large {
        // Whoever asks for all of it is told what to fetch.
        for (_, event) in &mut wanted {
            *event = event.without_resource();
        }
        wanted.dedup_by_key(|(receiver, event)| (receiver.id, *event));
    }
    let attributes = changed.attributes();
    let version = changed.version.map(|version| version.entity_tag(changed.id.into()));
    let mut whole = None;
    for (receiver, event) in wanted {
        if event.bears_resource() && whole.is_none() {
            whole = Some(changed.data(tx, set)?);
        }
        let data = if event.bears_resource() { whole.clone().unwrap_or_default() } else { Value::Null };
        let details = Details { attributes: &attributes, data, version: version.clone() };
        let content = event.content(telling.now, &telling.why, details);
        set.signals.push(telling.row(receiver, event, &content));
    }
    Ok(())
}

impl ChangedGroup<'_> {
    /// The names of what is different.
    fn attributes(&self) -> Vec<String> {
        let mut names: Vec<String> = self.before.keys().chain(self.after.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.before.get(name) != self.after.get(name));
        if !self.joined.is_empty() || !self.left.is_empty() {
            names.push("members".to_owned());
        }
        names
    }

    /// `data`: the group that was made or replaced, or the operations that lead from what was to what is.
    fn data(&self, tx: &mut Tx<'_>, set: &WriteSet) -> Result<Value, DatabaseError> {
        let whole = |members: Option<Vec<Value>>| {
            let mut group = with_id(self.after, self.id.into());
            if let (Some(members), Some(attributes)) = (members, group.as_object_mut()) {
                attributes.insert("members".to_owned(), members.into());
            }
            group
        };
        match self.happened {
            GroupHappened::Created => Ok(whole(Some(self.joined.iter().map(member).collect()))),
            GroupHappened::Replaced { members: false } => Ok(whole(None)),
            GroupHappened::Replaced { members: true } => {
                let mut members = memberships::of_group(tx, set.organization, self.id, i64::MAX)?;
                members.retain(|member| !self.left.contains(member));
                members.extend(self.joined);
                Ok(whole(Some(members.iter().map(member).collect())))
            }
            GroupHappened::Patched => Ok(self.operations()),
            GroupHappened::Deleted => Ok(Value::Null),
        }
    }

    fn operations(&self) -> Value {
        let replaced: Document = self
            .after
            .iter()
            .filter(|(name, value)| self.before.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut operations = Vec::new();
        if !replaced.is_empty() {
            operations.push(json!({ "op": "replace", "value": replaced }));
        }
        let gone = self.before.keys().filter(|name| !self.after.contains_key(*name));
        operations.extend(gone.map(|name| json!({ "op": "remove", "path": name })));
        if !self.joined.is_empty() {
            let joined: Vec<Value> = self.joined.iter().map(member).collect();
            operations.push(json!({ "op": "add", "path": "members", "value": joined }));
        }
        let path = |member: &Member| format!("members[value eq \"{}\"]", member.id);
        operations.extend(self.left.iter().map(|member| json!({ "op": "remove", "path": path(member) })));
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
    }
}

fn member(member: &Member) -> Value {
    let (id, kind) = (member.id.to_string(), member.kind.as_str());
    json!({ "value": id, "$ref": format!("/{kind}s/{id}"), "type": kind })
}
