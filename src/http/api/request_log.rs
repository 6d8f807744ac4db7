//! The request log of a connection: errors and writes with what was sent and answered, masked; reads by the minute.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{ConnectionId, Moment, ResourceId};
use crate::service::administration::{RequestRow, Shown};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "request log",
    about: "What connections asked and were answered, with values masked; kept for 30 days unless set otherwise",
    routes: &[Route::read::<__path_list>(list), Route::read::<__path_reads>(reads)],
};

/// A request of a connection that was refused or meant to change something.
#[derive(Debug, Serialize, ToSchema)]
struct LoggedRequest {
    /// Its id, as `X-Request-Id` and events bear it
    id: String,
    /// When it was answered
    #[schema(format = DateTime)]
    at: String,
    /// The credential it came with
    credential: String,
    /// The method
    method: String,
    /// The route, or `none`
    #[schema(example = "/Users/{id}")]
    route: String,
    /// The resource it named or made
    resource: Option<String>,
    /// The query, masked
    #[schema(example = "filter=userName eq \"…\"")]
    query: Option<String>,
    /// The status of the answer
    status: i64,
    /// Whether it was meant to change something
    writes: bool,
    /// From its head to its answer
    duration_ms: f64,
    /// What was sent, masked
    request: Option<Value>,
    /// What was answered, masked
    answer: Option<Value>,
    /// What it changed, in terms of access; null where that is not known
    effect: Option<Value>,
}

impl From<RequestRow> for LoggedRequest {
    fn from(row: RequestRow) -> Self {
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let micros = u32::try_from(row.duration).unwrap_or(u32::MAX);
        Self {
            id: row.id.to_string(),
            at: row.at.to_string(),
            credential: row.credential.to_string(),
            method: row.method,
            route: row.route,
            resource: row.resource.map(|id| id.to_string()),
            query: row.query,
            status: row.status,
            writes: row.writes,
            duration_ms: f64::from(micros) / 1_000.0,
            request: json(row.request),
            answer: json(row.answer),
            effect: json(row.effect),
        }
    }
}

/// Which requests to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only those that were `refused`, or only `writes`
    show: Option<String>,
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    cursor: Option<String>,
}

/// Reads that succeeded in a minute.
#[derive(Debug, Serialize, ToSchema)]
struct ReadsOfMinute {
    /// When the minute began
    #[schema(format = DateTime)]
    minute: String,
    /// How many
    reads: i64,
}

/// The requests of a connection that were refused or meant to change something, newest first
#[utoipa::path(get, path = "/api/v1/connections/{id}/log", operation_id = "list_requests",
    params(("id" = String, Path, description = "The id of the connection"), Asked),
    responses((status = 200, body = Page<LoggedRequest>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let id: ConnectionId = call.id(0)?;
    let asked: Asked = call.query()?;
    let show = asked.show.unwrap_or_default();
    let list = ["log", &id.to_string(), &show];
    let stretch = Stretch::read(call, &list, asked.limit.as_deref(), asked.cursor.as_deref())?;
    let shown = match show.as_str() {
        "" => Shown::All,
        "refused" => Shown::Refused,
        "writes" => Shown::Writes,
        _ => return Err(Problem::bad_request("`show` must be `refused` or `writes`")),
    };
    let before = if stretch.goes_on { stretch.after } else { ResourceId::LAST };
    let rows = call.administration().request_log(call.organization(), id, shown, before, stretch.rows())?;
    Reply::ok(&stretch.page(rows, |row| row.id.into(), LoggedRequest::from))
}

/// How many reads of a connection succeeded, minute by minute, newest first; minutes without any are left out
#[utoipa::path(get, path = "/api/v1/connections/{id}/reads", operation_id = "list_reads",
    params(("id" = String, Path, description = "The id of the connection"), Paging),
    responses((status = 200, body = Page<ReadsOfMinute>)))]
fn reads(call: &Call) -> Result<Reply, Problem> {
    let id: ConnectionId = call.id(0)?;
    let asked: Paging = call.query()?;
    let list = ["reads", &id.to_string()];
    let stretch = Stretch::read(call, &list, asked.limit.as_deref(), asked.cursor.as_deref())?;
    // A cursor holds the moment of a minute in the form of an id.
    let of = |minute: i64| ResourceId::earliest_at(Moment::from_micros(minute.saturating_mul(MINUTE_MICROS)));
    let before = if stretch.goes_on { stretch.after.made_at().as_micros().div_euclid(MINUTE_MICROS) } else { i64::MAX };
    let rows = call.administration().reads(call.organization(), id, before, stretch.rows())?;
    let show = |(minute, reads): (i64, i64)| ReadsOfMinute {
        minute: Moment::from_micros(minute.saturating_mul(MINUTE_MICROS)).to_string(),
        reads,
    };
    Reply::ok(&stretch.page(rows, |(minute, _)| of(*minute), show))
}
