//! Administration of access: permissions, roles, scopes, assignments, services, gates, each change with its event.
//!
//! What is changed here is decided on one state of all of it ([`AccessState`]): of two who decide at the same time the
//! second decides again.

pub mod administrators;
mod assignments;
mod catalogue;
pub mod decide;
pub mod decision_log;
mod gates;
mod may;
mod names;
mod principals;
mod roles;
mod scopes;
mod services;

use serde_json::Value;

use crate::db::access::{AccessRow, AccessState};
use crate::db::{Tx, WriteSet, access};
use crate::live::Decision;
use crate::model::{Moment, OrganizationId, ResourceId, Revision};

use super::administration::{Administration, AdministrationError};

pub use assignments::{NewAssignment, ShownAssignment};
pub use may::{MayAnswer, MayQuestion};
pub use names::of as names_of;
pub use principals::WantedPrincipal;
pub use roles::ShownRole;
pub use scopes::{NewScope, ScopeChange};
pub use services::NewService;

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
}

impl Change<'_, '_> {
    fn event(&mut self, action: &'static str, resource: impl Into<ResourceId>, details: Value) {
        self.events.push((action, resource.into(), details));
    }
}

impl Administration {
    /// Works out a change and writes it; where it comes to no rows, nothing is written and nothing put on record.
    fn change_access<T>(
        &self,
        organization: OrganizationId,
        mut work: impl FnMut(&mut Change<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let state = access::state(tx, organization)?;
            let now = self.clock.now();
            let (only_at, rows, events, takes_access) = (None, Vec::new(), Vec::new(), false);
            let mut change = Change { tx, organization, now, state, only_at, rows, events, takes_access };
            let answer = work(&mut change)?;
            let Change { only_at, rows, events, takes_access, .. } = change;
            if events.is_empty() {
                return Ok(Decision::Unchanged(answer));
            }
            let mut set = WriteSet::new(organization);
            (set.takes_revision, set.takes_access, set.only_at) = (true, takes_access, only_at);
            (set.access, set.access_state) = (rows, Some(change.state));
            set.events = events
                .into_iter()
                .map(|(action, resource, details)| cause.event(now, action, resource, &details))
                .collect();
            Ok(Decision::Write(Box::new(set), answer))
        })
    }
}
