//! Administration: organizations, connections, credentials and keys, each change with its event.

mod clients;
pub(in crate::service) mod connections;
mod demonstrations;
mod error;
mod expected;
mod first_start;
mod identity_providers;
mod keys;
mod organizations;
mod put_back;
mod receivers;
mod request_log;
mod schemas;
mod tokens;

use std::sync::{Arc, Mutex};

use crate::clock::Clock;
use crate::db::{AdministrationRow, WriteSet};
use crate::ids;
use crate::live::{Cause, Live};
use crate::model::{Actor, OrganizationId, RequestId, Revision};
use crate::service::access::Preview;

pub use crate::db::credentials::StoredCredential;
pub use crate::db::demonstrations::Demonstration;
pub use crate::db::receivers::StoredReceiver;
pub use clients::{NewClient, NewIssuer, claims};
pub use connections::ConnectionChange;
pub use error::AdministrationError;
pub use expected::Expected;
pub use identity_providers::ProviderSecret;
pub use put_back::PutBack;
pub use receivers::{NewReceiver, ReceiverChange, receivers_by_state};
pub use request_log::{RequestRow, Shown};
pub use schemas::AddedSchema;
pub use tokens::{NewToken, Revocation, newest_of};

/// Somebody who administers, and the door they go through.
#[derive(Clone)]
pub struct Administration {
    pub(in crate::service) live: Live,
    pub(in crate::service) clock: Clock,
    pub(in crate::service) actor: Actor,
    request: Option<RequestId>,
    pub(in crate::service) only_at: Option<Revision>,
    pub(in crate::service) expected: Option<String>,
    pub(in crate::service) trial: Option<Arc<Mutex<Option<Preview>>>>,
}

impl Administration {
    /// Everything done through it is put on record as done by `actor`.
    pub const fn new(live: Live, clock: Clock, actor: Actor) -> Self {
        Self { live, clock, actor, request: None, only_at: None, expected: None, trial: None }
    }

    /// Everything done through it happens in this one request; else each change is a request of its own.
    #[must_use]
    pub const fn within(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// Access is changed through it only while the last change to it was at this revision.
    #[must_use]
    pub const fn only_at(mut self, state: Revision) -> Self {
        self.only_at = Some(state);
        self
    }

    pub(in crate::service) fn cause(&self, organization: OrganizationId) -> Cause {
        let request = self.request.unwrap_or_else(|| ids::request(self.clock.now()));
        Cause { organization, actor: self.actor, request }
    }
}

/// Rows that can alter a decision: they take a revision, which every server follows.
fn decisive(organization: OrganizationId, rows: Vec<AdministrationRow>) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.takes_revision = true;
    set.administration = rows;
    set
}
