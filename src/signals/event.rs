//! What can be told, each by its URI.

use serde_json::{Map, Value, json};

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
    /// The person's groups or roles are others than before (CAEP 1.0 §3.2).
    TokenClaimsChange,
    /// A leaver is back, or something of a leaver's is left: an event of this server's own.
    LeaverFound,
    /// A resource is spoken of from now on (RFC 9967 §2.3.1).
    FeedAdd,
    /// A resource is spoken of no more (RFC 9967 §2.3.2).
    FeedRemove,
    /// A resource was created (RFC 9967 §2.4.1).
    Created,
    /// The same, with the resource.
    CreatedFull,
    /// A resource was changed by PATCH (RFC 9967 §2.4.2).
    Patched,
    /// The same, with the resource.
    PatchedFull,
    /// A resource was replaced by PUT (RFC 9967 §2.4.3).
    Replaced,
    /// The same, with the resource.
    ReplacedFull,
    /// A resource was deleted (RFC 9967 §2.4.4).
    Deleted,
    /// A resource may be used (RFC 9967 §2.4.5).
    Activated,
    /// A resource may not be used (RFC 9967 §2.4.6).
    Deactivated,
    /// A request has been carried out, or could not be (RFC 9967 §2.5.1.3).
    AsynchronousResponse,
    /// The stream works (SSF 1.0 §8.1.4).
    Verification,
    /// The stream was paused, stopped or goes on (SSF 1.0 §8.1.5).
    StreamUpdated,
}

impl EventType {
    /// What a receiver may ask for.
    pub const REQUESTABLE: [Self; 18] = [
        Self::SessionRevoked,
        Self::TokenClaimsChange,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountPurged,
        Self::LeaverFound,
        Self::FeedAdd,
        Self::FeedRemove,
        Self::Created,
        Self::CreatedFull,
        Self::Patched,
        Self::PatchedFull,
        Self::Replaced,
        Self::ReplacedFull,
        Self::Deleted,
        Self::Activated,
        Self::Deactivated,
        Self::AsynchronousResponse,
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
            Self::TokenClaimsChange => "https://schemas.openid.net/secevent/caep/event-type/token-claims-change",
            Self::LeaverFound => "urn:muster:secevent:event-type:leaver-found",
            Self::FeedAdd => "urn:ietf:params:scim:event:feed:add",
            Self::FeedRemove => "urn:ietf:params:scim:event:feed:remove",
            Self::Created => "urn:ietf:params:scim:event:prov:create:notice",
            Self::CreatedFull => "urn:ietf:params:scim:event:prov:create:full",
            Self::Patched => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::PatchedFull => "urn:ietf:params:scim:event:prov:patch:full",
            Self::Replaced => "urn:ietf:params:scim:event:prov:put:notice",
            Self::ReplacedFull => "urn:ietf:params:scim:event:prov:put:full",
            Self::Deleted => "urn:ietf:params:scim:event:prov:delete",
            Self::Activated => "urn:ietf:params:scim:event:prov:activate",
            Self::Deactivated => "urn:ietf:params:scim:event:prov:deactivate",
            Self::AsynchronousResponse => "urn:ietf:params:scim:event:misc:asyncresp",
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
            Self::TokenClaimsChange => "token-claims-change",
            Self::LeaverFound => "leaver-found",
            Self::FeedAdd => "scim-feed-add",
            Self::FeedRemove => "scim-feed-remove",
            Self::Created => "scim-created",
            Self::CreatedFull => "scim-created-full",
            Self::Patched => "scim-patched",
            Self::PatchedFull => "scim-patched-full",
            Self::Replaced => "scim-replaced",
            Self::ReplacedFull => "scim-replaced-full",
            Self::Deleted => "scim-deleted",
            Self::Activated => "scim-activated",
            Self::Deactivated => "scim-deactivated",
            Self::AsynchronousResponse => "scim-asynchronous-response",
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
            Self::FeedAdd
                | Self::FeedRemove
                | Self::Created
                | Self::CreatedFull
                | Self::Patched
                | Self::PatchedFull
                | Self::Replaced
                | Self::ReplacedFull
                | Self::Deleted
                | Self::Activated
                | Self::Deactivated
                | Self::AsynchronousResponse
        )
    }

    /// Whether it bears the resource it speaks of.
    pub const fn bears_resource(self) -> bool {
        matches!(self, Self::CreatedFull | Self::PatchedFull | Self::ReplacedFull)
    }

    /// The event that names what one with the resource bears.
    #[must_use]
    pub const fn without_resource(self) -> Self {
        match self {
            Self::CreatedFull => Self::Created,
            Self::PatchedFull => Self::Patched,
            Self::ReplacedFull => Self::Replaced,
            other => other,
        }
    }

    /// Whether it says that somebody is gone: what must be acknowledged before that is confirmed.
    pub const fn says_gone(self) -> bool {
        matches!(
            self,
            Self::SessionRevoked | Self::AccountDisabled | Self::AccountPurged | Self::Deleted | Self::Deactivated
        )
    }

    /// What it says besides of a resource (RFC 9967 §2.2, §2.4): exactly one of `attributes` and `data`.
    pub fn content(self, at: Moment, why: &str, details: Details<'_>) -> Value {
        let mut content = match self {
            // `reason_admin` is required by the CAEP interoperability profile.
            Self::SessionRevoked => return Value::Object(occurrence(at, why)),
            Self::Created | Self::Patched | Self::Replaced => json!({ "attributes": details.attributes }),
            Self::CreatedFull | Self::PatchedFull | Self::ReplacedFull => json!({ "data": details.data }),
            _ => return json!({}),
        };
        if let (Some(version), Some(members)) = (details.version, content.as_object_mut()) {
            members.insert("version".to_owned(), version.into());
        }
        content
    }
}

/// What events about a resource say of it.
#[derive(Debug, Default)]
pub struct Details<'a> {
    /// The names of the attributes that are there or different.
    pub attributes: &'a [String],
    /// The resource, or what was done to it.
    pub data: Value,
    /// Its entity tag afterwards, if it is known.
    pub version: Option<String>,
}

/// When it happened, through whom and why (CAEP 1.0 §2).
pub fn occurrence(at: Moment, why: &str) -> Map<String, Value> {
    let at = at.as_micros().div_euclid(1_000_000);
    [("event_timestamp", json!(at)), ("initiating_entity", json!("admin")), ("reason_admin", json!({ "en": why }))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
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
