//! The nouns as validated types. Pure: no clock, no ids of its own making, no database, no protocol.

mod assignment;
mod believed;
mod brake;
mod caller;
mod catalogue;
mod connection;
mod credential;
mod destination;
mod email;
mod folding;
mod health;
mod id;
mod identity_provider;
mod leaf;
pub mod limits;
mod member;
mod mirror;
mod moment;
mod name;
mod network;
mod notice;
mod offer;
mod permission;
mod proof;
mod reason;
mod reconciliation;
mod revision;
mod role;
mod scope;
mod service;
mod sort_key;
mod version;

pub use assignment::{Assignment, AssignmentSource, Principal, Validity, ValidityError};
pub use believed::{Believed, BelievedError, Said};
pub use brake::{Brake, BrakeError, Departure, Firing, LEAST_OBJECTS, Part};
pub use caller::{Actor, Administrator, Caller, EnforcementPoint};
pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError};
pub use connection::{Connection, Profile};
pub use credential::{Credential, CredentialKind};
pub use destination::{DestinationError, Destinations};
pub use email::{EmailAddress, EmailError};
pub use folding::fold;
pub use health::{Activity, Health};
pub use id::{
    AccountId, AssignmentId, ConnectionId, CredentialId, EventId, GroupId, IdError, InvitationId, OrganizationId,
    RequestId, ResourceId, ServiceId, SessionId, SignInLinkId, UserId,
};
pub use identity_provider::{IdentityProvider, IdentityProviderError, JoinedBy, OutsideSubject, SubjectError};
pub use leaf::{Fact, Leaf, LeafError, LeafId, ResourceType};
pub use member::{Member, MemberKind};
pub use mirror::{Loss, MirroredGroup, SubjectTemplate, SubjectTemplateError};
pub use moment::{Moment, MomentError};
pub use name::{ConnectionName, Name, NameError, Slug};
pub use network::{Network, NetworkError};
pub use notice::{Condition, NoticeKind, read_kinds, write_kinds};
pub use offer::{RoleOffer, role_value};
pub use permission::{GuardrailId, Permission, PermissionError, RoleName};
pub use proof::{Keys, OutsideIssuer, Proof};
pub use reason::{Reason, ReasonError};
pub use reconciliation::{Differing, DownstreamAccount, KnownPeople, Missing, Orphan, Owned, Report};
pub use revision::Revision;
pub use role::{BUILT_IN_ROLES, BuiltInRole, RoleError, RoleVersion};
pub use scope::{GateBounds, GateError, Scope, ScopeKind, ScopePath, ScopePathError};
pub use service::Service;
pub use sort_key::SortKey;
pub use version::{Precondition, Version};
