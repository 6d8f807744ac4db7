//! Groups of every connection to read, local ones to keep.

use serde_json::{Value, json};

use crate::db::directory::{self, DirectoryGroup};
use crate::model::reserved::{self, ReservedName};
use crate::model::{Caller, ConnectionId, GroupId, MemberKind, Precondition, ResourceId, fold, limits};
use crate::scim::ScimError;
use crate::scim::projection::Projection;
use crate::service::provisioning::groups as provisioned;
use crate::service::{ServiceError, Services};

use super::{Found, Manager, giving, managers};

/// Rows read in one statement.
const BATCH: usize = 500;

/// A group of the organization.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is stored of it.
    pub group: DirectoryGroup,
    /// The connection that made it; `None` for a local group.
    pub manager: Option<Manager>,
}

/// Which groups to look for.
#[derive(Debug, Clone, Default)]
pub struct GroupSearch {
    /// Part of the name, in any letter case.
    pub text: Option<String>,
    /// Only those of this connection; of nobody: local ones.
    pub connection: Option<ConnectionId>,
}

/// A direct member.
#[derive(Debug, Clone)]
pub struct GroupMember {
    /// Who.
    pub id: ResourceId,
    /// What.
    pub kind: MemberKind,
    /// The userName of a user, the displayName of a group.
    pub name: String,
}

impl Group {
    /// Its entity tag, quotes included; membership counts.
    pub fn entity_tag(&self) -> String {
        self.group.version.entity_tag(self.group.id.into())
    }
}

/// The groups after `after`, page by page, as [`super::search()`] does with people.
///
/// # Errors
/// [`ServiceError`].
pub fn search(
    services: &Services,
    caller: &Caller,
    after: ResourceId,
    limit: usize,
    search: &GroupSearch,
) -> Result<Found<Group>, ServiceError> {
    let folded = search.text.as_deref().map(fold).filter(|text| !text.is_empty());
    let finds = |group: &DirectoryGroup| {
        search.connection.is_none_or(|connection| group.connection == connection)
            && folded.as_ref().is_none_or(|sought| fold(&group.display_name).contains(sought.as_str()))
    };
    services.live.read(|tx| {
        let managers = managers(tx, caller.organization)?;
        let (mut items, mut last, mut seen) = (Vec::new(), after, 0_usize);
        loop {
            let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let rows = directory::groups_after(tx, caller.organization, last.into(), batch)?;
            let whole = rows.len() == BATCH;
            seen = seen.saturating_add(rows.len());
            for group in rows {
                if items.len() == limit {
                    return Ok(Found { items, next: Some(last) });
                }
                last = group.id.into();
                if finds(&group) {
                    items.push(Group { manager: managers.get(&group.connection).cloned(), group });
                }
            }
            if !whole {
                return Ok(Found { items, next: None });
            }
            if items.len() == limit || seen >= limits::SCANNED_RESOURCES {
                return Ok(Found { items, next: Some(last) });
            }
        }
    })
}

/// One group.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn read(services: &Services, caller: &Caller, id: GroupId) -> Result<Group, ServiceError> {
    services.live.read(|tx| {
        let group = directory::group(tx, caller.organization, id)?;
        let group =
            group.ok_or_else(|| ServiceError::from(ScimError::NotFound(format!("there is no group `{id}`"))))?;
        Ok(Group { manager: managers(tx, caller.organization)?.remove(&group.connection), group })
    })
}

/// The direct members of a group after `after`, at most `limit`.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn members(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<GroupMember>, ServiceError> {
    read(services, caller, id)?;
    let rows = services
        .live
        .read::<_, ServiceError>(|tx| Ok(directory::members_after(tx, caller.organization, id, after, limit)?))?;
    let name = |kind, text: String| match kind {
        MemberKind::Group => text,
        MemberKind::User => {
            let document: Value = serde_json::from_str(&text).unwrap_or_default();
            document.get("userName").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
    };
    Ok(rows.into_iter().map(|row| GroupMember { id: row.id, kind: row.kind, name: name(row.kind, row.text) }).collect())
}

/// Creates a local group.
///
/// # Errors
/// [`ServiceError`]; 400 for a name that is none or reserved, 409 if a local group has it.
pub fn create(services: &Services, caller: &Caller, display_name: &str) -> Result<Group, ServiceError> {
    check_name(display_name)?;
    let made = provisioned::create(services, caller, json!({ "displayName": display_name }), &no_members(services)?)?;
    let id = made.location.rsplit('/').next().and_then(|id| id.parse().ok());
    read(services, caller, id.ok_or_else(|| ServiceError::Internal("a new group has no id".to_owned()))?)
}

/// Gives a local group another name.
///
/// # Errors
/// [`ServiceError`]; 400 for a name that is none or reserved, 403 naming the connection that made the group, 404, 409, 412.
pub fn rename(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    display_name: &str,
    precondition: &Precondition,
) -> Result<Group, ServiceError> {
    check_name(display_name)?;
    let operation = json!({ "op": "replace", "path": "displayName", "value": display_name });
    change(services, caller, id, operation, precondition)?;
    read(services, caller, id)
}

/// Deletes a local group; its members stay.
///
/// # Errors
/// As [`rename`].
pub fn delete(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    check_local(services, caller, id)?;
    provisioned::delete(services, caller, &id.to_string(), precondition)
}

/// The groups a group is directly in.
///
/// # Errors
/// [`ServiceError`].
pub fn above(services: &Services, caller: &Caller, id: GroupId) -> Result<Vec<DirectoryGroup>, ServiceError> {
    services.live.read(|tx| Ok(directory::groups_of(tx, caller.organization, id)?))
}

/// Adds a user, or a local group, to a local group. Doing so twice changes nothing.
///
/// # Errors
/// As [`rename`]; 400 for whoever is not there, and for a cycle; 403 for somebody signed in who may not give what is
/// assigned to the group.
pub fn add(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    member: ResourceId,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    giving::check(services, caller, id)?;
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": member.to_string() }] });
    change(services, caller, id, operation, precondition)
}

/// Takes somebody out of a local group. Whoever is not in it is out of it already.
///
/// # Errors
/// As [`rename`].
pub fn remove(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    member: ResourceId,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    let operation = json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") });
    change(services, caller, id, operation, precondition)
}

/// A group whose name stands for the product would be given what belongs to nobody.
fn check_name(display_name: &str) -> Result<(), ServiceError> {
    let refused = |error: ReservedName| ScimError::invalid_value(format!("displayName: {error}"));
    // An empty one is refused as that.
    if display_name.trim().is_empty() { Ok(()) } else { Ok(reserved::check_name(display_name).map_err(refused)?) }
}

fn change(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    operation: Value,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    check_local(services, caller, id)?;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    });
    provisioned::patch(services, caller, &id.to_string(), body, precondition, &no_members(services)?).map(|_group| ())
}

/// Refuses a group that a connection made.
///
/// # Errors
/// 403 naming the connection, 404.
pub(super) fn check_local(services: &Services, caller: &Caller, id: GroupId) -> Result<(), ServiceError> {
    match read(services, caller, id)?.manager {
        None => Ok(()),
        Some(manager) => {
            let detail = format!("this group belongs to the connection `{}`; change it there", manager.name);
            Err(ScimError::Forbidden(detail).into())
        }
    }
}

fn no_members(services: &Services) -> Result<Projection, ServiceError> {
    Ok(Projection::parse(None, Some("members"), &services.types.group)?)
}
