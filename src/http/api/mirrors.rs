//! Mirrors: groups of GitHub, kept as groups of a connection.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::model::{NameError, ResourceId, SubjectTemplateError};
use crate::service::mirrors::{self, Mirror, NewMirror, Refreshed, USUAL_MINUTES};

use super::answer::Reply;
use super::call::Call;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "mirrors",
    about: "Teams of GitHub, and who may administer, maintain and write its repositories, kept as groups of a connection, \
            for roles to be mapped to",
    routes: &[
        Route::read::<__path_read>(read),
        Route::change::<__path_set>(set).with_body(),
        Route::change::<__path_remove>(remove),
        Route::change::<__path_refresh>(refresh).with_body(),
    ],
};

/// A mirror.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mirror)]
struct Shown {
    /// The connection whose groups they are here
    connection: String,
    /// The userName of an account's owner, in which `{login}` stands for what the account is called
    subject: Option<String>,
    /// The repositories that count; empty for all
    repositories: Vec<String>,
    /// Minutes between two refreshes
    minutes: i64,
    /// Where GitHub sends its webhooks; not there where none are taken
    webhook: Option<String>,
    /// When it last went well
    #[schema(format = DateTime)]
    refreshed_at: Option<String>,
    /// Since when it has not
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Why
    problem: Option<String>,
    /// Accounts in its groups that nobody is known to have
    unknown: i64,
}

/// A mirror as it is to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewMirror)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What its connection is called, when there is none yet [default: the name of the system]
    connection: Option<String>,
    /// The userName of an account's owner, in which `{login}` stands for what the account is called; left out: accounts are
    /// somebody's only where an administrator has said so
    subject: Option<String>,
    /// The repositories that count, without the organization; left out or empty: all
    #[serde(default)]
    repositories: Vec<String>,
    /// Minutes between two refreshes [default: 15]
    #[schema(minimum = 5, maximum = 1440)]
    minutes: Option<i64>,
    /// What GitHub signs its webhooks with, shown never again; left out: none are taken
    webhook_secret: Option<String>,
}

/// A refresh.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = MirrorRefresh)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Whether it is right that most memberships end
    #[serde(default)]
    accept: bool,
}

/// What a refresh came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefreshedMirror)]
struct ShownRefresh {
    /// Groups there are now
    groups: usize,
    /// Memberships that began
    joined: usize,
    /// Memberships that ended
    left: usize,
    /// Accounts in these groups that nobody is known to have
    unknown: usize,
}

impl From<Refreshed> for ShownRefresh {
    fn from(refreshed: Refreshed) -> Self {
        let Refreshed { groups, joined, left, unknown } = refreshed;
        Self { groups, joined, left, unknown }
    }
}

fn shown(call: &Call, mirror: Mirror) -> Result<Shown, Problem> {
    let organization = call.administration().organization(call.organization())?;
    let place = format!("{}/webhooks/mirrors/{}/{}", call.services.public_url, organization.slug, mirror.system);
    Ok(Shown {
        connection: mirror.connection.to_string(),
        subject: mirror.subject,
        repositories: mirror.repositories,
        minutes: mirror.minutes,
        webhook: mirror.webhook_secret.map(|_secret| place),
        refreshed_at: mirror.state.refreshed_at.map(|at| at.to_string()),
        failing_since: mirror.state.failing_since.map(|at| at.to_string()),
        problem: mirror.state.problem,
        unknown: mirror.state.unknown,
    })
}

/// The mirror of a system
#[utoipa::path(get, path = "/api/v1/systems/{id}/mirror", operation_id = "read_mirror",
    params(("id" = String, Path, description = "The system")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let mirror = call.administration().mirror(call.organization(), call.id(0)?)?;
    Reply::ok(&shown(call, mirror)?)
}

/// Mirrors the groups of a system that is GitHub's, or says how from now on
#[utoipa::path(put, path = "/api/v1/systems/{id}/mirror", operation_id = "set_mirror", request_body = Wanted,
    params(("id" = String, Path, description = "The system")),
    responses((status = 200, body = Shown), (status = 409, description = "Another connection has the name")))]
fn set(call: &Call) -> Result<Reply, Problem> {
    let system: ResourceId = call.id(0)?;
    let wanted: Wanted = call.body()?;
    let bad_name = |error: NameError| Problem::bad_request(format!("`connection`: {error}"));
    let bad_subject = |error: SubjectTemplateError| Problem::bad_request(format!("`subject`: {error}"));
    let new = NewMirror {
        connection: wanted.connection.map(|name| name.parse().map_err(bad_name)).transpose()?,
        subject: wanted.subject.map(|text| text.parse().map_err(bad_subject)).transpose()?,
        repositories: wanted.repositories,
        minutes: wanted.minutes.unwrap_or(USUAL_MINUTES),
        webhook_secret: wanted.webhook_secret.map(Zeroizing::new),
    };
    let mirror = call.administration().set_mirror(call.organization(), system, &new)?;
    Reply::ok(&shown(call, mirror)?)
}

/// Ends a mirror; its groups are deleted
#[utoipa::path(delete, path = "/api/v1/systems/{id}/mirror", operation_id = "remove_mirror",
    params(("id" = String, Path, description = "The system")), responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    mirrors::remove(&call.services, &call.administration(), call.organization(), call.id(0)?)?;
    Ok(Reply::NoContent)
}

/// Refreshes a mirror now
#[utoipa::path(post, path = "/api/v1/systems/{id}/mirror/refresh", operation_id = "refresh_mirror", request_body = Asked,
    params(("id" = String, Path, description = "The system")),
    responses((status = 200, body = ShownRefresh), (status = 409, description = "It cannot be now, and why")))]
fn refresh(call: &Call) -> Result<Reply, Problem> {
    let system: ResourceId = call.id(0)?;
    let asked: Asked = call.body()?;
    let refreshed = mirrors::refresh(&call.services, call.organization(), system, asked.accept)?;
    Reply::ok(&ShownRefresh::from(refreshed))
}
