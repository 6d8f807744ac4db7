//! Evaluations: one question, or many in one request.

use std::fmt::Write as _;

use crate::access::graph::Resource;
use crate::model::EnforcementPoint;
use crate::scim::render::push_string;
use crate::service::Services;
use crate::service::access::decide::{Asking, Judgement};

use super::answer::Refusal;
use super::said::Sayings;
use super::wire::{Body, Evaluation, RequestError};

/// Bytes of an answer, about.
const ANSWER_BYTES: usize = 360;

/// Appends a decision (Authorization API 1.0, Decision). `ended_by`: the semantic that ends a batch here.
fn push_judged(text: &mut String, judgement: &Judgement, ended_by: Option<&str>) {
    let Judgement { allowed, id, revision, valid_until, code, reason } = judgement;
    text.push_str(if *allowed { "{\"decision\":true" } else { "{\"decision\":false" });
    text.push_str(",\"context\":{\"decision_id\":\"");
    id.segment.push_to(text);
    // Writing to a string cannot fail.
    let _ = write!(text, ".{}\",\"revision\":{},\"valid_until\":\"{valid_until}", id.place, revision.as_i64());
    text.push_str("\",\"code\":\"");
    text.push_str(code);
    text.push_str("\",\"reason\":");
    push_string(text, reason);
    if let Some(semantic) = ended_by {
        text.push_str(",\"ended_by\":");
        push_string(text, semantic);
    }
    text.push_str("}}");
}

/// Appends the answer to what cannot be read: it is denied, and no other for its sake (Authorization API 1.0, Errors).
fn push_unread(text: &mut String, error: &RequestError) {
    text.push_str("{\"decision\":false,\"context\":{\"error\":{\"status\":400,\"message\":");
    push_string(text, &error.to_string());
    text.push_str("}}}");
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
    let judgement = judge(services, point, &asking(point, body.evaluation())?, may_block)?;
    let mut text = String::with_capacity(ANSWER_BYTES);
    push_judged(&mut text, &judgement, None);
    Ok(text.into_bytes())
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
    let judged = if may_block {
        one_by_one(services, point, body)?
    } else {
        let askings = body.evaluations().map(|evaluation| asking(point, evaluation).ok());
        let is_last = |allowed| semantic.ends_with(allowed);
        services.decide_all_from_memory(&point.caller, askings, is_last)?.ok_or(Refusal::Blocks)?
    };
    let mut text = String::with_capacity(ANSWER_BYTES.saturating_mul(judged.len()));
    text.push_str("{\"evaluations\":[");
    for (place, (evaluation, judgement)) in body.evaluations().zip(&judged).enumerate() {
        if place > 0 {
            text.push(',');
        }
        match judgement {
            Some(judgement) => {
                let ends = semantic.ends_with(judgement.allowed);
                push_judged(&mut text, judgement, ends.then(|| semantic.as_str()));
            }
            None => asking(point, evaluation).err().iter().for_each(|error| push_unread(&mut text, error)),
        }
    }
    text.push_str("]}");
    Ok(text.into_bytes())
}

/// Each after the other, as far as the semantic goes. Blocks.
fn one_by_one(
    services: &Services,
    point: &EnforcementPoint,
    body: &Body<'_>,
) -> Result<Vec<Option<Judgement>>, Refusal> {
    let semantic = body.semantic()?;
    let mut judged = Vec::new();
    for evaluation in body.evaluations() {
        let asking = asking(point, evaluation).ok();
        let judgement = asking.map(|asking| judge(services, point, &asking, true)).transpose()?;
        let last = semantic.ends_with(judgement.as_ref().is_some_and(|judgement| judgement.allowed));
        judged.push(judgement);
        if last {
            break;
        }
    }
    Ok(judged)
}

fn judge(
    services: &Services,
    point: &EnforcementPoint,
    asking: &Asking<'_>,
    may_block: bool,
) -> Result<Judgement, Refusal> {
    if may_block {
        return Ok(services.decide(&point.caller, asking)?);
    }
    services.decide_from_memory(&point.caller, asking)?.ok_or(Refusal::Blocks)
}

/// The question, with what the caller is believed of it.
fn asking<'r>(
    point: &EnforcementPoint,
    evaluation: Result<Evaluation<'r>, RequestError>,
) -> Result<Asking<'r>, RequestError> {
    let evaluation = evaluation?;
    let sayings = Sayings {
        subject: evaluation.subject.properties,
        action: evaluation.action.properties,
        resource: evaluation.resource.properties,
        context: evaluation.context,
    };
    let (circumstances, facts) = sayings.believed(point.believed())?;
    Ok(Asking {
        subject_type: evaluation.subject.kind,
        subject: evaluation.subject.id,
        permission: evaluation.action.name,
        resource: Resource { resource_type: evaluation.resource.kind, id: evaluation.resource.id },
        circumstances,
        facts,
    })
}
