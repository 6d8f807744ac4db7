//! The question itself: may this subject do this here, now? Judged from memory, put on record before it is answered.

use std::borrow::Cow;

use crate::access::decide::{Cause, Circumstances, Decision, Question, Rules};
use crate::access::graph::{Denial, Graph, IdentifierKind, Resource, Subject};
use crate::db::access;
use crate::evidence::decisions::{AskedSubject, DecisionId, DecisionRecord};
use crate::live::CannotJudge;
use crate::model::{Assignment, Caller, Moment, ResourceId, Revision};

use super::super::{ServiceError, Services};
use super::subjects;

/// By what a subject is known besides its id.
const KNOWN_BY: [IdentifierKind; 1] = [IdentifierKind::Name];

/// Questions of a batch that are judged by one state.
const AT_ONCE: usize = 100;

/// A question as it was asked.
#[derive(Debug, Clone)]
pub struct Asking<'q> {
    /// `user` or `service`.
    pub subject_type: &'q str,
    /// An id, a userName or the name of a service.
    pub subject: &'q str,
    /// The permission.
    pub permission: &'q str,
    /// Where.
    pub resource: Resource<'q>,
    /// What the caller says and may say.
    pub circumstances: Circumstances,
    /// The same as canonical JSON, for the record; empty for nothing.
    pub facts: String,
}

/// An answer, on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Where it stands on record.
    pub id: DecisionId,
    /// What it was judged by.
    pub revision: Revision,
    /// Until when it may be used without asking again.
    pub valid_until: Moment,
    /// Why, in a word that programs compare.
    pub code: &'static str,
    /// Why, for people.
    pub reason: String,
}

/// Judged and not on record yet.
struct Judged<'q> {
    record: DecisionRecord<Cow<'q, str>>,
    valid_until: Moment,
    code: &'static str,
    reason: String,
    durable: bool,
    /// The id that was asked about, where nobody here bears it.
    unknown: Option<ResourceId>,
}

impl Judged<'_> {
    /// Put on record.
    fn under(self, id: DecisionId) -> Judgement {
        let Self { record, valid_until, code, reason, .. } = self;
        Judgement { allowed: record.allowed, id, revision: record.revision, valid_until, code, reason }
    }
}

impl From<CannotJudge> for ServiceError {
    fn from(error: CannotJudge) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Services {
    /// Decides on the spot; `None` when something must be read or put on disk first: then call [`Services::decide`] on a
    /// thread that may block.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when it cannot be judged or not be put on record: never an allow, never a denial.
    pub fn decide_from_memory(&self, caller: &Caller, asking: &Asking<'_>) -> Result<Option<Judgement>, ServiceError> {
        let judge = |rules: &Rules<'_>, revision| {
            let subject = subject(rules.graph, asking.subject_type, asking.subject);
            judged(caller, asking, subject, rules, revision, self.clock.now())
        };
        match self.live.judge_named_from_memory(caller.organization, judge)? {
            Some(judged) if !judged.durable => self.recorded(caller, judged).map(Some),
            _ => Ok(None),
        }
    }

    /// Decides several on the spot, in their order, up to the first whose answer is the last one; what cannot be read is
    /// `None`, and denied. `Ok(None)`, with nothing put on record, when any of them must be decided by
    /// [`Services::decide`].
    ///
    /// # Errors
    /// As [`Services::decide_from_memory`].
    pub fn decide_all_from_memory<'q>(
        &self,
        caller: &Caller,
        askings: impl Iterator<Item = Option<Asking<'q>>>,
        is_last: impl Fn(bool) -> bool,
    ) -> Result<Option<Vec<Option<Judgement>>>, ServiceError> {
        let mut askings = askings.peekable();
        let (mut all, mut over, mut durable) = (Vec::new(), false, false);
        while !over && askings.peek().is_some() {
            // Not all in one go: whoever takes access away waits for the state to be let go.
            let judge = |rules: &Rules<'_>, revision| {
                let now = self.clock.now();
                for asking in askings.by_ref().take(AT_ONCE) {
                    let judged = asking.map(|asking| {
                        let subject = subject(rules.graph, asking.subject_type, asking.subject);
                        judged(caller, &asking, subject, rules, revision, now)
                    });
                    durable |= judged.as_ref().is_some_and(|judged| judged.durable);
                    over = is_last(judged.as_ref().is_some_and(|judged| judged.record.allowed));
                    all.push(judged);
                    if over {
                        break;
                    }
                }
            };
            if self.live.judge_named_from_memory(caller.organization, judge)?.is_none() || durable {
                return Ok(None);
            }
        }
        self.live.note_unknown(caller, all.iter().flatten().filter_map(|judged| judged.unknown));
        let records = all.iter().flatten().map(|judged| &judged.record);
        let ids = self.live.record_decisions(caller.organization, records);
        let mut ids = ids.map_err(|error| ServiceError::Unavailable(error.to_string()))?.into_iter();
        let given = all.into_iter().map(|judged| judged.and_then(|judged| Some(judged.under(ids.next()?))));
        Ok(Some(given.collect()))
    }

    /// Decides. Blocks.
    ///
    /// # Errors
    /// As [`Services::decide_from_memory`].
    pub fn decide(&self, caller: &Caller, asking: &Asking<'_>) -> Result<Judgement, ServiceError> {
        let named = self.named_subject(caller, asking.subject_type, asking.subject)?;
        let judge = |rules: &Rules<'_>, revision| {
            let subject = named.unwrap_or_else(|| subject(rules.graph, asking.subject_type, asking.subject));
            judged(caller, asking, subject, rules, revision, self.clock.now())
        };
        let judged = self.live.judge(caller.organization, judge)?;
        self.recorded(caller, judged)
    }

    /// The subject a text names, where the organization looks subjects up by more than is in memory; `None`: the graph
    /// knows. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub fn named_subject(
        &self,
        caller: &Caller,
        subject_type: &str,
        text: &str,
    ) -> Result<Option<Result<Subject, Denial>>, ServiceError> {
        if self.live.names_subjects_from_memory(caller.organization) {
            return Ok(None);
        }
        self.live.read(|tx| {
            let more = access::state(tx, caller.organization)?.looks_up_more();
            let named = more.then(|| subjects::named(tx, caller.organization, subject_type, text, false));
            Ok(named.transpose()?)
        })
    }

    /// Searches. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn search<T>(&self, caller: &Caller, work: impl FnOnce(&Rules<'_>, Moment) -> T) -> Result<T, ServiceError> {
        let now = self.clock.now();
        Ok(self.live.judge(caller.organization, |rules, _revision| work(rules, now))?)
    }

    fn recorded(&self, caller: &Caller, judged: Judged<'_>) -> Result<Judgement, ServiceError> {
        self.live.note_unknown(caller, judged.unknown);
        let id = self
            .live
            .record_decision(caller.organization, &judged.record, judged.durable)
            .map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        Ok(judged.under(id))
    }
}

