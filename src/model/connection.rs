//! Provisioning sources.

use std::fmt::Write;

use super::{ConnectionId, OrganizationId};

/// How a connection behaves where identity providers contradict each other and the RFC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Takes everything every known identity provider sends.
    #[default]
    Default,
    /// RFC 7643 and 7644 to the letter.
    Rfc,
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// The interoperability profile.
    Interop,
    /// Groups of GitHub, which the server itself brings; nobody provisions over it.
    Github,
}

impl Profile {
    /// The name on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Rfc => "rfc",
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Interop => "interop",
            Self::Github => "github",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Default, Self::Rfc, Self::Okta, Self::Entra, Self::Interop, Self::Github];
        all.into_iter().find(|profile| profile.as_str() == name)
    }
}

/// One provisioning source: an Okta app, an Entra job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its organization.
    pub organization: OrganizationId,
    /// Its identifier.
    pub id: ConnectionId,
    /// Its name, unique in the organization.
    pub name: String,
    /// How it behaves.
    pub profile: Profile,
    /// A paused connection is refused every write.
    pub paused: bool,
    /// Whether `roles` it sends of people are assigned to them, where they were offered to it.
    pub assigns_roles: bool,
}

impl Connection {
    /// Its entity tag, quotes included: another for every name and state.
    pub fn entity_tag(&self) -> String {
        let state = if self.paused { "paused" } else { "active" };
        let roles = if self.assigns_roles { "-roles" } else { "" };
        // The name as hexadecimal digits: a tag holds visible ASCII characters only (RFC 9110 §8.8.3).
        let name = self.name.bytes().fold(String::new(), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        format!("\"{state}{roles}-{}-{name}\"", self.id)
    }
}
