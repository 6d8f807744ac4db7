//! Roles: the built-in ones, and the organization's own as versions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Permission, RoleName};
use crate::service::access::ShownRole;

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "roles",
    about: "Sets of permissions, as versions",
    routes: &[
        Route::read::<__path_list>(list),
        Route::read::<__path_read>(read),
        Route::change::<__path_put>(put).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// A role at a version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
struct Shown {
    /// Its name
    #[schema(example = "deployer")]
    name: String,
    /// Counts its versions
    version: u32,
    /// What it allows
    permissions: Vec<String>,
    /// Whether it comes with every organization and cannot be changed
    built_in: bool,
    /// Since when this version holds
    #[schema(format = DateTime)]
    since: Option<String>,
}

impl From<ShownRole> for Shown {
    fn from(role: ShownRole) -> Self {
        Self {
            name: role.version.role.to_string(),
            version: role.version.number,
            permissions: role.version.permissions.iter().map(ToString::to_string).collect(),
            built_in: role.created_at.is_none(),
            since: role.created_at.map(|at| at.to_string()),
        }
    }
}

/// A role with all its versions.
#[derive(Debug, Serialize, ToSchema)]
struct RoleInFull {
    /// Its current version
    #[serde(flatten)]
    role: Shown,
    /// Every version, oldest first
    versions: Vec<Shown>,
}

/// What a role is to allow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Permissions of the catalogue
    permissions: Vec<String>,
}

/// The roles, by name
#[utoipa::path(get, path = "/api/v1/roles", operation_id = "list_roles", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let mut all: Vec<Shown> = call.administration().roles(call.organization())?.into_iter().map(Shown::from).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    names::page(call, "roles", all, |shown| &shown.name)
}

/// A role with its versions
#[utoipa::path(get, path = "/api/v1/roles/{name}", operation_id = "read_role",
    params(("name" = String, Path, description = "Its name")), responses((status = 200, body = RoleInFull)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let found = in_full(call)?;
    let tag = names::tag(&found)?;
    Reply::resource(call, &found, tag)
}

/// Makes a role, or a new version of it, which holds for all its assignments at once
#[utoipa::path(put, path = "/api/v1/roles/{name}", operation_id = "put_role",
    params(("name" = String, Path, description = "Its name")), request_body = Allowed,
    responses((status = 200, body = RoleInFull), (status = 412, description = "It is not as `If-Match` says")))]
fn put(call: &Call) -> Result<Reply, Problem> {
    let name: RoleName = names::wanted(call, 0)?;
    let wanted: Allowed = call.body()?;
    let permissions: Result<_, Problem> =
        wanted.permissions.iter().map(|text| names::read::<Permission>(text)).collect();
    let administration = call.unchanged(|| names::tag(&in_full(call)?))?;
    administration.put_role(call.organization(), &name, &permissions?)?;
    let now = in_full(call)?;
    let tag = names::tag(&now)?;
    Reply::changed(&now, tag)
}

/// Removes a role that is not assigned
#[utoipa::path(delete, path = "/api/v1/roles/{name}", operation_id = "remove_role",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204), (status = 409, description = "It is assigned"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let administration = call.unchanged(|| names::tag(&in_full(call)?))?;
    administration.remove_role(call.organization(), &names::of(call, 0)?)?;
    Ok(Reply::NoContent)
}

fn in_full(call: &Call) -> Result<RoleInFull, Problem> {
    let name: RoleName = names::of(call, 0)?;
    let all = call.administration().role(call.organization(), &name)?;
    let current = all.last().cloned().ok_or_else(Problem::not_found)?;
    Ok(RoleInFull { role: current.into(), versions: all.into_iter().map(Shown::from).collect() })
}
