//! Mass-change brakes of connections, and the quarantines they open.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Brake, BrakeError, ConnectionId, Firing, LEAST_OBJECTS, ResourceId};
use crate::service::leavers::brake::{Quarantine, Restoration};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "brakes",
    about: "What happens when many people leave over one connection at once, or many of its groups go: access is cut as \
            always, purges wait, and all is held in quarantine until somebody releases or restores it",
    routes: &[
        Route::read::<__path_read>(read),
        Route::change::<__path_set>(set).with_body(),
        Route::change::<__path_remove>(remove),
        Route::read::<__path_rehearse>(rehearse),
        Route::read::<__path_list>(list),
        Route::read::<__path_quarantine>(quarantine),
        Route::change::<__path_release>(release),
        Route::change::<__path_restore>(restore),
    ],
};

const USUAL_SHARE: i64 = 20;
const USUAL_MINUTES: i64 = 10;

/// When a brake fires.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Brake)]
struct Shown {
    /// When more than this share of the organization's people leave, or of the connection's groups are deleted, in percent
    #[schema(minimum = 1, maximum = 100)]
    share: i64,
    /// And at least so many, people and groups together
    #[schema(minimum = 50)]
    least: i64,
    /// Within so many minutes
    #[schema(minimum = 1, maximum = 10080)]
    minutes: i64,
}

impl From<Brake> for Shown {
    fn from(brake: Brake) -> Self {
        Self { share: brake.share(), least: brake.least(), minutes: brake.minutes() }
    }
}

fn unfit(error: BrakeError) -> Problem {
    Problem::bad_request(error.to_string())
}

/// A brake to rehearse.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Rehearsed {
    /// Percent of the organization's people [default: 20]
    #[param(value_type = Option<u32>)]
    share: Option<String>,
    /// At least so many people [default: 50]
    #[param(value_type = Option<u32>)]
    least: Option<String>,
    /// Within so many minutes [default: 10]
    #[param(value_type = Option<u32>)]
    minutes: Option<String>,
}

/// Once that it would have fired.
#[derive(Debug, Serialize, ToSchema)]
struct ShownFiring {
    /// When
    #[schema(format = DateTime)]
    at: String,
    /// How many had left
    people: i64,
    /// Of how many
    population: i64,
    /// How many groups had been deleted
    groups: i64,
}

/// How often a brake would have fired.
#[derive(Debug, Serialize, ToSchema)]
struct Rehearsal {
    /// The days looked at
    days: u32,
    /// Each time, oldest first
    firings: Vec<ShownFiring>,
}

/// Who left over a connection since a moment, held until somebody decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
struct ShownQuarantine {
    /// Its id
    id: String,
    /// Over which connection they left
    connection: String,
    /// When the brake fired
    #[schema(format = DateTime)]
    opened_at: String,
    /// How many people had left by then
    people: i64,
    /// Of how many
    population: i64,
    /// How many groups of the connection had been deleted by then
    groups: i64,
    /// When somebody decided
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// `open`, `released` or `restored`
    state: &'static str,
}

impl From<Quarantine> for ShownQuarantine {
    fn from(quarantine: Quarantine) -> Self {
        Self {
            id: quarantine.id.to_string(),
            connection: quarantine.connection.to_string(),
            opened_at: quarantine.opened_at.to_string(),
            people: quarantine.people,
            population: quarantine.population,
            groups: quarantine.groups,
            closed_at: quarantine.closed.map(|(at, _)| at.to_string()),
            state: quarantine.closed.map_or("open", |(_, outcome)| outcome.as_str()),
        }
    }
}

/// Somebody who is not back.
#[derive(Debug, Serialize, ToSchema)]
struct NotRestored {
    /// Who
    user: String,
    /// Why
    why: String,
}

/// A group that is not there again.
#[derive(Debug, Serialize, ToSchema)]
struct GroupNotRestored {
    /// Which
    group: String,
    /// Why
    why: String,
}

/// What became of whom a quarantine held.
#[derive(Debug, Serialize, ToSchema)]
struct RestoredPeople {
    /// How many have again what was cut off
    restored: usize,
    /// How many were back already, or had nothing before
    unchanged: usize,
    /// Who is not back, and why
    failed: Vec<NotRestored>,
    /// How many groups are there again, with their members
    groups: usize,
    /// Which are not, and why
    failed_groups: Vec<GroupNotRestored>,
}

