//! Connections: the sources that provision the organization.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Activity, Connection, ConnectionId, Precondition, Profile};
use crate::service::administration::ConnectionChange;

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "connections",
    about: "Provisioning sources: an Okta app, an Entra job",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
    ],
};

/// A provisioning source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
struct Shown {
    /// Its id
    id: String,
    /// Its name, unique in the organization
    name: String,
    /// How it behaves where identity providers differ
    #[schema(example = "okta")]
    profile: &'static str,
    /// Whether every write is refused
    paused: bool,
    /// Whether `roles` it sends of people are assigned to them, where they were offered to it
    assigns_roles: bool,
    /// Whether a request that prefers it is answered 202, and its outcome told to receivers (RFC 9967)
    security_events: bool,
    /// How it fares: `waiting`, `receiving`, `quiet`, `failing` or `paused`
    health: &'static str,
    /// The same in words
    #[schema(example = "failing since 2026-11-22T14:02:00Z, 12 refused")]
    health_text: String,
    /// When it was last heard of
    #[schema(format = DateTime)]
    last_request_at: Option<String>,
    /// Requests refused since a write last succeeded
    refused: i64,
}

/// A connection as answers show it.
fn shown(call: &Call, connection: Connection, activity: Option<&Activity>) -> Shown {
    let health = call.administration().health(&connection, activity);
    Shown {
        id: connection.id.to_string(),
        name: connection.name,
        profile: connection.profile.as_str(),
        paused: connection.paused,
        assigns_roles: connection.assigns_roles,
        security_events: connection.asynchronous,
        health: health.as_str(),
        health_text: health.to_string(),
        last_request_at: activity.map(|activity| activity.last_at.to_string()),
        refused: activity.map_or(0, |activity| activity.refused),
    }
}

fn shown_alone(call: &Call, connection: Connection) -> Result<Shown, Problem> {
    let activities = call.administration().activities(call.organization())?;
    let activity = activities.get(&connection.id).copied();
    Ok(shown(call, connection, activity.as_ref()))
}

/// A connection to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    /// Its name
    name: String,
    /// `default`, `rfc`, `okta`, `entra` or `interop` [default: `default`]
    profile: Option<String>,
}

/// What is to be different about a connection; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedConnection {
    /// Another name
    name: Option<String>,
    /// Whether every write is refused
    paused: Option<bool>,
    /// Whether `roles` it sends are assigned; without, whatever it has assigned ends
    assigns_roles: Option<bool>,
    /// Whether a request that prefers it is answered 202, and its outcome told to receivers (RFC 9967)
    security_events: Option<bool>,
}

/// The connections, in the order of their creation
#[utoipa::path(get, path = "/api/v1/connections", operation_id = "list_connections", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["connections"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().connections(call.organization())?;
    let activities = call.administration().activities(call.organization())?;
    let show = |connection: Connection| {
        let activity = activities.get(&connection.id);
        shown(call, connection, activity)
    };
    Reply::ok(&stretch.page_of_all(all, |connection| connection.id.into(), show))
}

/// Makes a connection
#[utoipa::path(post, path = "/api/v1/connections", operation_id = "create_connection", request_body = NewConnection,
    responses((status = 201, body = Shown), (status = 409, description = "The name is taken")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let wanted: NewConnection = call.body()?;
    let name = wanted.name.parse()?;
    let profile = match wanted.profile.as_deref() {
        None => Profile::Default,
        Some(text) => Profile::from_name(text)
            .ok_or_else(|| Problem::bad_request("`profile` must be `default`, `rfc`, `okta`, `entra` or `interop`"))?,
    };
    let made = call.administration().create_connection(call.organization(), &name, profile)?;
    let (path, tag) = (format!("connections/{}", made.id), made.entity_tag());
    Reply::created(call, &shown(call, made, None), &path, Some(tag))
}

/// A connection
#[utoipa::path(get, path = "/api/v1/connections/{id}", operation_id = "read_connection",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let id: ConnectionId = call.id(0)?;
    let found = call.administration().connection(call.organization(), id)?;
    let tag = found.entity_tag();
    Reply::resource(call, &shown_alone(call, found)?, tag)
}

/// Renames a connection, pauses it, lets it go on, lets it assign roles, or lets it be answered by events
#[utoipa::path(patch, path = "/api/v1/connections/{id}", operation_id = "change_connection",
    params(("id" = String, Path, description = "Its id")), request_body = ChangedConnection,
    responses((status = 200, body = Shown), (status = 409, description = "The name is taken"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id: ConnectionId = call.id(0)?;
    let wanted: ChangedConnection = call.body()?;
    let name = wanted.name.as_deref().map(str::parse).transpose()?;
    let change = ConnectionChange { name, paused: wanted.paused, security_events: wanted.security_events };
    let mut changed = call.administration().change_connection(call.organization(), id, &change, &call.if_match)?;
    if let Some(on) = wanted.assigns_roles {
        // The precondition was on the connection as it was before.
        let now = Precondition::Tags(vec![changed.entity_tag()]);
        changed = call.administration().let_assign_roles(call.organization(), id, on, &now)?;
    }
    let tag = changed.entity_tag();
    Reply::changed(&shown_alone(call, changed)?, tag)
}
