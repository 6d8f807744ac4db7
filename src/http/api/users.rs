//! People: all of the organization to see and to suspend, local ones to keep.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::model::{Reason, UserId};
use crate::service::people::{self, DirectoryGroup, Manager, Person, Search, Standing};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "users",
    about: "People of every connection; local users are kept here, everybody can be suspended here",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_delete>(delete),
        Route::change::<__path_suspend>(suspend).with_body(),
        Route::change::<__path_reinstate>(reinstate),
    ],
};

/// The connection that manages something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Manager)]
pub struct ShownManager {
    /// Its id
    id: String,
    /// Its name
    name: String,
}

impl From<Manager> for ShownManager {
    fn from(manager: Manager) -> Self {
        Self { id: manager.id.to_string(), name: manager.name }
    }
}

/// A person, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct Shown {
    /// Its id
    id: String,
    /// The name it is provisioned by
    user_name: String,
    /// Its name for people
    display_name: Option<String>,
    /// Whether it may act: `active`, `inactive` (so says whoever manages it) or `suspended` (by an administrator)
    status: &'static str,
    /// What whoever manages it says, suspended or not
    active: bool,
    /// Since when it is suspended
    #[schema(format = DateTime)]
    suspended_at: Option<String>,
    /// The connection that manages it; null for a local user
    managed_by: Option<ShownManager>,
    /// When it was created
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed, suspensions left out
    #[schema(format = DateTime)]
    modified_at: String,
}

impl From<&Person> for Shown {
    fn from(person: &Person) -> Self {
        let display_name = person.text("displayName");
        Self {
            id: person.id.to_string(),
            user_name: person.text("userName").to_owned(),
            display_name: (!display_name.is_empty()).then(|| display_name.to_owned()),
            status: person.standing().as_str(),
            active: person.active(),
            suspended_at: person.suspended_at.map(|at| at.to_string()),
            managed_by: person.manager.clone().map(ShownManager::from),
            created_at: person.created_at.to_string(),
            modified_at: person.modified_at.to_string(),
        }
    }
}

/// A person with everything that is known of it.
#[derive(Serialize, ToSchema)]
#[schema(as = UserInFull)]
struct InFull {
    /// What lists show
    #[serde(flatten)]
    user: Shown,
    /// The attributes of the SCIM resource (RFC 7643 §4.1)
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    /// The groups it is directly in, whoever made them
    groups: Vec<GroupOfUser>,
}

/// A group somebody is directly in.
#[derive(Serialize, ToSchema)]
struct GroupOfUser {
    /// Its id
    id: String,
    /// Its name
    display_name: String,
    /// The connection that made it; null for a local group
    connection: Option<String>,
}

impl From<DirectoryGroup> for GroupOfUser {
    fn from(group: DirectoryGroup) -> Self {
        let connection = group.connection;
        Self {
            id: group.id.to_string(),
            display_name: group.display_name,
            connection: (!connection.is_nobody()).then(|| connection.to_string()),
        }
    }
}

/// Whom to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Part of the userName, of a name or of an e-mail address, in any letter case
    search: Option<String>,
    /// Only those who are `active`, `inactive` or `suspended`
    status: Option<String>,
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    cursor: Option<String>,
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Suspension {
    /// For the record, kept under the person's key
    reason: Option<String>,
}

/// The people, in the order of their creation. A page that is not full may still be followed by another
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", params(Asked),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Asked = call.query()?;
    let (text, status) = (asked.search.unwrap_or_default(), asked.status.unwrap_or_default());
    let stretch = Stretch::read(call, &["users", &text, &status], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let standing = match status.as_str() {
        "" => None,
        name => Some(
            Standing::from_name(name)
                .ok_or_else(|| Problem::bad_request("`status` must be `active`, `inactive` or `suspended`"))?,
        ),
    };
    let search = Search { text: Some(text), standing };
    let found = people::search(&call.services, &call.caller, stretch.after, stretch.limit, &search)?;
    Reply::ok(&stretch.found(found, |person| Shown::from(&person)))
}

/// Makes a local user, from the attributes of a SCIM user (RFC 7643 §4.1)
#[utoipa::path(post, path = "/api/v1/users", operation_id = "create_user",
    request_body(content = Object, example = json!({ "userName": "ana", "displayName": "Ana" })),
    responses((status = 201, body = InFull), (status = 409, description = "The userName is taken")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let made = people::create(&call.services, &call.caller, call.body()?)?;
    let (path, tag) = (format!("users/{}", made.id), made.entity_tag());
    Reply::created(call, &in_full(made, Vec::new()), &path, Some(tag))
}

/// A person
#[utoipa::path(get, path = "/api/v1/users/{id}", operation_id = "read_user",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = InFull)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let (person, groups) = people::read(&call.services, &call.caller, call.id(0)?)?;
    let tag = person.entity_tag();
    Reply::resource(call, &in_full(person, groups), tag)
}

/// Changes attributes of a local user: what is null is unassigned, what is left out stays (RFC 7396)
#[utoipa::path(patch, path = "/api/v1/users/{id}", operation_id = "change_user",
    params(("id" = String, Path, description = "Its id")),
    request_body(content = Object, example = json!({ "displayName": "Ana", "title": null })),
    responses((status = 200, body = InFull), (status = 403, description = "A connection manages the user"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id: UserId = call.id(0)?;
    people::change(&call.services, &call.caller, id, call.body()?, &call.if_match)?;
    changed(call, id)
}

/// Deletes a local user
#[utoipa::path(delete, path = "/api/v1/users/{id}", operation_id = "delete_user",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = 403, description = "A connection manages the user"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn delete(call: &Call) -> Result<Reply, Problem> {
    people::delete(&call.services, &call.caller, call.id(0)?, &call.if_match)?;
    Ok(Reply::NoContent)
}

/// Suspends a person, whoever manages it; when this is answered no server allows it anything
#[utoipa::path(put, path = "/api/v1/users/{id}/suspension", operation_id = "suspend_user",
    params(("id" = String, Path, description = "Its id")), request_body = Suspension,
    responses((status = 200, body = InFull), (status = 412, description = "It is not as `If-Match` says")))]
fn suspend(call: &Call) -> Result<Reply, Problem> {
    let id: UserId = call.id(0)?;
    let why: Suspension = if call.body.is_empty() { Suspension { reason: None } } else { call.body()? };
    let reason: Option<Reason> = why
        .reason
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error| Problem::bad_request(format!("`reason` cannot be used: {error}")))?;
    people::suspend(&call.services, &call.caller, id, reason.as_ref(), &call.if_match)?;
    changed(call, id)
}

/// Suspends a person no more: it may act again if whoever manages it says so
#[utoipa::path(delete, path = "/api/v1/users/{id}/suspension", operation_id = "reinstate_user",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, body = InFull), (status = 412, description = "It is not as `If-Match` says")))]
fn reinstate(call: &Call) -> Result<Reply, Problem> {
    let id: UserId = call.id(0)?;
    people::reinstate(&call.services, &call.caller, id, None, &call.if_match)?;
    changed(call, id)
}

fn changed(call: &Call, id: UserId) -> Result<Reply, Problem> {
    let (person, groups) = people::read(&call.services, &call.caller, id)?;
    let tag = person.entity_tag();
    Reply::changed(&in_full(person, groups), tag)
}

fn in_full(person: Person, groups: Vec<DirectoryGroup>) -> InFull {
    let user = Shown::from(&person);
    InFull { user, attributes: person.attributes, groups: groups.into_iter().map(GroupOfUser::from).collect() }
}