impl From<Restoration> for RestoredPeople {
    fn from(restoration: Restoration) -> Self {
        let failed = restoration.failed.into_iter();
        let failed_groups = restoration.failed_groups.into_iter();
        Self {
            restored: restoration.restored,
            unchanged: restoration.unchanged,
            failed: failed.map(|(user, why)| NotRestored { user: user.to_string(), why }).collect(),
            groups: restoration.groups,
            failed_groups: failed_groups
                .map(|(group, why)| GroupNotRestored { group: group.to_string(), why })
                .collect(),
        }
    }
}

/// The brake of a connection; 404 where none is set
#[utoipa::path(get, path = "/api/v1/connections/{id}/brake", operation_id = "read_brake",
    params(("id" = String, Path, description = "The connection")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    let brake = call.administration().brake(call.organization(), connection)?.ok_or_else(Problem::not_found)?;
    Reply::ok(&Shown::from(brake))
}

/// Sets the brake of a connection
#[utoipa::path(put, path = "/api/v1/connections/{id}/brake", operation_id = "set_brake", request_body = Shown,
    params(("id" = String, Path, description = "The connection")), responses((status = 200, body = Shown)))]
fn set(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    let wanted: Shown = call.body()?;
    let brake = Brake::new(wanted.share, wanted.least, wanted.minutes).map_err(unfit)?;
    call.administration().set_brake(call.organization(), connection, brake)?;
    Reply::ok(&Shown::from(brake))
}

/// Takes the brake of a connection off; what it holds stays held
#[utoipa::path(delete, path = "/api/v1/connections/{id}/brake", operation_id = "remove_brake",
    params(("id" = String, Path, description = "The connection")), responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    call.administration().remove_brake(call.organization(), connection)?;
    Ok(Reply::NoContent)
}

/// How often a brake would have fired in the last 90 days
#[utoipa::path(get, path = "/api/v1/connections/{id}/brake/rehearsal", operation_id = "rehearse_brake",
    params(("id" = String, Path, description = "The connection"), Rehearsed),
    responses((status = 200, body = Rehearsal)))]
fn rehearse(call: &Call) -> Result<Reply, Problem> {
    let connection: ConnectionId = call.id(0)?;
    let asked: Rehearsed = call.query()?;
    let number = |name: &str, text: Option<&str>, usual: i64| match text {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_nan| Problem::bad_request(format!("`{name}` must be a whole number"))),
    };
    let share = number("share", asked.share.as_deref(), USUAL_SHARE)?;
    let least = number("least", asked.least.as_deref(), LEAST_OBJECTS)?;
    let minutes = number("minutes", asked.minutes.as_deref(), USUAL_MINUTES)?;
    let brake = Brake::new(share, least, minutes).map_err(unfit)?;
    let firings = call.administration().rehearse_brake(call.organization(), connection, brake)?;
    let show = |firing: Firing| ShownFiring {
        at: firing.at.to_string(),
        people: firing.people,
        population: firing.population,
        groups: firing.groups,
    };
    Reply::ok(&Rehearsal { days: 90, firings: firings.into_iter().map(show).collect() })
}

/// The quarantines, oldest first
#[utoipa::path(get, path = "/api/v1/quarantines", operation_id = "list_quarantines", params(Paging),
    responses((status = 200, body = Page<ShownQuarantine>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["quarantines"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().quarantines(call.organization(), ResourceId::LAST, MOST)?;
    Reply::ok(&stretch.page_of_all(all, |quarantine| quarantine.id, ShownQuarantine::from))
}

/// So many quarantines are listed, the newest: a brake fires once in years.
const MOST: i64 = 1_000;

/// A quarantine
#[utoipa::path(get, path = "/api/v1/quarantines/{id}", operation_id = "read_quarantine",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = ShownQuarantine)))]
fn quarantine(call: &Call) -> Result<Reply, Problem> {
    let found = call.administration().quarantine(call.organization(), call.id(0)?)?;
    Reply::ok(&ShownQuarantine::from(found))
}

/// It was meant: whoever left stays gone
#[utoipa::path(post, path = "/api/v1/quarantines/{id}/release", operation_id = "release_quarantine",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, body = ShownQuarantine), (status = 409, description = "It was restored already")))]
fn release(call: &Call) -> Result<Reply, Problem> {
    let released = call.administration().release_quarantine(call.organization(), call.id(0)?)?;
    Reply::ok(&ShownQuarantine::from(released))
}

/// It was a mistake: whoever left has again what was cut off
#[utoipa::path(post, path = "/api/v1/quarantines/{id}/restore", operation_id = "restore_quarantine",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, body = RestoredPeople), (status = 409, description = "Somebody has decided already")))]
fn restore(call: &Call) -> Result<Reply, Problem> {
    let restored = call.administration().restore_quarantine(call.organization(), call.id(0)?)?;
    Reply::ok(&RestoredPeople::from(restored))
}
