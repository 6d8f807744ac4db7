//! Identifiers: UUIDv7, sixteen bytes inside, text outside, never reused.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The text is not an identifier this server could have issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this server, expected 36 characters such as `0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a`")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a value made by `crate::ids` or read from the database.
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The sixteen bytes as the database holds them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Appends the text.
            pub fn push_to(&self, text: &mut String) {
                text.push_str(self.0.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            }

            /// Reads the database's bytes.
            ///
            /// # Errors
            /// [`IdError`] unless there are exactly sixteen.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_wrong_length| IdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts the one spelling this server issues: lower case, hyphenated (`id` is caseExact, RFC 7643 §3.1).
            fn from_str(text: &str) -> Result<Self, IdError> {
                let value = Uuid::try_parse(text).map_err(|_not_a_uuid| IdError)?;
                let issued = value.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
                if issued { Ok(Self(value)) } else { Err(IdError) }
            }
        }
    };
}

id! {
    /// The tenant. No answer ever crosses it.
    OrganizationId
}
id! {
    /// One provisioning source of an organization.
    ConnectionId
}
id! {
    /// The row that admits a caller.
    CredentialId
}
id! {
    /// A SCIM User.
    UserId
}
id! {
    /// A SCIM Group.
    GroupId
}
id! {
    /// A non-human subject: a pipeline, a bot.
    ServiceId
}
id! {
    /// One assignment of a role at a scope.
    AssignmentId
}
id! {
    /// Somebody who signs in to the console.
    AccountId
}
id! {
    /// One signed-in browser.
    SessionId
}
id! {
    /// One link that signs in once.
    SignInLinkId
}
id! {
    /// One invitation by e-mail.
    InvitationId
}
id! {
    /// A SCIM resource of either type, or whatever else an event may be about, where the type does not matter.
    ResourceId
}
id! {
    /// One line of the log.
    EventId
}
id! {
    /// One request, as logs and events name it.
    RequestId
}

impl From<UserId> for ResourceId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

impl From<GroupId> for ResourceId {
    fn from(id: GroupId) -> Self {
        Self(id.0)
    }
}

impl From<OrganizationId> for ResourceId {
    fn from(id: OrganizationId) -> Self {
        Self(id.0)
    }
}

impl From<ConnectionId> for ResourceId {
    fn from(id: ConnectionId) -> Self {
        Self(id.0)
    }
}

impl From<CredentialId> for ResourceId {
    fn from(id: CredentialId) -> Self {
        Self(id.0)
    }
}

impl From<ServiceId> for ResourceId {
    fn from(id: ServiceId) -> Self {
        Self(id.0)
    }
}

impl From<AssignmentId> for ResourceId {
    fn from(id: AssignmentId) -> Self {
        Self(id.0)
    }
}

impl From<AccountId> for ResourceId {
    fn from(id: AccountId) -> Self {
        Self(id.0)
    }
}

impl From<InvitationId> for ResourceId {
    fn from(id: InvitationId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for ServiceId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl From<RequestId> for ResourceId {
    fn from(id: RequestId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for OrganizationId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for CredentialId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for UserId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for EventId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl From<ResourceId> for GroupId {
    fn from(id: ResourceId) -> Self {
        Self(id.0)
    }
}

impl ResourceId {
    /// Before every id there is, in the order of lists.
    pub const FIRST: Self = Self(Uuid::nil());

    /// After every id there is, in the order of lists.
    pub const LAST: Self = Self(Uuid::max());

    /// Before every id made at this moment or later, after every one made a millisecond earlier (RFC 9562 §5.7).
    pub fn earliest_at(at: super::Moment) -> Self {
        let millis = u64::try_from(at.as_micros().div_euclid(1_000)).unwrap_or_default();
        Self(Uuid::from_u128(u128::from(millis) << 80))
    }

    /// When the id was made, to the millisecond (RFC 9562 §5.7).
    pub fn made_at(self) -> super::Moment {
        let [high @ .., _, _, _, _, _, _, _, _] = self.as_bytes();
        let millis = i64::from_be_bytes(*high) >> 16;
        super::Moment::from_micros(millis.saturating_mul(1_000))
    }
}

impl ConnectionId {
    /// Stands for "no connection": the managing connection of a local user or group.
    pub const NOBODY: Self = Self(Uuid::nil());

    /// Whether this stands for "no connection".
    pub fn is_nobody(self) -> bool {
        self.0.is_nil()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_read_back_only_in_the_spelling_it_was_issued_in() {
        let issued = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        assert_eq!(issued.parse::<UserId>().unwrap().to_string(), issued);
        for other in [issued.to_uppercase(), issued.replace('-', ""), format!("{{{issued}}}"), format!(" {issued}")] {
            assert_eq!(other.parse::<UserId>(), Err(IdError), "{other}");
        }
    }
}
