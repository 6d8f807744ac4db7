//! Decisions: what the assignments allow and no guardrail forbids.

mod search;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Assignment, Fact, GuardrailId, Moment, fold};

use super::graph::{Denial, Facts, Graph, Lifetimes, Resource, Subject};
use super::guardrail::{Bearing, Guardrails, KNOWN_AS, Setting, Verdict};

pub use search::Who;

/// Everything that decides in one organization, at one revision.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What is assigned.
    pub graph: &'a Graph,
    /// What is forbidden.
    pub guardrails: &'a Guardrails,
    /// How long answers may be used.
    pub lifetimes: Lifetimes,
}

/// What the caller may say besides the question: only what its allow-list passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Of the subject, over what is known.
    pub subject: Facts,
    /// Of the resource, over what is known.
    pub resource: Facts,
    /// Of the action and the context: the commit, its authors, approvals.
    pub context: Facts,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who; an unknown or ambiguous subject is denied as that.
    pub subject: Result<Subject, Denial>,
    /// What.
    pub permission: &'a str,
    /// Where.
    pub resource: Resource<'a>,
    /// Under which circumstances. `None`: under some; guardrails that read what only the caller knows are left out.
    pub circumstances: Option<&'a Circumstances>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Why, and with it, whether.
    pub cause: Cause<'a>,
    /// Until when it may be used without asking again.
    pub valid_until: Moment,
}

/// Why it was decided so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Allowed: this assignment allows it.
    Assigned(&'a Assignment),
    /// Denied: no assignment allows it.
    NotAllowed(Denial),
    /// Denied: an assignment would allow it, and these guardrails forbid it.
    Forbidden(Vec<GuardrailId>),
    /// Denied: an assignment would allow it, and this guardrail could not be evaluated.
    Unclear {
        /// Which.
        guardrail: GuardrailId,
        /// The attributes it misses, as it names them: `principal.userType`.
        missing: Vec<String>,
    },
}

impl Decision<'_> {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self.cause, Cause::Assigned(_))
    }
}

impl<'a> Rules<'a> {
    /// Decides.
    pub fn decide(&self, question: &Question<'_>, now: Moment) -> Decision<'a> {
        let subject = match question.subject {
            Ok(subject) => subject,
            Err(denial) => return Decision { cause: Cause::NotAllowed(denial), valid_until: now },
        };
        let answer = self.graph.may(subject, question.permission, question.resource, now);
        let valid = |turn| self.lifetimes.valid_until(now, answer.production, turn);
        let grant = match answer.outcome {
            Ok(grant) => grant,
            Err(denial) => {
                return Decision { cause: Cause::NotAllowed(denial), valid_until: valid(answer.next_turn) };
            }
        };
        let Some(bearing) = self.guardrails.on(question.permission, question.circumstances.is_some()) else {
            return Decision { cause: Cause::Assigned(grant.assignment), valid_until: valid(answer.next_turn) };
        };
        let (verdict, turn) = self.judge(&bearing, subject, question, now);
        let cause = match verdict {
            Verdict::Clear => Cause::Assigned(grant.assignment),
            Verdict::Forbidden(guardrails) => Cause::Forbidden(guardrails),
            Verdict::Unclear { guardrail, missing } => Cause::Unclear { guardrail, missing },
        };
        let turns = [answer.next_turn, turn, bearing.reads_clock().then_some(now)];
        Decision { cause, valid_until: valid(turns.into_iter().flatten().min()) }
    }

    /// What the guardrails say, and when the clock changes what they read of the subject.
    fn judge(
        &self,
        bearing: &Bearing<'_>,
        subject: Subject,
        question: &Question<'_>,
        now: Moment,
    ) -> (Verdict, Option<Moment>) {
        let resolved = self.graph.resolve(subject, question.permission, question.resource);
        let (Ok(resolved), Some(place)) = (resolved, self.graph.whereabouts(question.resource)) else {
            return (Verdict::Forbidden(Vec::new()), Some(now));
        };
        let (mut roles, mut turn) = (BTreeSet::new(), None);
        if bearing.reads_roles() {
            let (held, next) = self.graph.roles_at(&resolved, now);
            (roles, turn) = (held.into_iter().map(ToString::to_string).collect(), next);
        }
        let none = Circumstances::default();
        let said = question.circumstances.unwrap_or(&none);
        let is_author = bearing.reads_authors().then(|| self.is_author(subject, &said.context)).flatten();
        let view = bearing.view(subject, self.graph.facts(subject), &said.subject, roles, is_author);
        let setting = Setting {
            place: &place,
            resource: &said.resource,
            circumstances: question.circumstances.map(|said| &said.context),
            now,
        };
        (bearing.verdict(&view, setting), turn)
    }

    /// Whether a subject is among the authors the caller names, by its id or any identifier; `None` if it names none.
    fn is_author(&self, subject: Subject, context: &BTreeMap<String, Fact>) -> Option<bool> {
        let authors: Vec<&String> = match context.get("commit_authors")? {
            Fact::Texts(authors) => authors.iter().collect(),
            Fact::Text(author) => vec![author],
            Fact::Flag(_) | Fact::Number(_) => return None,
        };
        if authors.is_empty() {
            return None;
        }
        let id = subject.id().to_string();
        let identifiers = self.graph.identifiers(subject);
        let known_as = match self.graph.facts(subject).and_then(|facts| facts.get(KNOWN_AS)) {
            Some(Fact::Texts(texts)) => Some(texts),
            _ => None,
        };
        let named = |author: &&String| {
            let folded = fold(author);
            folded == id
                || identifiers.iter().any(|known| *known.text == folded || *known.text == ***author)
                || known_as.is_some_and(|texts| texts.contains(&folded) || texts.contains(*author))
        };
        Some(authors.iter().any(named))
    }
}

#[cfg(test)]
mod tests;
