//! May this subject do this here? Asked of the database itself, now or of the past, by whoever stands at it.

use crate::access::decide::{Circumstances, Question, Rules};
use crate::access::graph::{Graph, Lifetimes, Resource};
use crate::access::guardrail::Guardrails;
use crate::db::organizations;
use crate::live::CannotJudge;
use crate::model::{Moment, OrganizationId, Permission, Revision, ScopePath};

use super::Administration;
use super::{names, subjects};

/// A question.
#[derive(Debug, Clone)]
pub struct MayQuestion {
    /// Who, by id or name.
    pub subject: String,
    /// Whether a service is meant, not a user.
    pub is_service: bool,
    /// What.
    pub permission: Permission,
    /// Where.
    pub scope: ScopePath,
    /// When; now, if nothing is said.
    pub at: Option<Moment>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MayAnswer {
    /// Whether it is allowed.
    pub allowed: bool,
    /// By which revision.
    pub revision: Revision,
    /// Why, line by line, the same as everywhere.
    pub reasons: Vec<String>,
}

impl Administration {
    /// Decides by what the database holds. `why` reads, for a denial now, everything that could open it: the whole
    /// organization. Nothing is put on record: nobody acts on the answer.
    ///
    /// # Errors
    /// [`CannotJudge`].
    pub fn may(
        &self,
        organization: OrganizationId,
        question: &MayQuestion,
        why: bool,
    ) -> Result<MayAnswer, CannotJudge> {
        let subject = self.live.read(|tx| {
            let subject_type = if question.is_service { "service" } else { "user" };
            subjects::named(tx, organization, subject_type, &question.subject, question.at.is_some())
        })?;
        let now = question.at.unwrap_or_else(|| self.clock.now());
        let explain = |rules: &Rules<'_>| {
            let resource = Resource { resource_type: question.scope.kind().as_str(), id: question.scope.as_str() };
            let circumstances = Circumstances::default();
            let permission = question.permission.as_str();
            let asked = Question { subject, permission, resource, circumstances: Some(&circumstances) };
            rules.explain(&asked, now)
        };
        let (mut explanation, mut revision) = if let Ok(subject) = subject {
            let slice = self.live.slice(organization, subject, std::slice::from_ref(&question.scope), question.at)?;
            (explain(&slice.rules()), slice.revision)
        } else {
            // Nobody is meant: no graph could say more.
            let revision = self.live.read(|tx| organizations::revision(tx, organization))?.unwrap_or_default();
            let (graph, guardrails) = (Graph::empty(), Guardrails::none());
            (explain(&Rules { graph: &graph, guardrails: &guardrails, lifetimes: Lifetimes::default() }), revision)
        };
        if why && !explanation.is_allowed() && question.at.is_none() && subject.is_ok() {
            // A slice does not know what would open the way.
            (explanation, revision) = self.live.judge(organization, |rules, revision| (explain(rules), revision))?;
        }
        let names = self.live.read(|tx| names::of(tx, organization, &explanation))?;
        Ok(MayAnswer { allowed: explanation.is_allowed(), revision, reasons: explanation.lines(&names) })
    }
}
