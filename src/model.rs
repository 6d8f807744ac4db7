//! The nouns as validated types. Pure: no clock, no ids of its own making, no database, no protocol.

mod caller;
mod connection;
mod credential;
mod folding;
mod id;
pub mod limits;
mod member;
mod moment;
mod name;
mod revision;
mod version;

pub use caller::{Actor, Administrator, Caller};
pub use connection::{Connection, Profile};
pub use credential::{Credential, CredentialKind};
pub use folding::fold;
pub use id::{ConnectionId, CredentialId, EventId, GroupId, IdError, OrganizationId, RequestId, ResourceId, UserId};
pub use member::{Member, MemberKind};
pub use moment::Moment;
pub use name::{ConnectionName, Name, NameError, Slug};
pub use revision::Revision;
pub use version::{Precondition, Version};
