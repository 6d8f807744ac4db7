//! Stored rows as the resources clients see.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::access::graph::Subject;
use crate::db::groups::StoredGroup;
use crate::db::users::{ListedUser, StoredUser};
use crate::model::{Caller, GroupId, Member, Moment, ResourceId, UserId, Version, role_value};
use crate::scim::projection::Projection;
use crate::scim::render::{self, Meta};
use crate::scim::schema::{ACCESS_EXTENSION, ResourceType};
use crate::service::{SCIM, ServiceError, Services};

use super::Representation;

/// What every resource has beside its document and its rows.
pub struct Identity {
    /// Its identifier.
    pub id: ResourceId,
    /// Its version.
    pub version: Version,
    /// When it was created.
    pub created: Moment,
    /// When it was last changed.
    pub modified: Moment,
}

impl From<&StoredUser> for Identity {
    fn from(user: &StoredUser) -> Self {
        Self { id: user.id.into(), version: user.version, created: user.created_at, modified: user.modified_at }
    }
}

impl From<&ListedUser> for Identity {
    fn from(user: &ListedUser) -> Self {
        Self { id: user.id.into(), version: user.version, created: user.created_at, modified: user.modified_at }
    }
}

impl From<&StoredGroup> for Identity {
    fn from(group: &StoredGroup) -> Self {
        Self { id: group.id.into(), version: group.version, created: group.created_at, modified: group.modified_at }
    }
}

/// The whole resource as text, with its location and entity tag.
pub fn whole(
    services: &Services,
    resource_type: &ResourceType,
    identity: &Identity,
    document: &str,
    rows: Option<(&str, &str)>,
) -> Representation {
    let id = identity.id.to_string();
    let location = [services.public_url.as_str(), SCIM, &resource_type.endpoint, "/", &id].concat();
    let entity_tag = identity.version.entity_tag(identity.id);
    let meta = Meta {
        resource_type: &resource_type.name,
        created: identity.created,
        last_modified: identity.modified,
        location: location.clone(),
        version: entity_tag.clone(),
    };
    Representation { body: render::resource(document, &id, &meta, rows), location, entity_tag }
}

/// The resource as it is filtered and sorted by: `meta` and the rows only where they are read.
pub fn evaluated(
    services: &Services,
    resource_type: &ResourceType,
    identity: &Identity,
    document: &str,
    rows: Option<(&str, &str)>,
    reads_meta: bool,
) -> Result<Value, ServiceError> {
    if rows.is_some() || reads_meta {
        return parse(&whole(services, resource_type, identity, document, rows).body);
    }
    let mut resource: Map<String, Value> = parse(document)?;
    resource.insert("id".to_owned(), Value::String(identity.id.to_string()));
    Ok(Value::Object(resource))
}

/// What the client asked to see of it.
pub fn projected(
    resource_type: &ResourceType,
    projection: &Projection,
    representation: Representation,
) -> Result<Representation, ServiceError> {
    if projection.is_everything() {
        return Ok(representation);
    }
    let value: Value = parse(&representation.body)?;
    Ok(Representation { body: projection.apply(resource_type, value).to_string(), ..representation })
}

/// A user with the roles it holds, where these were asked for. Blocks.
///
/// # Errors
/// [`ServiceError::Unavailable`] when it cannot be judged.
pub fn with_effective_roles(
    services: &Services,
    caller: &Caller,
    id: UserId,
    projection: &Projection,
    representation: Representation,
) -> Result<Representation, ServiceError> {
    if !projection.asks_for_extension(ACCESS_EXTENSION) {
        return Ok(representation);
    }
    let now = services.clock.now();
    let held: BTreeMap<String, (String, bool)> = services.live.judge(caller.organization, |rules, _revision| {
        let mut held: BTreeMap<String, (String, bool)> = BTreeMap::new();
        for (assignment, direct) in rules.graph.held_by(Subject::User(id), now) {
            let display = format!("{} at {}", assignment.role, assignment.scope);
            held.entry(role_value(&assignment.role, &assignment.scope)).or_insert((display, direct)).1 |= direct;
        }
        held
    })?;
    let roles: Vec<Value> = held
        .into_iter()
        .map(|(value, (display, direct))| {
            json!({ "value": value, "display": display, "type": if direct { "direct" } else { "indirect" } })
        })
        .collect();
    let mut resource: Map<String, Value> = parse(&representation.body)?;
    if let Some(Value::Array(schemas)) = resource.get_mut("schemas") {
        schemas.push(ACCESS_EXTENSION.into());
    }
    resource.insert(ACCESS_EXTENSION.to_owned(), json!({ "effectiveRoles": roles }));
    Ok(Representation { body: Value::Object(resource).to_string(), ..representation })
}

/// JSON this server wrote itself.
pub fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ServiceError> {
    serde_json::from_str(text)
        .map_err(|error| ServiceError::Internal(format!("a stored document cannot be read: {error}")))
}

/// The value of `groups` of a user.
pub fn groups_array<'a>(services: &Services, groups: impl IntoIterator<Item = (&'a GroupId, &'a str)>) -> String {
    let base = services.scim_base();
    let mut text = String::from("[");
    for (id, display_name) in groups {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str("{\"value\":\"");
        id.push_to(&mut text);
        for piece in ["\",\"$ref\":\"", &base, "/Groups/"] {
            text.push_str(piece);
        }
        id.push_to(&mut text);
        text.push_str("\",\"display\":");
        render::push_string(&mut text, display_name);
        text.push_str(",\"type\":\"direct\"}");
    }
    text.push(']');
    text
}

/// The value of `members` of a group.
pub fn members_array<'a>(services: &Services, members: impl IntoIterator<Item = &'a Member>) -> String {
    let base = services.scim_base();
    let mut text = String::from("[");
    for member in members {
        if text.len() > 1 {
            text.push(',');
        }
        let kind = member.kind.as_str();
        text.push_str("{\"value\":\"");
        member.id.push_to(&mut text);
        for piece in ["\",\"$ref\":\"", &base, "/", kind, "s/"] {
            text.push_str(piece);
        }
        member.id.push_to(&mut text);
        for piece in ["\",\"type\":\"", kind, "\"}"] {
            text.push_str(piece);
        }
    }
    text.push(']');
    text
}
