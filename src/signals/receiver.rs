//! Who is told, what, and how.

use crate::model::{CredentialId, Moment, OrganizationId, ResourceId};

use super::{EventType, SubjectFormat};

/// How a receiver gets what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It is sent security event tokens (RFC 8935).
    Push,
    /// It fetches them (RFC 8936).
    Poll,
    /// It is sent JSON with a signature (Standard Webhooks).
    Webhook,
}

impl Method {
    /// The name on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Poll => "poll",
            Self::Webhook => "webhook",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Push, Self::Poll, Self::Webhook].into_iter().find(|method| method.as_str() == name)
    }
}

/// Whether a receiver is told anything (SSF 1.0 §8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Enabled,
    /// What happens is kept for it until it goes on.
    Paused,
    /// It is not, and nothing is kept.
    Disabled,
}

impl Status {
    /// The name in the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Paused, Self::Disabled].into_iter().find(|status| status.as_str() == name)
    }
}

/// Whom a stream is about where nobody is chosen (SSF 1.0 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultSubjects {
    /// Everybody.
    #[default]
    All,
    /// Nobody.
    None,
}

impl DefaultSubjects {
    /// The name in the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::None => "NONE",
        }
    }

    /// Reads the name, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::All, Self::None].into_iter().find(|subjects| subjects.as_str().eq_ignore_ascii_case(name))
    }
}

/// A downstream system that is told, and whose acknowledgement counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Whose.
    pub organization: OrganizationId,
    /// Its identifier: the `stream_id`.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// How it is told.
    pub method: Method,
    /// Where, unless it fetches.
    pub endpoint: Option<String>,
    /// The value of `Authorization`, or the key of webhooks, sealed under the organization's key.
    pub secret: Option<Vec<u8>>,
    /// What it is told.
    pub events: Vec<EventType>,
    /// How it knows people.
    pub subject_format: SubjectFormat,
    /// Whose subjects it knows people by.
    pub subject_issuer: Option<String>,
    /// Whom it is told about.
    pub subjects: DefaultSubjects,
    /// Whether it is told more or less about some people.
    pub chosen: bool,
    /// The `aud` of its tokens.
    pub audience: String,
    /// How its tokens are signed: `RS256` or `ES256`.
    pub algorithm: String,
    /// The credential that manages it over SSF.
    pub credential: Option<CredentialId>,
    /// Whether it is told.
    pub status: Status,
    /// Why not.
    pub reason: Option<String>,
    /// The signal that it gets although it is told nothing: that this is so.
    pub notice: Option<ResourceId>,
    /// Counts the changes to it.
    pub version: i64,
    /// Since when.
    pub created_at: Moment,
}

impl Receiver {
    /// Whether an event is kept for it.
    pub fn wants(&self, event: EventType) -> bool {
        self.status != Status::Disabled && self.events.contains(&event)
    }
}
