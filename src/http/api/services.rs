//! Services: pipelines and bots, each with an owner and an end.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Moment, Service, ServiceId};
use crate::service::access::{NewService, ServiceChange};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "services",
    about: "Pipelines and bots: subjects that are no people",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_stop>(stop),
    ],
};

/// A service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
struct Shown {
    /// Its id
    id: String,
    /// Its name
    name: String,
    /// The id of the user who answers for it
    owner: String,
    /// The id of the user who answers for it once the owner leaves
    successor: Option<String>,
    /// Denied everything from then on
    #[schema(format = DateTime)]
    expires_at: String,
    /// Since when it is stopped
    #[schema(format = DateTime)]
    stopped_at: Option<String>,
}

impl From<Service> for Shown {
    fn from(service: Service) -> Self {
        Self {
            id: service.id.to_string(),
            name: service.name.to_string(),
            owner: service.owner.to_string(),
            successor: service.successor.map(|id| id.to_string()),
            expires_at: service.expires_at.to_string(),
            stopped_at: service.stopped_at.map(|at| at.to_string()),
        }
    }
}

/// A service to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewService)]
struct Wanted {
    /// Its name
    name: String,
    /// Who answers for it: id or userName of an active user
    owner: String,
    /// Who answers for it once the owner leaves: id or userName of an active user
    successor: Option<String>,
    /// Denied everything from then on
    #[schema(format = DateTime)]
    expires_at: String,
}

/// What is to be different about a service; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedService {
    /// Who answers for it from now on
    owner: Option<String>,
    /// Who answers for it once the owner leaves; an empty text for nobody
    successor: Option<String>,
    /// Denied everything from then on
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// The services, in the order of their creation, stopped ones too
#[utoipa::path(get, path = "/api/v1/services", operation_id = "list_services", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["services"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let rows = call.administration().services_after(call.organization(), stretch.after, stretch.rows())?;
    Reply::ok(&stretch.page(rows, |service| service.id.into(), Shown::from))
}

/// Makes a service
#[utoipa::path(post, path = "/api/v1/services", operation_id = "create_service", request_body = Wanted,
    responses((status = 201, body = Shown), (status = 409, description = "The name is taken")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let Wanted { name, owner, successor, expires_at } = call.body()?;
    let expires_at = names::read::<Moment>(&expires_at)?;
    let wanted = NewService { name: name.parse()?, owner, successor, expires_at };
    let shown = Shown::from(call.administration().create_service(call.organization(), &wanted)?);
    let (path, tag) = (format!("services/{}", shown.id), names::tag(&shown)?);
    Reply::created(call, &shown, &path, Some(tag))
}

/// A service
#[utoipa::path(get, path = "/api/v1/services/{id}", operation_id = "read_service",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let shown = found(call)?;
    let tag = names::tag(&shown)?;
    Reply::resource(call, &shown, tag)
}

/// Hands a service over, names who comes after its owner, or lets it end at another time
#[utoipa::path(patch, path = "/api/v1/services/{id}", operation_id = "change_service",
    params(("id" = String, Path, description = "Its id")), request_body = ChangedService,
    responses((status = 200, body = Shown), (status = 412, description = "It is not as `If-Match` says")))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id: ServiceId = call.id(0)?;
    let ChangedService { owner, successor, expires_at } = call.body()?;
    let expires_at = names::read_optional::<Moment>(expires_at.as_deref())?;
    let administration = call.unchanged(|| names::tag(&found(call)?))?;
    let wanted = ServiceChange { owner: owner.as_deref(), successor: successor.as_deref(), expires_at };
    let changed = administration.hand_over_service(call.organization(), &id.to_string(), wanted)?;
    let shown = Shown::from(changed);
    let tag = names::tag(&shown)?;
    Reply::changed(&shown, tag)
}

/// Stops a service for good; when this is answered, no server allows it anything
#[utoipa::path(delete, path = "/api/v1/services/{id}", operation_id = "stop_service",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = 412, description = "It is not as `If-Match` says")))]
fn stop(call: &Call) -> Result<Reply, Problem> {
    let id: ServiceId = call.id(0)?;
    let administration = call.unchanged(|| names::tag(&found(call)?))?;
    administration.stop_service(call.organization(), &id.to_string())?;
    Ok(Reply::NoContent)
}

fn found(call: &Call) -> Result<Shown, Problem> {
    let id: ServiceId = call.id(0)?;
    let found = call.administration().service(call.organization(), id)?;
    found.map(|(service, _)| Shown::from(service)).ok_or_else(Problem::not_found)
}
