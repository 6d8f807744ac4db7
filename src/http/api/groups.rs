//! Groups: those of every connection to see, local ones to keep.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{ConnectionId, GroupId, ResourceId};
use crate::service::people::groups::{self, Group, GroupMember, GroupSearch};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};
use super::users::ShownManager;

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "groups",
    about: "Groups of every connection; local groups are kept here",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_rename>(rename).with_body(),
        Route::change::<__path_delete>(delete),
        Route::read::<__path_members>(members),
        Route::change::<__path_add>(add),
        Route::change::<__path_remove>(remove),
    ],
};

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
struct Shown {
    /// Its id
    id: String,
    /// Its name
    display_name: String,
    /// The connection that made it and alone changes it; null for a local group
    managed_by: Option<ShownManager>,
    /// When it was created
    #[schema(format = DateTime)]
    created_at: String,
    /// When it, or who is in it, was last changed
    #[schema(format = DateTime)]
    modified_at: String,
}

impl From<Group> for Shown {
    fn from(Group { group, manager }: Group) -> Self {
        Self {
            id: group.id.to_string(),
            display_name: group.display_name,
            managed_by: manager.map(ShownManager::from),
            created_at: group.created_at.to_string(),
            modified_at: group.modified_at.to_string(),
        }
    }
}

/// A direct member of a group.
#[derive(Debug, Serialize, ToSchema)]
struct Member {
    /// Its id
    id: String,
    /// `user` or `group`
    kind: &'static str,
    /// The userName of a user, the name of a group
    name: String,
}

impl From<GroupMember> for Member {
    fn from(member: GroupMember) -> Self {
        let kind = match member.kind {
            crate::model::MemberKind::User => "user",
            crate::model::MemberKind::Group => "group",
        };
        Self { id: member.id.to_string(), kind, name: member.name }
    }
}

/// Which groups to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Part of the name, in any letter case
    search: Option<String>,
    /// Only those of the connection of this id, or `local`
    connection: Option<String>,
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    cursor: Option<String>,
}

/// The name of a local group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Its name, unique among local groups
    display_name: String,
}

/// The groups, in the order of their creation
#[utoipa::path(get, path = "/api/v1/groups", operation_id = "list_groups", params(Asked),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Asked = call.query()?;
    let (text, of) = (asked.search.unwrap_or_default(), asked.connection.unwrap_or_default());
    let stretch = Stretch::read(call, &["groups", &text, &of], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let connection = match of.as_str() {
        "" => None,
        "local" => Some(ConnectionId::NOBODY),
        id => Some(
            id.parse()
                .map_err(|_not_ours| Problem::bad_request("`connection` must be the id of a connection, or `local`"))?,
        ),
    };
    let search = GroupSearch { text: Some(text), connection };
    let found = groups::search(&call.services, &call.caller, stretch.after, stretch.limit, &search)?;
    Reply::ok(&stretch.found(found, Shown::from))
}

/// Makes a local group
#[utoipa::path(post, path = "/api/v1/groups", operation_id = "create_group", request_body = Named,
    responses((status = 201, body = Shown), (status = 409, description = "A local group has the name")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let Named { display_name } = call.body()?;
    let made = groups::create(&call.services, &call.caller, &display_name)?;
    let (path, tag) = (format!("groups/{}", made.group.id), made.entity_tag());
    Reply::created(call, &Shown::from(made), &path, Some(tag))
}

/// A group
#[utoipa::path(get, path = "/api/v1/groups/{id}", operation_id = "read_group",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let group = groups::read(&call.services, &call.caller, call.id(0)?)?;
    let tag = group.entity_tag();
    Reply::resource(call, &Shown::from(group), tag)
}

/// Gives a local group another name
#[utoipa::path(patch, path = "/api/v1/groups/{id}", operation_id = "rename_group",
    params(("id" = String, Path, description = "Its id")), request_body = Named,
    responses((status = 200, body = Shown), (status = 403, description = "The group belongs to a connection"),
        (status = 409, description = "A local group has the name"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn rename(call: &Call) -> Result<Reply, Problem> {
    let id: GroupId = call.id(0)?;
    let Named { display_name } = call.body()?;
    let group = groups::rename(&call.services, &call.caller, id, &display_name, &call.if_match)?;
    let tag = group.entity_tag();
    Reply::changed(&Shown::from(group), tag)
}

/// Deletes a local group; its members stay
#[utoipa::path(delete, path = "/api/v1/groups/{id}", operation_id = "delete_group",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = 403, description = "The group belongs to a connection"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn delete(call: &Call) -> Result<Reply, Problem> {
    groups::delete(&call.services, &call.caller, call.id(0)?, &call.if_match)?;
    Ok(Reply::NoContent)
}

/// Who is directly in a group, in the order of their ids
#[utoipa::path(get, path = "/api/v1/groups/{id}/members", operation_id = "list_members",
    params(("id" = String, Path, description = "The id of the group"), Paging),
    responses((status = 200, body = Page<Member>)))]
fn members(call: &Call) -> Result<Reply, Problem> {
    let id: GroupId = call.id(0)?;
    let asked: Paging = call.query()?;
    let list = ["members", &id.to_string()];
    let stretch = Stretch::read(call, &list, asked.limit.as_deref(), asked.cursor.as_deref())?;
    let rows = groups::members(&call.services, &call.caller, id, stretch.after, stretch.rows())?;
    Reply::ok(&stretch.page(rows, |member| member.id, Member::from))
}

/// Adds a user or a local group to a local group
#[utoipa::path(put, path = "/api/v1/groups/{id}/members/{member}", operation_id = "add_member",
    params(("id" = String, Path, description = "The id of the group"),
        ("member" = String, Path, description = "The id of the user or group")),
    responses((status = 204), (status = 403, description = "The group belongs to a connection")))]
fn add(call: &Call) -> Result<Reply, Problem> {
    let (id, member): (GroupId, ResourceId) = (call.id(0)?, call.id(1)?);
    groups::add(&call.services, &call.caller, id, member, &call.if_match)?;
    Ok(Reply::NoContent)
}

/// Takes somebody out of a local group
#[utoipa::path(delete, path = "/api/v1/groups/{id}/members/{member}", operation_id = "remove_member",
    params(("id" = String, Path, description = "The id of the group"),
        ("member" = String, Path, description = "The id of the user or group")),
    responses((status = 204), (status = 403, description = "The group belongs to a connection")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let (id, member): (GroupId, ResourceId) = (call.id(0)?, call.id(1)?);
    groups::remove(&call.services, &call.caller, id, member, &call.if_match)?;
    Ok(Reply::NoContent)
}
