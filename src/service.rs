//! USE CASES, one file each; synchronous: authorize, load, decide, store.

pub mod access;
pub mod accounts;
pub mod administration;
pub mod demonstration;
mod error;
pub mod exports;
pub mod invitations;
pub mod leavers;
pub mod log;
pub mod mirrors;
pub mod notifications;
pub mod oauth;
pub mod people;
pub mod post;
pub mod practice;
pub mod provisioning;
mod readiness;
pub mod reconciliation;
pub mod signals;
pub mod unknown_ids;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::live::{Admission, Live, jwt};
use crate::model::{
    Actor, Administrator, Caller, Credential, CredentialKind, EnforcementPoint, OrganizationId, RequestId,
};
use crate::scim::schema::ResourceTypes;

use administration::Administration;

pub use error::ServiceError;
pub use readiness::Readiness;

/// Where the SCIM surface begins.
const SCIM: &str = "/scim/v2";

/// What every use case works with; clones share it.
#[derive(Clone)]
pub struct Services {
    /// What is held in memory, and the one door for writes.
    pub live: Live,
    /// The resource types this server speaks; those of an organization, after [`Services::within`].
    pub types: ResourceTypes,
    /// The base of every link, without a trailing slash: `https://muster.example.com`.
    pub public_url: String,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Services {
    /// The base URL of the SCIM surface.
    pub fn scim_base(&self) -> String {
        [self.public_url.as_str(), SCIM].concat()
    }

    /// The services as an organization has them, with the schemas it has added. `None` when the database must be asked:
    /// then call [`Services::within`] on a thread that may block.
    pub fn within_from_memory(&self, organization: OrganizationId) -> Option<Self> {
        let types = self.live.types_from_memory(organization)?;
        Some(Self { types, ..self.clone() })
    }

    /// The services as an organization has them, with the schemas it has added. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`], [`ServiceError::Internal`].
    pub fn within(&self, organization: OrganizationId) -> Result<Self, ServiceError> {
        let types = self.live.types(organization, &self.types)?;
        Ok(Self { types, ..self.clone() })
    }

    /// The services as a connection sees them that assigns roles.
    #[must_use]
    pub fn with_roles(&self) -> Self {
        Self { types: self.types.with_roles(), ..self.clone() }
    }

    /// Admits a SCIM caller by its bearer token. `None` when the answer needs the database: then call
    /// [`Services::admit`] on a thread that may block.
    pub fn admit_from_memory(&self, token: &str, request: RequestId) -> Option<Result<Caller, ServiceError>> {
        self.remembered(token).map(|admission| self.caller(admission, request))
    }

    /// Admits a SCIM caller by its bearer token. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unauthorized`], and [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn admit(&self, token: &str, request: RequestId) -> Result<Caller, ServiceError> {
        self.caller(self.judged(token, oauth::SCIM), request)
    }

    fn caller(&self, admission: Admission, request: RequestId) -> Result<Caller, ServiceError> {
        match admission {
            Admission::Granted(credential, connection)
                if credential.kind == CredentialKind::Scim && credential.expires_at > self.clock.now() =>
            {
                Ok(Caller {
                    organization: credential.organization,
                    connection: connection.id,
                    profile: connection.profile,
                    paused: connection.paused,
                    assigns_roles: connection.assigns_roles,
                    actor: Actor::Connection(connection.id, credential.id),
                    request,
                    digest: None,
                })
            }
            Admission::Granted(..) | Admission::Refused => Err(ServiceError::Unauthorized),
            Admission::CannotTell(why) => Err(ServiceError::Unavailable(why)),
        }
    }

    /// Admits somebody who administers, by a bearer token of kind `admin` or `auditor`. `None` when the answer needs the
    /// database: then call [`Services::admit_administrator`] on a thread that may block.
    pub fn admit_administrator_from_memory(
        &self,
        token: &str,
        request: RequestId,
    ) -> Option<Result<Administrator, ServiceError>> {
        self.live.admit_from_memory(token).map(|admission| self.administrator(admission, request))
    }

