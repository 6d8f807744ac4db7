//! Members of a group.

use super::ResourceId;

/// What a member is (RFC 7643 §4.2, `members.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberKind {
    /// A SCIM User.
    User,
    /// A SCIM Group: nesting.
    Group,
}

impl MemberKind {
    /// The canonical value of `members.type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The number the database holds.
    pub const fn as_i64(self) -> i64 {
        match self {
            Self::User => 1,
            Self::Group => 2,
        }
    }

    /// Reads the database's number.
    pub const fn from_i64(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::User),
            2 => Some(Self::Group),
            _ => None,
        }
    }
}

/// One member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The user or group.
    pub id: ResourceId,
    /// Which of the two.
    pub kind: MemberKind,
}
