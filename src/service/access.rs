//! Administration of access: permissions, roles, scopes, assignments, services, gates, each change with its event.
//!
//! What is changed here is decided on one state of all of it ([`AccessState`]): of two who decide at the same time the
//! second decides again.

pub mod administrators;
mod apply;
pub(in crate::service) mod assignments;
mod catalogue;
pub mod decide;
pub mod decision_log;
mod document;
mod gates;
pub mod github;
mod guardrails;
mod may;
mod names;
mod offers;
mod passages;
mod preview;
mod principals;
pub(in crate::service) mod pushed;
mod replay;
mod roles;
mod scopes;
mod services;
mod subjects;
mod then;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::db::access::{AccessRow, AccessState};
use crate::db::{Tx, WriteSet, access};
use crate::live::Decision;
use crate::model::{Assignment, Moment, OrganizationId, ResourceId, Revision};

use super::administration::{Administration, AdministrationError};

pub use apply::{apply, plan};
pub use assignments::{Narrowing, NewAssignment, ShownAssignment};
pub use gates::gate_key;
pub use guardrails::ShownGuardrail;
pub use may::{MayAnswer, MayQuestion};
pub use names::of as names_of;
pub use passages::{Passage, Passages};
pub use preview::Preview;
pub use principals::WantedPrincipal;
pub use roles::ShownRole;
pub use scopes::{NewScope, ScopeChange};
pub use services::{NewService, ServiceChange};
pub use then::NamedUser;

type Result<T> = std::result::Result<T, AdministrationError>;

/// A change that is being worked out, on one state of the administration of access.
struct Change<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    organization: OrganizationId,
    now: Moment,
    state: AccessState,
    only_at: Option<Revision>,
    rows: Vec<AccessRow>,
    events: Vec<(&'static str, ResourceId, Value)>,
    takes_access: bool,
    /// People who are made with it.
    people: WriteSet,
}

impl Change<'_, '_> {
    fn event(&mut self, action: &'static str, resource: impl Into<ResourceId>, details: Value) {
        self.events.push((action, resource.into(), details));
    }

    /// An assignment is over.
    fn end(&mut self, assignment: &Assignment) {
        self.event("assignment.removed", assignment.id, assignments::details(assignment));
        self.rows.push(AccessRow::AssignmentEnds(assignment.id));
    }
}

impl Administration {
    /// Works out one change of access without making it: what it would come to, and what it would answer.
    ///
    /// # Errors
    /// Those of the change.
    pub fn try_out<T>(&self, change: impl FnOnce(&Self) -> Result<T>) -> Result<(Preview, T)> {
        let trial = Arc::new(Mutex::new(None));
        let mut trying = Self::new(self.live.clone(), self.clock.clone(), self.actor);
        trying.trial = Some(Arc::clone(&trial));
        let answer = change(&trying)?;
        let preview = trial.lock().unwrap_or_else(PoisonError::into_inner).take();
        let preview =
            preview.ok_or_else(|| AdministrationError::Unfitting("nothing of access was changed".to_owned()))?;
        Ok((preview, answer))
    }

    /// Access is changed through it only if the change comes to what the preview of this fingerprint said.
    #[must_use]
    pub fn expecting(mut self, fingerprint: String) -> Self {
        self.expected = Some(fingerprint);
        self
    }

    /// At which revision anything of access was changed last.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn access_revision(&self, organization: OrganizationId) -> Result<Revision> {
        Ok(self.live.read(|tx| access::state(tx, organization))?.revision)
    }

    /// Works out a change and writes it; where it comes to no rows, nothing is written and nothing put on record.
    fn change_access<T>(
        &self,
        organization: OrganizationId,
        mut work: impl FnMut(&mut Change<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let state = access::state(tx, organization)?;
            if self.only_at.is_some_and(|revision| revision != state.revision) {
                let message = "access was changed by somebody else meanwhile; read again what is to be changed";
                return Err(AdministrationError::PreconditionFailed(message.to_owned()));
            }
            let now = self.clock.now();
            let (only_at, rows, events, takes_access) = (None, Vec::new(), Vec::new(), false);
            let people = WriteSet::new(organization);
            let mut change = Change { tx, organization, now, state, only_at, rows, events, takes_access, people };
            let answer = work(&mut change)?;
            if self.trial.is_some() || self.expected.is_some() {
                let preview = preview::of(&mut change)?;
                if self.expected.as_ref().is_some_and(|expected| *expected != preview.fingerprint) {
                    return Err(AdministrationError::PreconditionFailed(format!(
                        "the change would come to something else by now, its fingerprint is `{}`; look at it again",
                        preview.fingerprint
                    )));
                }
                if let Some(trial) = &self.trial {
                    *trial.lock().unwrap_or_else(PoisonError::into_inner) = Some(preview);
                    return Ok(Decision::Unchanged(answer));
                }
            }
            let Change { only_at, rows, events, takes_access, people, .. } = change;
            if events.is_empty() && people.events.is_empty() {
                return Ok(Decision::Unchanged(answer));
            }
            let mut set = people;
            (set.takes_revision, set.takes_access, set.only_at) = (true, takes_access, only_at);
            (set.access, set.access_state) = (rows, Some(change.state));
            let told = |(action, resource, details)| cause.event(now, action, resource, &details);
            set.events.extend(events.into_iter().map(told));
            Ok(Decision::Write(Box::new(set), answer))
        })
    }
}
