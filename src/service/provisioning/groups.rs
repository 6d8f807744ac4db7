//! Use cases of SCIM Groups, and what they share. A connection sees and writes its own groups only.

mod change;
mod create;
mod delete;
mod list;
mod membership;
pub(in crate::service) mod nesting;
mod read;

pub use change::{patch, replace};
pub use create::create;
pub use delete::delete;
pub use list::{Groups, list};
pub use read::read;

use serde_json::{Map, Value};

use crate::db::groups::{GroupNames, StoredGroup};
use crate::db::{Tx, groups, memberships};
use crate::model::{Caller, GroupId, Member, Precondition, Version, fold};
use crate::scim::ScimError;
use crate::scim::projection::Projection;
use crate::service::signals::Done;
use crate::service::{ServiceError, Services};

use super::present::{self, Identity};
use super::{Representation, check_key, not_paused};

/// The attribute that is kept as rows.
const MEMBERS: &str = "members";

fn not_found(id: &str) -> ServiceError {
    let detail = format!("there is no Group `{}`", crate::scim::path::excerpt(id));
    match id.parse() {
        Ok(id) => ScimError::UnknownId(id, detail).into(),
        Err(_not_ours) => ScimError::NotFound(detail).into(),
    }
}

/// What a request has done to a group.
fn done(id: GroupId, status: u16, version: Option<Version>) -> Done {
    Done { endpoint: "/Groups", id: id.into(), status, version }
}

fn group_id(id: &str) -> Result<GroupId, ServiceError> {
    id.parse().map_err(|_not_ours| not_found(id))
}

fn load(tx: &mut Tx<'_>, caller: &Caller, id: GroupId) -> Result<StoredGroup, ServiceError> {
    let group = groups::by_id(tx, caller.organization, caller.connection, id)?;
    group.ok_or_else(|| not_found(&id.to_string()))
}

fn load_for_change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: GroupId,
    precondition: &Precondition,
) -> Result<StoredGroup, ServiceError> {
    not_paused(caller)?;
    let group = load(tx, caller, id)?;
    super::check_precondition(precondition, &group.version.entity_tag(id.into()))?;
    Ok(group)
}

/// The keys of a group, read off its document.
fn names(caller: &Caller, document: &Map<String, Value>) -> Result<GroupNames, ServiceError> {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let display_name = text("displayName").unwrap_or_default().to_owned();
    let display_name_key = fold(&display_name);
    if display_name_key.is_empty() {
        return Err(ScimError::invalid_value("`displayName` is required and must not be empty").into());
    }
    check_key("displayName", &display_name_key)?;
    let external_id = text("externalId").map(str::to_owned);
    external_id.iter().try_for_each(|key| check_key("externalId", key))?;
    Ok(GroupNames {
        display_name,
        unique_name_key: caller.profile.switches().unique_group_names.then(|| display_name_key.clone()),
        display_name_key,
        external_id,
    })
}

/// The members of a group, at most `limit`, if the projection asks for them.
fn members(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: GroupId,
    projection: &Projection,
    limit: usize,
) -> Result<Option<Vec<Member>>, ServiceError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let asked = projection.includes(MEMBERS);
    Ok(asked.then(|| memberships::of_group(tx, caller.organization, id, limit)).transpose()?)
}

/// A group as answered.
fn present(
    services: &Services,
    group: &StoredGroup,
    members: Option<Vec<Member>>,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    let array = members.map(|members| present::members_array(services, &members));
    let rows = array.as_deref().map(|array| (MEMBERS, array));
    let whole = present::whole(services, &services.types.group, &Identity::from(group), &group.document, rows);
    present::projected(&services.types.group, projection, whole)
}
