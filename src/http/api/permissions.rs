//! Permissions: the organization's catalogue.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{CatalogueEntry, Permission};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "permissions",
    about: "What roles can allow: the organization's catalogue",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_declare>(declare).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// A permission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
struct Shown {
    /// Its name
    #[schema(example = "deploy:run")]
    name: String,
    /// What it allows
    description: String,
    /// Whether a decision on it is on disk before it is answered
    durable: bool,
}

/// What a permission is to mean.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Meaning {
    /// What it allows
    #[serde(default)]
    description: String,
    /// Whether a decision on it is on disk before it is answered
    #[serde(default)]
    durable: bool,
}

/// The permissions, by name
#[utoipa::path(get, path = "/api/v1/permissions", operation_id = "list_permissions", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    names::page(call, "permissions", all(call)?, |shown| &shown.name)
}

fn all(call: &Call) -> Result<Vec<Shown>, Problem> {
    let catalogue = call.administration().catalogue(call.organization())?;
    let all = catalogue.permissions().map(|(name, entry)| Shown {
        name: name.to_string(),
        description: entry.description.clone(),
        durable: entry.durable,
    });
    Ok(all.collect())
}

/// The entity tag of a permission as the list shows it.
fn tag(call: &Call, name: &str) -> Result<String, Problem> {
    let found = all(call)?.into_iter().find(|shown| shown.name == name).ok_or_else(Problem::not_found)?;
    names::tag(&found)
}

/// Declares a permission, or says anew what it means
#[utoipa::path(put, path = "/api/v1/permissions/{name}", operation_id = "declare_permission",
    params(("name" = String, Path, description = "Its name")), request_body = Meaning,
    responses((status = 200, body = Shown), (status = 412, description = "It is not as `If-Match` says")))]
fn declare(call: &Call) -> Result<Reply, Problem> {
    let name: Permission = names::wanted(call, 0)?;
    let Meaning { description, durable } = call.body()?;
    let entry = CatalogueEntry { description, durable };
    let administration = call.unchanged(|| tag(call, name.as_str()))?;
    administration.declare_permission(call.organization(), &name, &entry)?;
    let shown = Shown { name: name.to_string(), description: entry.description, durable };
    let tag = names::tag(&shown)?;
    Reply::changed(&shown, tag)
}

/// Declares a permission no more
#[utoipa::path(delete, path = "/api/v1/permissions/{name}", operation_id = "remove_permission",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204), (status = 409, description = "A role or a gate needs it"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let name: Permission = names::of(call, 0)?;
    let administration = call.unchanged(|| tag(call, name.as_str()))?;
    administration.remove_permission(call.organization(), &name)?;
    Ok(Reply::NoContent)
}