/// The subject a text names.
///
/// # Errors
/// [`Denial::UnknownSubject`], [`Denial::AmbiguousSubject`].
pub fn subject(graph: &Graph, subject_type: &str, text: &str) -> Result<Subject, Denial> {
    graph.subject(subject_type, text, &KNOWN_BY)
}

fn judged<'q>(
    caller: &Caller,
    asking: &Asking<'q>,
    subject: Result<Subject, Denial>,
    rules: &Rules<'_>,
    revision: Revision,
    now: Moment,
) -> Judged<'q> {
    let question = Question {
        subject,
        permission: asking.permission,
        resource: asking.resource,
        circumstances: Some(&asking.circumstances),
    };
    let decision = rules.decide(&question, now);
    let durable = rules.graph.catalogue().entry(asking.permission).is_some_and(|(_, entry)| entry.durable);
    let record = DecisionRecord {
        at: now,
        revision,
        credential: caller.actor.credential(),
        subject: match subject {
            Ok(Subject::User(id)) => AskedSubject::User(id.into()),
            Ok(Subject::Service(id)) => AskedSubject::Service(id.into()),
            Err(Denial::AmbiguousSubject) => AskedSubject::Ambiguous,
            Err(_) => AskedSubject::Unknown,
        },
        permission: shortened(asking.permission),
        resource_type: shortened(asking.resource.resource_type),
        resource: shortened(asking.resource.id),
        facts: asking.facts.clone(),
        allowed: decision.is_allowed(),
    };
    let (code, reason) = told(&decision);
    let unknown = match subject {
        Err(Denial::UnknownSubject) => asking.subject.parse().ok(),
        _ => None,
    };
    Judged { record, valid_until: decision.valid_until, code, reason, durable, unknown }
}

/// What is asked may be any text; on record it has an end.
fn shortened(text: &str) -> Cow<'_, str> {
    const MOST: usize = 300;
    if text.len() <= MOST { Cow::Borrowed(text) } else { Cow::Owned(text.chars().take(MOST).collect()) }
}

fn told(decision: &Decision<'_>) -> (&'static str, String) {
    match &decision.cause {
        Cause::Assigned(Assignment { role, scope, principal, .. }) => {
            let mut text = String::with_capacity(128);
            for piece in ["role `", role.as_str(), "` at `", scope.as_str(), "`, assigned to ", principal.kind(), " "] {
                text.push_str(piece);
            }
            principal.id().push_to(&mut text);
            ("assigned", text)
        }
        Cause::NotAllowed(denial) => denied(*denial),
        Cause::Forbidden(guardrails) => {
            let names: Vec<String> = guardrails.iter().map(|id| format!("`{id}`")).collect();
            ("forbidden", format!("forbidden by guardrail {}", names.join(", ")))
        }
        Cause::Unclear { guardrail, missing } if missing.is_empty() => {
            ("unclear", format!("guardrail `{guardrail}` cannot be judged: it failed"))
        }
        Cause::Unclear { guardrail, missing } => {
            ("unclear", format!("guardrail `{guardrail}` misses {}", missing.join(", ")))
        }
    }
}

fn denied(denial: Denial) -> (&'static str, String) {
    let (code, text) = match denial {
        Denial::UnknownSubject => ("unknown-subject", "nobody of that name"),
        Denial::AmbiguousSubject => ("ambiguous-subject", "more than one of that name; ask by id"),
        Denial::UnknownPermission => ("unknown-permission", "the permission is not in the catalogue"),
        Denial::UnknownResource => ("unknown-resource", "no such scope or resource"),
        Denial::NotActive(_) => ("not-active", "deactivated, suspended or deleted"),
        Denial::ServiceExpired => ("service-expired", "the service is past its end"),
        Denial::OwnerNotActive => ("owner-not-active", "the service's owner is not active"),
        Denial::NotAssigned => ("not-assigned", "nothing that holds now allows it here"),
    };
    (code, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardrail_that_cannot_be_judged_says_what_it_misses_or_that_it_failed() {
        let says = |missing: &[&str]| {
            let missing = missing.iter().map(|name| (*name).to_owned()).collect();
            let cause = Cause::Unclear { guardrail: "limit".parse().unwrap(), missing };
            told(&Decision { cause, valid_until: Moment::from_micros(0) })
        };
        let misses = "guardrail `limit` misses principal.userType, context.run";
        assert_eq!(says(&["principal.userType", "context.run"]), ("unclear", misses.to_owned()));
        assert_eq!(says(&[]), ("unclear", "guardrail `limit` cannot be judged: it failed".to_owned()));
    }
}