    /// Admits somebody who administers, by a bearer token of kind `admin` or `auditor`. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unauthorized`], and [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn admit_administrator(&self, token: &str, request: RequestId) -> Result<Administrator, ServiceError> {
        self.administrator(self.live.admit(token), request)
    }

    fn administrator(&self, admission: Admission, request: RequestId) -> Result<Administrator, ServiceError> {
        let credential = self.admitted(admission)?;
        let may_write = match credential.kind {
            CredentialKind::Admin => true,
            CredentialKind::Auditor => false,
            CredentialKind::Scim | CredentialKind::Pep | CredentialKind::Receiver => {
                return Err(ServiceError::Unauthorized);
            }
        };
        let caller = Caller::local(credential.organization, Actor::Credential(credential.id), request);
        Ok(Administrator { caller, may_write })
    }

    /// Admits whoever asks for decisions, by a bearer token of kind `pep`. `None` when the answer needs the database: then
    /// call [`Services::admit_enforcement_point`] on a thread that may block.
    pub fn admit_enforcement_point_from_memory(
        &self,
        token: &str,
        request: RequestId,
    ) -> Option<Result<EnforcementPoint, ServiceError>> {
        self.remembered(token).map(|admission| self.enforcement_point(admission, request))
    }

    /// Admits whoever asks for decisions, by a bearer token of kind `pep`. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unauthorized`], and [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn admit_enforcement_point(&self, token: &str, request: RequestId) -> Result<EnforcementPoint, ServiceError> {
        self.enforcement_point(self.judged(token, oauth::EVALUATE), request)
    }

    fn enforcement_point(&self, admission: Admission, request: RequestId) -> Result<EnforcementPoint, ServiceError> {
        let credential = self.admitted(admission)?;
        if credential.kind != CredentialKind::Pep {
            return Err(ServiceError::Unauthorized);
        }
        let caller = Caller::local(credential.organization, Actor::Credential(credential.id), request);
        Ok(EnforcementPoint { caller, credential })
    }

    /// The credential, if it stands and has not expired.
    fn admitted(&self, admission: Admission) -> Result<Arc<Credential>, ServiceError> {
        match admission {
            Admission::Granted(credential, _) if credential.expires_at > self.clock.now() => Ok(credential),
            Admission::Granted(..) | Admission::Refused => Err(ServiceError::Unauthorized),
            Admission::CannotTell(why) => Err(ServiceError::Unavailable(why)),
        }
    }

    /// How many connections of the deployment fare how, by [`Health::as_str`](crate::model::Health::as_str).
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn healths(&self) -> Result<BTreeMap<&'static str, i64>, ServiceError> {
        Ok(self.administration_by_server().healths()?)
    }

    /// Administration by the server itself.
    pub fn administration_by_server(&self) -> Administration {
        Administration::new(self.live.clone(), self.clock.clone(), Actor::Server)
    }

    /// Admits a receiver, by a bearer token of kind `receiver`; `scope` is what it wants. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unauthorized`], and [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn admit_receiver(&self, token: &str, scope: &str, request: RequestId) -> Result<Caller, ServiceError> {
        let credential = self.admitted(self.judged(token, scope))?;
        if credential.kind != CredentialKind::Receiver {
            return Err(ServiceError::Unauthorized);
        }
        Ok(Caller::local(credential.organization, Actor::Credential(credential.id), request))
    }

    /// Judges a token by what is in memory; `None` when the database must be asked, as for every signed one.
    fn remembered(&self, token: &str) -> Option<Admission> {
        if jwt::is_meant(token) { None } else { self.live.admit_from_memory(token) }
    }

    /// Judges a token of any form that must be good for `scope`. Blocks.
    fn judged(&self, token: &str, scope: &str) -> Admission {
        let (admission, granted) = oauth::admit(self, token);
        if granted.allows(scope) { admission } else { Admission::Refused }
    }

    /// Administration in one request.
    pub fn administration(&self, caller: &Caller) -> Administration {
        Administration::new(self.live.clone(), self.clock.clone(), caller.actor).within(caller.request)
    }
}

#[cfg(test)]
mod tests;
