//! What admits a caller.

use super::{Believed, ConnectionId, CredentialId, Moment, OrganizationId};

/// What a credential is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// Provisioning over SCIM, for one connection.
    Scim,
    /// Asking for decisions (policy enforcement point).
    Pep,
    /// Receiving security events.
    Receiver,
    /// Administration.
    Admin,
    /// Reading evidence.
    Auditor,
}

impl CredentialKind {
    /// Every kind, in the order they are documented.
    pub const ALL: [Self; 5] = [Self::Scim, Self::Pep, Self::Receiver, Self::Admin, Self::Auditor];

    /// The name on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Pep => "pep",
            Self::Receiver => "receiver",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The row that admits a caller. The secret itself is shown once and never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its organization.
    pub organization: OrganizationId,
    /// Its identifier, which the token bears in clear.
    pub id: CredentialId,
    /// What it is good for.
    pub kind: CredentialKind,
    /// The connection it provisions for; [`ConnectionId::NOBODY`] unless the kind is `scim`.
    pub connection: ConnectionId,
    /// What its caller may say of an act and is believed, where it asks for decisions.
    pub believed: Believed,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// Not admitted from then on.
    pub expires_at: Moment,
    /// Not admitted since then.
    pub revoked_at: Option<Moment>,
}
