//! Services: subjects that are not people.

use super::{Moment, Name, ServiceId, UserId};

/// A pipeline or a bot: somebody answers for it, and it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its identifier.
    pub id: ServiceId,
    /// Its name, unique in its organization.
    pub name: Name,
    /// Who answers for it. While the owner is not active, it is denied everything.
    pub owner: UserId,
    /// Who answers for it once the owner leaves. Without one, or while it is not active itself, the service goes with its
    /// owner.
    pub successor: Option<UserId>,
    /// Denied everything from then on.
    pub expires_at: Moment,
    /// Denied everything since then.
    pub stopped_at: Option<Moment>,
}
