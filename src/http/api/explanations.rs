//! Explanations: why somebody may, or what would have to change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::evidence::decisions::DecisionId;
use crate::model::{Moment, Permission, ScopePath};
use crate::service::ServiceError;
use crate::service::access::{MayAnswer, MayQuestion};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "explanations",
    about: "Why somebody may do something, or the smallest change that would let them and who could make it",
    routes: &[Route::read::<__path_explain>(explain), Route::read::<__path_explain_decision>(explain_decision)],
};

/// What is to be explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Who: an id, a userName, or the name of a service
    subject: String,
    /// `user` or `service` [default: `user`]
    subject_type: Option<String>,
    /// What
    permission: String,
    /// Where
    scope: String,
    /// When; of the past by what held then [default: now]
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<String>,
}

/// An answer with its reasons; nobody acts on it, so it is not put on record.
#[derive(Debug, Serialize, ToSchema)]
struct Explanation {
    /// Whether it is allowed
    decision: bool,
    /// By which revision
    revision: i64,
    /// Why, line by line, as `muster may --why` prints it
    reasons: Vec<String>,
}

impl From<MayAnswer> for Explanation {
    fn from(answer: MayAnswer) -> Self {
        Self { decision: answer.allowed, revision: answer.revision.as_i64(), reasons: answer.reasons }
    }
}

/// Says why somebody may do something somewhere, or what would have to change
#[utoipa::path(get, path = "/api/v1/explanations", operation_id = "explain", params(Asked),
    responses((status = 200, body = Explanation)))]
fn explain(call: &Call) -> Result<Reply, Problem> {
    let asked: Asked = call.query()?;
    let is_service = match asked.subject_type.as_deref() {
        None | Some("user") => false,
        Some("service") => true,
        Some(_) => return Err(Problem::bad_request("`subject_type` must be `user` or `service`")),
    };
    let question = MayQuestion {
        subject: asked.subject,
        is_service,
        permission: names::read::<Permission>(&asked.permission)?,
        scope: names::read::<ScopePath>(&asked.scope)?,
        at: names::read_optional::<Moment>(asked.at.as_deref())?,
    };
    let answer = call.administration().may(call.organization(), &question, true);
    let answer = answer.map_err(|error| Problem::from(ServiceError::Unavailable(error.to_string())))?;
    Reply::ok(&Explanation::from(answer))
}

/// Says why a decision on record was as it was: decided again by what held at its revision
#[utoipa::path(get, path = "/api/v1/decisions/{id}/explanation", operation_id = "explain_decision",
    params(("id" = String, Path, description = "The `decision_id` of an answer")),
    responses((status = 200, body = Explanation)))]
fn explain_decision(call: &Call) -> Result<Reply, Problem> {
    let id: DecisionId = call.id(0)?;
    let record = call.services.decision(call.organization(), id)?.ok_or_else(Problem::not_found)?;
    let answer = call.administration().replay(call.organization(), &record);
    Reply::ok(&Explanation::from(answer.map_err(ServiceError::from)?))
}
