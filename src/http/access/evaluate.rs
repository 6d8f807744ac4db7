//! Evaluations: one question, or many in one request.

use serde::Serialize;

use crate::access::graph::Resource;
use crate::model::EnforcementPoint;
use crate::service::access::decide::{Asking, Judgement};
use crate::service::{ServiceError, Services};

use super::answer::Refusal;
use super::said::Sayings;
use super::wire::{Body, Evaluation, RequestError};

/// A decision (Authorization API 1.0, Decision).
#[derive(Serialize)]
struct Answer {
    decision: bool,
    context: Context,
}

/// What is said beside a decision.
#[derive(Serialize)]
#[serde(untagged)]
enum Context {
    Judged {
        decision_id: String,
        revision: i64,
        valid_until: String,
        code: &'static str,
        reason: String,
        /// The semantic that ends a batch here.
        #[serde(skip_serializing_if = "Option::is_none")]
        ended_by: Option<&'static str>,
    },
    Unread {
        error: Unread,
    },
}

#[derive(Serialize)]
struct Unread {
    status: u16,
    message: String,
}

#[derive(Serialize)]
struct Answers {
    evaluations: Vec<Answer>,
}

impl From<Judgement> for Answer {
    fn from(judgement: Judgement) -> Self {
        let Judgement { allowed, id, revision, valid_until, code, reason } = judgement;
        let context = Context::Judged {
            decision_id: id.to_string(),
            revision: revision.as_i64(),
            valid_until: valid_until.to_string(),
            code,
            reason,
            ended_by: None,
        };
        Self { decision: allowed, context }
    }
}

impl From<RequestError> for Answer {
    /// One that cannot be read is denied, and no other for its sake (Authorization API 1.0, Errors).
    fn from(error: RequestError) -> Self {
        Self { decision: false, context: Context::Unread { error: Unread { status: 400, message: error.to_string() } } }
    }
}

/// Answers one question.
///
/// # Errors
/// [`Refusal`].
pub fn one(
    services: &Services,
    point: &EnforcementPoint,
    body: &Body<'_>,
    may_block: bool,
) -> Result<Vec<u8>, Refusal> {
    let judgement = judge(services, point, &body.evaluation()?, may_block)?;
    written(&Answer::from(judgement))
}

/// Answers a batch in order, as far as its semantic goes; what is no batch is one question.
///
/// # Errors
/// [`Refusal`].
pub fn many(
    services: &Services,
    point: &EnforcementPoint,
    body: &Body<'_>,
    may_block: bool,
) -> Result<Vec<u8>, Refusal> {
    let semantic = body.semantic()?;
    let evaluations = body.evaluations();
    if evaluations.len() == 0 {
        return one(services, point, body, may_block);
    }
    // What is on record must not be there twice because a later one of the batch has to wait.
    if !may_block && !services.judges_from_memory(point.caller.organization) {
        return Err(Refusal::Blocks);
    }
    let mut answers = Vec::with_capacity(evaluations.len());
    for evaluation in evaluations {
        let mut answer = match evaluation {
            Ok(evaluation) => Answer::from(judge(services, point, &evaluation, may_block)?),
            Err(error) => error.into(),
        };
        let last = semantic.ends_with(answer.decision);
        if last && let Context::Judged { ended_by, .. } = &mut answer.context {
            *ended_by = Some(semantic.as_str());
        }
        answers.push(answer);
        if last {
            break;
        }
    }
    written(&Answers { evaluations: answers })
}

fn written(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|error| ServiceError::Internal(error.to_string()).into())
}

fn judge(
    services: &Services,
    point: &EnforcementPoint,
    evaluation: &Evaluation<'_>,
    may_block: bool,
) -> Result<Judgement, Refusal> {
    let sayings = Sayings {
        subject: evaluation.subject.properties,
        action: evaluation.action.properties,
        resource: evaluation.resource.properties,
        context: evaluation.context,
    };
    let (circumstances, facts) = sayings.believed(point.believed());
    let asking = Asking {
        subject_type: evaluation.subject.kind,
        subject: evaluation.subject.id,
        permission: evaluation.action.name,
        resource: Resource { resource_type: evaluation.resource.kind, id: evaluation.resource.id },
        circumstances,
        facts,
    };
    if may_block {
        return Ok(services.decide(&point.caller, &asking)?);
    }
    services.decide_from_memory(&point.caller, &asking)?.ok_or(Refusal::Blocks)
}
