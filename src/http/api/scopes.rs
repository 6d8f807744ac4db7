//! Scopes: the organization, its projects, their environments. A body names one by its path.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Reason, Scope, ScopePath};
use crate::service::access::{NewScope, ScopeChange};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "scopes",
    about: "The organization, its projects, their environments",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// A scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scope)]
struct Shown {
    /// Where
    #[schema(example = "/billing/production")]
    path: String,
    /// `organization`, `project` or `environment`
    kind: &'static str,
    /// Whether it is production: answers on it are not to be cached, its gates are watched
    production: bool,
    /// What it is for
    description: Option<String>,
}

impl From<Scope> for Shown {
    fn from(scope: Scope) -> Self {
        Self {
            path: scope.path.to_string(),
            kind: scope.path.kind().as_str(),
            production: scope.production,
            description: scope.description.map(|text| text.to_string()),
        }
    }
}

/// A scope to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewScope)]
struct Wanted {
    /// Where
    path: String,
    /// Whether it is production
    #[serde(default)]
    production: bool,
    /// What it is for
    description: Option<String>,
}

/// What is to be different about a scope; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedScope {
    /// Which
    path: String,
    /// Whether it is production
    production: Option<bool>,
    /// What it is for
    description: Option<String>,
}

/// Which scope.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NamedScope {
    /// Which
    path: String,
}

/// The scopes, by path
#[utoipa::path(get, path = "/api/v1/scopes", operation_id = "list_scopes", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let stretch = names::Stretch::read(call, "scopes")?;
    let scopes = call.administration().scopes_after(call.organization(), &stretch.after, stretch.rows())?;
    stretch.page(scopes.into_iter().map(Shown::from).collect(), |shown| &shown.path)
}

/// Makes a scope, and the project around an environment where it is missing
#[utoipa::path(post, path = "/api/v1/scopes", operation_id = "create_scope", request_body = Wanted,
    responses((status = 201, body = Shown), (status = 409, description = "It is there and is something else")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let Wanted { path, production, description } = call.body()?;
    let wanted = NewScope {
        path: names::read(&path)?,
        production,
        description: names::read_optional::<Reason>(description.as_deref())?,
    };
    let made = call.administration().create_scope(call.organization(), &wanted)?;
    let made = Shown::from(made);
    let tag = names::tag(&made)?;
    Reply::created(call, &made, "scopes", Some(tag))
}

/// Changes a scope
#[utoipa::path(patch, path = "/api/v1/scopes", operation_id = "change_scope", request_body = ChangedScope,
    responses((status = 200, body = Shown), (status = 412, description = "It is not as `If-Match` says")))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let ChangedScope { path, production, description } = call.body()?;
    let path: ScopePath = names::read(&path)?;
    let description = names::read_optional::<Reason>(description.as_deref())?.map(Some);
    let wanted = ScopeChange { production, description };
    let administration = call.unchanged(|| tag(call, &path))?;
    let changed = Shown::from(administration.change_scope(call.organization(), &path, &wanted)?);
    let tag = names::tag(&changed)?;
    Reply::changed(&changed, tag)
}

/// Removes a scope in which nothing lies and at which nothing is assigned
#[utoipa::path(delete, path = "/api/v1/scopes", operation_id = "remove_scope", params(NamedScope),
    responses((status = 204), (status = 409, description = "Something lies in it or is assigned at it"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let NamedScope { path } = call.query()?;
    let path: ScopePath = names::read(&path)?;
    let administration = call.unchanged(|| tag(call, &path))?;
    administration.remove_scope(call.organization(), &path)?;
    Ok(Reply::NoContent)
}

/// The entity tag of a scope as the list shows it.
fn tag(call: &Call, path: &ScopePath) -> Result<String, Problem> {
    let found = call.administration().scope(call.organization(), path)?.ok_or_else(Problem::not_found)?;
    names::tag(&Shown::from(found))
}
