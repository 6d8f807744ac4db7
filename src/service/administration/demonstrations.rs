//! Organizations that are made up: marked before anything happens in them, in their own log too.

use serde_json::json;

use crate::db::AdministrationRow;
use crate::db::demonstrations::{self, Demonstration};
use crate::live::Decision;
use crate::model::{OrganizationId, ResourceId};

use super::{Administration, AdministrationError, decisive};

impl Administration {
    /// Marks an organization as made up from a seed. There is no way back: what was once made up stays marked.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub fn mark_demonstration(&self, organization: OrganizationId, seed: i64) -> Result<(), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            if demonstrations::of(tx, organization)?.is_some() {
                return Ok(Decision::Unchanged(()));
            }
            let now = self.clock.now();
            let mut set =
                decisive(organization, vec![AdministrationRow::Demonstration(Demonstration { seed, since: now })]);
            let details = json!({ "seed": seed, "real": false });
            set.events.push(cause.event(now, "organization.demonstration", ResourceId::from(organization), &details));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// What says that an organization is made up; `None` where people are real.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn demonstration(&self, organization: OrganizationId) -> Result<Option<Demonstration>, AdministrationError> {
        Ok(self.live.read(|tx| demonstrations::of(tx, organization))?)
    }
}
