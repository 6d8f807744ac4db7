//! May this subject do this here? Asked of the database itself, now or of the past, by whoever stands at it.

use std::collections::BTreeSet;

use crate::access::decide::{Circumstances, Question, Rules};
use crate::access::graph::{Denial, Graph, Lifetimes, Resource, Subject};
use crate::access::guardrail::Guardrails;
use crate::db::access::principals::{self, LookUp};
use crate::db::access::{people, services, state};
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx, organizations};
use crate::live::{CannotJudge, Slice};
use crate::model::{Moment, OrganizationId, Permission, Revision, ScopePath, ServiceId, UserId, fold};

use super::Administration;
use super::names;

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
        let subject = self.live.read(|tx| subject(tx, organization, question))?;
        let now = question.at.unwrap_or_else(|| self.clock.now());
        let explain = |rules: &Rules<'_>| {
            let resource = Resource { resource_type: question.scope.kind().as_str(), id: question.scope.as_str() };
            let circumstances = Circumstances::default();
            let permission = question.permission.as_str();
            let asked = Question { subject, permission, resource, circumstances: Some(&circumstances) };
            rules.explain(&asked, now)
        };
        let (guardrails, lifetimes) = (Guardrails::none(), Lifetimes::default());
        let (mut explanation, mut revision) = if let Ok(subject) = subject {
            let Slice { graph, revision } = self.live.slice(organization, subject, &question.scope, question.at)?;
            (explain(&Rules { graph: &graph, guardrails: &guardrails, lifetimes }), revision)
        } else {
            // Nobody is meant: no graph could say more.
            let revision = self.live.read(|tx| organizations::revision(tx, organization))?.unwrap_or_default();
            (explain(&Rules { graph: &Graph::empty(), guardrails: &guardrails, lifetimes }), revision)
        };
        if why && question.at.is_none() && !explanation.is_allowed() && subject.is_ok() {
            (explanation, revision) = self.live.judge(organization, |graph, revision| {
                (explain(&Rules { graph, guardrails: &guardrails, lifetimes }), revision)
            })?;
        }
        let names = self.live.read(|tx| names::of(tx, organization, &explanation))?;
        Ok(MayAnswer { allowed: explanation.is_allowed(), revision, reasons: explanation.lines(&names) })
    }
}

/// Who is meant: an id, a userName or the name of a service; an e-mail address or externalId where the organization says
/// so. More than one is nobody.
fn subject(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    question: &MayQuestion,
) -> Result<Result<Subject, Denial>, DatabaseError> {
    let text = question.subject.as_str();
    let mut found: BTreeSet<Subject> = BTreeSet::new();
    if question.is_service {
        if let Ok(id) = text.parse::<ServiceId>()
            && services::by_id(tx, organization, id)?.is_some()
        {
            found.insert(Subject::Service(id));
        }
        found.extend(services::by_name(tx, organization, text)?.map(|row| Subject::Service(row.service.id)));
    } else {
        let setting = state(tx, organization)?;
        let mut users = principals::users(tx, organization, LookUp::UserName, &fold(text))?;
        if setting.subjects_by_email {
            users.extend(principals::users(tx, organization, LookUp::Email, &fold(text))?);
        }
        if setting.subjects_by_external_id {
            users.extend(principals::users(tx, organization, LookUp::ExternalId, text)?);
        }
        if let Ok(id) = text.parse::<UserId>() {
            // Of the past a leaver may be asked too, by id.
            let known = people::by_ids(tx, organization, [id])?;
            let present = |status: Status| status != Status::Deleted || question.at.is_some();
            users.extend(known.iter().filter(|person| present(person.status)).map(|person| person.id));
        }
        found.extend(users.into_iter().map(Subject::User));
    }
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Denial::UnknownSubject),
        (Some(_), Some(_)) => Err(Denial::AmbiguousSubject),
    })
}
