//! The company's pipelines: before each deployment they ask, and what they were answered is on record.

use crate::access::decide::Circumstances;
use crate::access::graph::Resource;
use crate::ids;
use crate::model::{Actor, Caller, CredentialId, CredentialKind, OrganizationId};
use crate::service::access::decide::Asking;
use crate::service::{ServiceError, Services};

use super::{DemonstrationError, TOKEN_MICROS, local};

/// Something that deploys, by a token of its own.
pub(super) struct Pipeline(CredentialId);

impl Pipeline {
    pub(super) fn new(services: &Services, organization: OrganizationId) -> Result<Self, DemonstrationError> {
        let administration = services.administration(&local(services, organization));
        let (credential, _token) =
            administration.issue_credential(organization, CredentialKind::Pep, None, TOKEN_MICROS)?;
        Ok(Self(credential))
    }

    /// Asks whether somebody may deploy a project to production, and goes by the answer.
    ///
    /// # Errors
    /// [`ServiceError`] when it could not be judged.
    pub(super) fn ask(
        &self,
        services: &Services,
        organization: OrganizationId,
        who: &str,
        scope: &str,
    ) -> Result<(), ServiceError> {
        let request = ids::request(services.clock.now());
        let caller = Caller::local(organization, Actor::Credential(self.0), request);
        let asking = Asking {
            subject_type: "user",
            subject: who,
            permission: "deploy:run",
            resource: Resource { resource_type: "environment", id: scope },
            circumstances: Circumstances::default(),
            facts: String::new(),
        };
        services.decide(&caller, &asking).map(drop)
    }
}
