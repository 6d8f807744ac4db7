//! Roles at scopes that connections may assign.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{ConnectionId, ResourceId, RoleOffer};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "offers",
    about: "Roles at scopes that a connection may assign, to people it sends with their values among `roles`",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_offer>(offer).with_body(),
        Route::change::<__path_withdraw>(withdraw),
    ],
};

/// A role at a scope that a connection may assign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
struct Shown {
    /// Its id, in `/Roles` of the connection too
    id: String,
    /// The role
    #[schema(example = "deployer")]
    role: String,
    /// Where
    #[schema(example = "/billing/production")]
    scope: String,
    /// What the connection sends in `roles.value`
    #[schema(example = "deployer@/billing/production")]
    value: String,
    /// Since when
    #[schema(format = DateTime)]
    created_at: String,
    /// Where it comes from: `administrator`, one by one, or `document`
    source: &'static str,
}

impl From<RoleOffer> for Shown {
    fn from(offer: RoleOffer) -> Self {
        Self {
            id: offer.id.to_string(),
            value: offer.value(),
            role: offer.role.to_string(),
            scope: offer.scope.to_string(),
            created_at: offer.created_at.to_string(),
            source: offer.source().as_str(),
        }
    }
}

/// An offer to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOffer {
    /// The role
    role: String,
    /// Where
    scope: String,
}

/// What is offered to a connection
#[utoipa::path(get, path = "/api/v1/connections/{id}/offers", operation_id = "list_offers",
    params(("id" = String, Path, description = "Its id"), Paging), responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    let asked: Paging = call.query()?;
    let name = connection.to_string();
    let stretch = Stretch::read(call, &["offers", &name], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().offers(call.organization(), connection)?;
    Reply::ok(&stretch.page_of_all(all, |offer| offer.id, Shown::from))
}

/// Offers a role at a scope to a connection; whoever has its value already is assigned it, if the connection assigns roles
#[utoipa::path(post, path = "/api/v1/connections/{id}/offers", operation_id = "offer_role",
    params(("id" = String, Path, description = "Its id")), request_body = NewOffer,
    responses((status = 201, body = Shown)))]
fn offer(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    // Whoever has no such connection learns nothing of what else is wrong.
    call.administration().connection(call.organization(), connection)?;
    let wanted: NewOffer = call.body()?;
    let (role, scope) = (names::read(&wanted.role)?, names::read(&wanted.scope)?);
    let offer = call.administration().offer_role(call.organization(), connection, &role, &scope)?;
    let path = format!("connections/{connection}/offers/{}", offer.id);
    Reply::created(call, &Shown::from(offer), &path, None)
}

/// Withdraws an offer; whatever the connection has assigned by it ends
#[utoipa::path(delete, path = "/api/v1/connections/{id}/offers/{offer}", operation_id = "withdraw_role",
    params(("id" = String, Path, description = "The connection"), ("offer" = String, Path, description = "The offer")),
    responses((status = 204)))]
fn withdraw(call: &Call) -> Result<Reply, Problem> {
    let (connection, offer): (ConnectionId, ResourceId) = (call.id(0)?, call.id(1)?);
    call.administration().withdraw_role(call.organization(), connection, offer)?;
    Ok(Reply::NoContent)
}
