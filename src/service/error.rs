//! What a use case can answer instead of a result.

use crate::db::{Constraint, DatabaseError, WriteError};
use crate::live::KeyError;
use crate::scim::ScimError;

/// Errors of use cases; exhaustive at the HTTP edge.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The protocol's own refusals.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// 401: no credential, or one that admits nobody. Says nothing more.
    #[error("a valid bearer token is required")]
    Unauthorized,
    /// 503: cannot be done or judged now, nothing was changed as far as the server knows. The text is for the log.
    #[error("not available: {0}")]
    Unavailable(String),
    /// 500: a fault of this server. The text is for the log.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl From<DatabaseError> for ServiceError {
    fn from(error: DatabaseError) -> Self {
        if error.is_passing() { Self::Unavailable(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}

impl From<WriteError> for ServiceError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stale => Self::Unavailable("too many changes to one resource at the same time".to_owned()),
            WriteError::Violated(constraint) => match constraint {
                Constraint::UserName => {
                    ScimError::Conflict("`userName` is already taken in this organization".to_owned()).into()
                }
                Constraint::GroupName => {
                    ScimError::Conflict("`displayName` is already taken by a group of this connection".to_owned())
                        .into()
                }
                Constraint::OrganizationSlug
                | Constraint::ConnectionName
                | Constraint::ServiceName
                | Constraint::Membership
                | Constraint::OutsideIssuer
                | Constraint::Quarantine
                | Constraint::Account
                | Constraint::Attempt
                | Constraint::Invitation
                | Constraint::Other => Self::Internal(format!("a uniqueness rule was broken: {constraint:?}")),
            },
            WriteError::Unknown(why) => Self::Unavailable(why),
            WriteError::Database(error) => error.into(),
        }
    }
}

impl From<KeyError> for ServiceError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Database(error) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}
