//! Decisions on record.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::evidence::decisions::{AskedSubject, DecisionId, DecisionRecord};
use crate::model::{Moment, limits};
use crate::service::access::decision_log::Wanted;

use super::answer::Reply;
use super::call::Call;
use super::page::Page;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "decisions",
    about: "What was asked and answered, of whom, when: every decision, newest first",
    routes: &[Route::read::<__path_list>(list), Route::read::<__path_get>(get)],
};

/// A decision on record
#[derive(Debug, Serialize, ToSchema)]
struct RecordedDecision {
    /// Its id, as the answer bore it
    id: String,
    /// When it was made
    #[schema(format = DateTime)]
    at: String,
    /// The revision it was made from
    revision: i64,
    /// The credential that asked; null for the command line
    credential: Option<String>,
    /// `user`, `service`, `unknown` or `ambiguous`
    subject_type: &'static str,
    /// The id of the user or the service
    subject: Option<String>,
    /// The permission asked for
    permission: String,
    /// The type of the resource asked for
    resource_type: String,
    /// The resource asked for
    resource: String,
    /// What the caller said and was believed
    facts: Option<Value>,
    /// What was answered
    decision: bool,
}

impl From<(DecisionId, DecisionRecord)> for RecordedDecision {
    fn from((id, record): (DecisionId, DecisionRecord)) -> Self {
        Self {
            id: id.to_string(),
            at: record.at.to_string(),
            revision: record.revision.as_i64(),
            credential: record.credential.map(|id| id.to_string()),
            subject_type: match record.subject {
                AskedSubject::Unknown => "unknown",
                AskedSubject::User(_) => "user",
                AskedSubject::Service(_) => "service",
                AskedSubject::Ambiguous => "ambiguous",
            },
            subject: record.subject.id().map(|id| id.to_string()),
            permission: record.permission,
            resource_type: record.resource_type,
            resource: record.resource,
            facts: serde_json::from_str(&record.facts).ok(),
            decision: record.allowed,
        }
    }
}

/// Which decisions to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only about this user or service, by id
    subject: Option<String>,
    /// Only for this permission
    permission: Option<String>,
    /// Only at this resource or in this scope
    resource: Option<String>,
    /// Only those that allowed (`true`) or denied (`false`)
    decision: Option<String>,
    /// Not before this moment (RFC 3339)
    from: Option<String>,
    /// Before this moment (RFC 3339)
    until: Option<String>,
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    cursor: Option<String>,
}

fn read<T>(
    name: &str,
    expected: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let parse = |text: &str| parse(text).ok_or_else(|| Problem::bad_request(format!("`{name}` must be {expected}")));
    text.map(parse).transpose()
}

fn moment(text: &str) -> Option<Moment> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| Moment::from_micros(at.timestamp_micros()))
}

/// Decisions, newest first, those of half a second server by server; a page may hold fewer than asked for and still have a `next_cursor`
#[utoipa::path(get, path = "/api/v1/decisions", operation_id = "list_decisions", params(Asked),
    responses((status = 200, body = Page<RecordedDecision>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Asked = call.query()?;
    let at = "a moment such as `2026-03-31T12:00:00Z`";
    let wanted = Wanted {
        subject: read("subject", "an id", asked.subject.as_deref(), |text| text.parse().ok())?,
        permission: asked.permission,
        resource: asked.resource,
        allowed: read("decision", "`true` or `false`", asked.decision.as_deref(), |text| text.parse().ok())?,
        from: read("from", at, asked.from.as_deref(), moment)?,
        until: read("until", at, asked.until.as_deref(), moment)?,
    };
    let within = |text: &str| text.parse().ok().filter(|limit| (1..=limits::PAGE_SIZE).contains(limit));
    let limit = read("limit", "a whole number from 1 to 1000", asked.limit.as_deref(), within)?;
    let before = read("cursor", "`next_cursor` of a page", asked.cursor.as_deref(), |text| text.parse().ok())?;
    let limit = limit.unwrap_or(limits::DEFAULT_PAGE_SIZE);
    let found = call.services.decisions(call.organization(), &wanted, before, limit)?;
    let next_cursor = found.next.map(|id| id.to_string());
    Reply::ok(&Page { items: found.items.into_iter().map(RecordedDecision::from).collect(), next_cursor })
}

/// One decision
#[utoipa::path(get, path = "/api/v1/decisions/{id}", operation_id = "get_decision",
    params(("id" = String, Path, description = "The `decision_id` of an answer")),
    responses((status = 200, body = RecordedDecision)))]
fn get(call: &Call) -> Result<Reply, Problem> {
    let id: DecisionId = call.id(0)?;
    let record = call.services.decision(call.organization(), id)?.ok_or_else(Problem::not_found)?;
    Reply::ok(&RecordedDecision::from((id, record)))
}
