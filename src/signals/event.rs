//! What can be told, each by its URI.

use serde_json::{Value, json};

use crate::model::Moment;

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// Sessions must end (CAEP 1.0 §3.1).
    SessionRevoked,
    /// The person must not be let in (RISC 1.0 §2.4).
    AccountDisabled,
    /// The person may be let in again (RISC 1.0 §2.5).
    AccountEnabled,
    /// The account is gone for good (RISC 1.0 §2.3).
    AccountPurged,
    /// A resource was created (RFC 9967 §2.4.1).
    Created,
    /// A resource was changed by PATCH (RFC 9967 §2.4.2).
    Patched,
    /// A resource was replaced by PUT (RFC 9967 §2.4.3).
    Replaced,
    /// A resource was deleted (RFC 9967 §2.4.4).
    Deleted,
    /// A resource may be used (RFC 9967 §2.4.5).
    Activated,
    /// A resource may not be used (RFC 9967 §2.4.6).
    Deactivated,
    /// The stream works (SSF 1.0 §8.1.4).
    Verification,
    /// The stream was paused, stopped or goes on (SSF 1.0 §8.1.5).
    StreamUpdated,
}

impl EventType {
    /// What a receiver may ask for.
    pub const REQUESTABLE: [Self; 10] = [
        Self::SessionRevoked,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountPurged,
        Self::Created,
        Self::Patched,
        Self::Replaced,
        Self::Deleted,
        Self::Activated,
        Self::Deactivated,
    ];

    /// What a receiver is told that does not say: that somebody is gone, or is back.
    pub const USUAL: [Self; 4] =
        [Self::SessionRevoked, Self::AccountDisabled, Self::AccountEnabled, Self::AccountPurged];

    /// Its URI in `events`.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::SessionRevoked => "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            Self::AccountDisabled => "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
            Self::AccountEnabled => "https://schemas.openid.net/secevent/risc/event-type/account-enabled",
            Self::AccountPurged => "https://schemas.openid.net/secevent/risc/event-type/account-purged",
            Self::Created => "urn:ietf:params:scim:event:prov:create:notice",
            Self::Patched => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::Replaced => "urn:ietf:params:scim:event:prov:put:notice",
            Self::Deleted => "urn:ietf:params:scim:event:prov:delete",
            Self::Activated => "urn:ietf:params:scim:event:prov:activate",
            Self::Deactivated => "urn:ietf:params:scim:event:prov:deactivate",
            Self::Verification => "https://schemas.openid.net/secevent/ssf/event-type/verification",
            Self::StreamUpdated => "https://schemas.openid.net/secevent/ssf/event-type/stream-updated",
        }
    }

    /// Its name on the command line and as the `type` of a webhook.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::AccountDisabled => "account-disabled",
            Self::AccountEnabled => "account-enabled",
            Self::AccountPurged => "account-purged",
            Self::Created => "scim-created",
            Self::Patched => "scim-patched",
            Self::Replaced => "scim-replaced",
            Self::Deleted => "scim-deleted",
            Self::Activated => "scim-activated",
            Self::Deactivated => "scim-deactivated",
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
        }
    }

    /// Reads the URI or the name of what may be asked for.
    pub fn requested(text: &str) -> Option<Self> {
        Self::REQUESTABLE.into_iter().find(|event| event.uri() == text || event.name() == text)
    }

    /// Reads the URI of anything.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::REQUESTABLE.into_iter().chain([Self::Verification, Self::StreamUpdated]).find(|event| event.uri() == uri)
    }

    /// Whether it speaks of a SCIM resource, and so names its subject as RFC 9967 §2.1 says.
    pub const fn is_scim(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Patched | Self::Replaced | Self::Deleted | Self::Activated | Self::Deactivated
        )
    }

    /// Whether it says that somebody is gone: what must be acknowledged before that is confirmed.
    pub const fn says_gone(self) -> bool {
        matches!(
            self,
            Self::SessionRevoked | Self::AccountDisabled | Self::AccountPurged | Self::Deleted | Self::Deactivated
        )
    }

    /// What it says besides, `attributes` being the names of those that have changed.
    pub fn content(self, at: Moment, why: &str, attributes: &[String]) -> Value {
        match self {
            // `reason_admin` is required by the CAEP interoperability profile.
            Self::SessionRevoked => json!({
                "event_timestamp": at.as_micros().div_euclid(1_000_000),
                "initiating_entity": "admin",
                "reason_admin": { "en": why },
            }),
            Self::Created | Self::Patched | Self::Replaced => json!({ "attributes": attributes }),
            _ => json!({}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_back_from_its_uri_and_from_its_name() {
        for event in EventType::REQUESTABLE {
            assert_eq!(EventType::requested(event.uri()), Some(event));
            assert_eq!(EventType::requested(event.name()), Some(event));
            assert_eq!(EventType::from_uri(event.uri()), Some(event));
        }
        assert_eq!(EventType::requested(EventType::Verification.uri()), None);
        assert_eq!(EventType::requested("anything"), None);
    }
}
