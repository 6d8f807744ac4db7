//! The access graph of one organization, in memory: subjects, groups, roles, scopes, assignments.
//!
//! Everything that is asked about has a dense number; relations are sorted lists of those numbers. A question is
//! answered by looking up, for each group around the subject, what is assigned to it at the resource's scope and the
//! scopes around that: the work grows with the subject's groups, not with the organization's assignments.
//!
//! The graph is built from rows and changed row by row ([`Change`]); applying a row twice is applying it once. What a
//! row names need not be known yet, and what is not known is denied.

mod assigned;
mod change;
mod closure;
mod dense;
mod find;
mod load;
mod look;
mod may;
mod roles;
mod scopes;
mod search;
mod subjects;
mod why;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Assignment, AssignmentId, GroupId, ResourceId, ServiceId, UserId};

use dense::{Dense, Sorted};

pub use change::Change;
pub use find::{Resolved, Resource, Whereabouts};
pub use load::Loading;
pub use may::{Answer, Denial, Grant, Lifetimes};
pub(crate) use search::Candidates;
pub use subjects::{Facts, Identifier, IdentifierKind, Standing};
pub use why::{Opening, Path};

/// Who asks to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A service.
    Service(ServiceId),
}

impl Subject {
    /// Its id, whatever it is.
    pub fn id(self) -> ResourceId {
        match self {
            Self::User(id) => id.into(),
            Self::Service(id) => id.into(),
        }
    }
}

/// One organization's access, complete.
#[derive(Debug, Clone)]
pub struct Graph {
    subjects: Dense<Subject, subjects::SubjectRecord>,
    by_identifier: HashMap<Arc<str>, subjects::Bearers>,
    facts: subjects::FactSets,
    groups: Dense<GroupId, GroupRecord>,
    roles: roles::Roles,
    scopes: scopes::Scopes,
    assignments: HashMap<AssignmentId, Assignment>,
}

/// What is known of a group.
#[derive(Debug, Clone, Default)]
struct GroupRecord {
    /// Subjects that are members themselves.
    members: Sorted,
    /// Groups that are members.
    inner: Sorted,
    /// Groups this one is a member of.
    outer: Sorted,
    assigned: assigned::Assigned,
}

#[cfg(test)]
pub(crate) mod tests;
