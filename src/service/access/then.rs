//! Several gates at once, now or in the past: which of them somebody could pass, and who could pass each.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::decide::{Circumstances, Question, Rules};
use crate::access::graph::{Graph, Lifetimes, Resource};
use crate::access::guardrail::Guardrails;
use crate::db::DatabaseError;
use crate::db::access::people;
use crate::db::users::Status;
use crate::live::{AGate, CannotJudge, Everybody, passing};
use crate::model::{Moment, OrganizationId, ScopePath, UserId};

use super::{Administration, MayAnswer, Result, names, subjects};

/// A user as the past names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUser {
    /// What it is called now, or was last.
    pub name: String,
    /// Whether it is there yet.
    pub is_listed: bool,
}

impl Administration {
    /// The gates that are watched now, without asking who can pass.
    ///
    /// # Errors
    /// [`super::AdministrationError::CannotJudge`].
    pub fn watched_gates(&self, organization: OrganizationId) -> Result<Vec<AGate>> {
        let watched = self.live.judge(organization, |rules, _| rules.watched_gates())?;
        Ok(watched.into_iter().map(|(scope, permission, _)| (permission, scope)).collect())
    }

    /// Whether a user may pass each of some gates, at `at` or now: read once for all of them. Nothing is put on record.
    ///
    /// # Errors
    /// [`CannotJudge`].
    pub fn may_each(
        &self,
        organization: OrganizationId,
        user: &str,
        gates: &[AGate],
        at: Option<Moment>,
    ) -> std::result::Result<Vec<MayAnswer>, CannotJudge> {
        let subject = self.live.read(|tx| subjects::named(tx, organization, "user", user, at.is_some()))?;
        let now = at.unwrap_or_else(|| self.clock.now());
        let circumstances = Circumstances::default();
        let explained = |rules: &Rules<'_>| -> Vec<_> {
            let explain = |(permission, scope): &AGate| {
                let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
                let permission = permission.as_str();
                let asked = Question { subject, permission, resource, circumstances: Some(&circumstances) };
                rules.explain(&asked, now)
            };
            gates.iter().map(explain).collect()
        };
        let (explanations, revision) = if let Ok(known) = subject {
            let scopes: Vec<ScopePath> = gates.iter().map(|(_, scope)| scope.clone()).collect();
            let slice = self.live.slice(organization, known, &scopes, at)?;
            (explained(&slice.rules()), slice.revision)
        } else {
            // Nobody is meant: no graph could say more.
            let (graph, guardrails) = (Graph::empty(), Guardrails::none());
            let lifetimes = Lifetimes::default();
            let nothing = Rules { graph: &graph, guardrails: &guardrails, lifetimes };
            (explained(&nothing), crate::model::Revision::default())
        };
        let answers = self.live.read(|tx| {
            let answer = |explanation: crate::access::explain::Explanation| {
                let names = names::of(tx, organization, &explanation)?;
                Ok(MayAnswer { allowed: explanation.is_allowed(), revision, reasons: explanation.lines(&names) })
            };
            explanations.into_iter().map(answer).collect::<std::result::Result<Vec<_>, DatabaseError>>()
        })?;
        Ok(answers)
    }

    /// Who could pass each of some gates at a moment.
    ///
    /// # Errors
    /// [`CannotJudge`].
    pub fn passed_at(
        &self,
        organization: OrganizationId,
        gates: &[AGate],
        at: Moment,
    ) -> std::result::Result<Everybody, CannotJudge> {
        Ok(self.live.everybody_at(organization, gates, at)?)
    }

    /// Who can pass each of some gates now: from memory.
    ///
    /// # Errors
    /// [`CannotJudge`].
    pub fn passing_now(
        &self,
        organization: OrganizationId,
        gates: &[AGate],
    ) -> std::result::Result<Vec<BTreeSet<UserId>>, CannotJudge> {
        let now = self.clock.now();
        self.live.judge(organization, |rules, _| gates.iter().map(|gate| passing(rules, gate, now)).collect())
    }

    /// What users are called, deleted ones too.
    ///
    /// # Errors
    /// [`super::AdministrationError::Database`].
    pub fn named_users(
        &self,
        organization: OrganizationId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, NamedUser>> {
        let found = self.live.read(|tx| people::by_ids(tx, organization, users.iter().copied()))?;
        let named = found.into_iter().map(|person| {
            let is_listed = person.status != Status::Deleted;
            (person.id, NamedUser { name: person.user_name_key, is_listed })
        });
        Ok(named.collect())
    }
}
