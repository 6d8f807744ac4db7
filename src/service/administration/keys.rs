//! Keys: those with which the deployment signs tokens, and the one with which an organization's bundles are signed.

use std::sync::Arc;

use serde_json::json;

use crate::db::organizations::{self, Organization};
use crate::db::{AdministrationRow, Tx};
use crate::evidence::key::{SigningKey, VerifierKey};
use crate::live::{Decision, SigningKeys};
use crate::model::ResourceId;

use super::{Administration, AdministrationError, decisive};

impl Administration {
    /// Every key with which the deployment signs tokens; makes the first ones.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub fn signing_keys(&self) -> Result<Arc<SigningKeys>, AdministrationError> {
        Ok(self.live.signing_keys()?)
    }

    /// Rotates the keys with which the deployment signs tokens: with an overlap, or `at_once`.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub fn rotate_signing_keys(&self, at_once: bool) -> Result<(), AdministrationError> {
        Ok(self.live.rotate_signing_keys(at_once)?)
    }

    /// What an organization's bundles are verified with; its key is made when it is first asked for. `host` names the
    /// deployment.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub fn verifier_key(&self, organization: &Organization, host: &str) -> Result<VerifierKey, AdministrationError> {
        Ok(self.evidence_key(organization, host)?.verifier().clone())
    }

    /// What an organization's bundles are signed with, made when it is first needed.
    pub(in crate::service) fn evidence_key(
        &self,
        organization: &Organization,
        host: &str,
    ) -> Result<SigningKey, AdministrationError> {
        let name = format!("{host}/{}", organization.slug);
        let cause = self.cause(organization.id);
        let key = |tx: &mut Tx<'_>| self.live.evidence_key(tx, organization.id, &name);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two from making one at once.
            let seen = organizations::revision(tx, organization.id)?;
            if key(tx)?.is_some() {
                return Ok::<_, AdministrationError>(Decision::Unchanged(()));
            }
            let now = self.clock.now();
            let row = self.live.new_evidence_key(organization.id, now)?;
            let mut set = decisive(organization.id, vec![AdministrationRow::Key(row)]);
            set.only_at = seen;
            set.events.push(cause.event(now, "key.created", ResourceId::from(organization.id), &json!({})));
            Ok(Decision::Write(Box::new(set), ()))
        })?;
        let made = self.live.read(|tx| key(tx))?;
        let missing = || AdministrationError::NotFound("the organization has no key to sign with".to_owned());
        made.ok_or_else(missing)
    }
}
