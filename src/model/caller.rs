//! Who is acting.

use super::{ConnectionId, CredentialId, OrganizationId, Profile, RequestId};

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
    /// The credential it came with.
    pub credential: CredentialId,
    /// The request, as logs and events name it.
    pub request: RequestId,
}

/// Who did it, as events name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A provisioning connection, by one of its credentials.
    Connection(ConnectionId, CredentialId),
    /// Somebody at the command line of this server.
    CommandLine,
    /// The server itself: set-up, expiry.
    Server,
}
