//! Administration: organizations, connections and credentials, each change with its event.

mod connections;
mod error;
mod first_start;
mod organizations;
mod tokens;

use crate::clock::Clock;
use crate::db::{AdministrationRow, WriteSet};
use crate::ids;
use crate::live::{Cause, Live};
use crate::model::{Actor, OrganizationId};

pub use error::AdministrationError;
pub use tokens::{NewToken, Revocation};

/// Somebody who administers, and the door they go through.
pub struct Administration {
    live: Live,
    clock: Clock,
    actor: Actor,
}

impl Administration {
    /// Everything done through it is put on record as done by `actor`.
    pub const fn new(live: Live, clock: Clock, actor: Actor) -> Self {
        Self { live, clock, actor }
    }

    fn cause(&self, organization: OrganizationId) -> Cause {
        Cause { organization, actor: self.actor, request: ids::request(self.clock.now()) }
    }
}

/// Rows that can alter a decision: they take a revision, which every server follows.
fn decisive(organization: OrganizationId, rows: Vec<AdministrationRow>) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.takes_revision = true;
    set.administration = rows;
    set
}
