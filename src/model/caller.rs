//! Who is acting.

use std::sync::Arc;

use super::{AccountId, Believed, ConnectionId, Credential, CredentialId, OrganizationId, Profile, RequestId};

/// A SCIM caller as its credential says: nothing of it comes from the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant every statement of this request is bound to.
    pub organization: OrganizationId,
    /// The connection it provisions for.
    pub connection: ConnectionId,
    /// How that connection behaves.
    pub profile: Profile,
    /// Whether writes are refused for now.
    pub paused: bool,
    /// Whether `roles` it sends are assigned, and it sees what may be.
    pub assigns_roles: bool,
    /// Who acts, as events name them.
    pub actor: Actor,
    /// The request, as logs and events name it.
    pub request: RequestId,
    /// SHA-256 of the request's body, where there was one.
    pub digest: Option<[u8; 32]>,
}

impl Caller {
    /// Somebody who administers what no connection manages: local users and groups.
    pub const fn local(organization: OrganizationId, actor: Actor, request: RequestId) -> Self {
        let (connection, profile) = (ConnectionId::NOBODY, Profile::Default);
        let (paused, assigns_roles) = (false, false);
        Self { organization, connection, profile, paused, assigns_roles, actor, request, digest: None }
    }
}

/// Somebody who administers an organization over HTTP, as the credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Who calls, for the use cases of local users and groups.
    pub caller: Caller,
    /// Whether anything may be changed; an auditor only reads.
    pub may_write: bool,
}

/// Somebody who asks for decisions, as the credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcementPoint {
    /// Who calls.
    pub caller: Caller,
    /// By what.
    pub credential: Arc<Credential>,
}

impl EnforcementPoint {
    /// What it may say of an act and is believed.
    pub fn believed(&self) -> &Believed {
        &self.credential.believed
    }
}

/// Who did it, as events name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A provisioning connection, by one of its credentials.
    Connection(ConnectionId, CredentialId),
    /// Somebody who administers over HTTP, by a credential that belongs to no connection.
    Credential(CredentialId),
    /// Somebody signed in to the console.
    Account(AccountId),
    /// Somebody at the command line of this server.
    CommandLine,
    /// The server itself: set-up, expiry.
    Server,
}

impl Actor {
    /// The credential it came with, where it came with one.
    pub const fn credential(self) -> Option<CredentialId> {
        match self {
            Self::Connection(_, credential) | Self::Credential(credential) => Some(credential),
            Self::Account(_) | Self::CommandLine | Self::Server => None,
        }
    }
}
