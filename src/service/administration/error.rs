//! What administration can answer instead of a result.

use crate::db::{Constraint, DatabaseError, WriteError};
use crate::ids::RandomError;
use crate::live::KeyError;

/// Errors of administration. Their texts are for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// What is named is not there.
    #[error("{0}")]
    NotFound(String),
    /// The name is taken.
    #[error("{0}")]
    Taken(String),
    /// What is asked for does not go together.
    #[error("{0}")]
    Unfitting(String),
    /// The keyring.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The rows were not written, or nobody can tell.
    #[error(transparent)]
    Write(WriteError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<WriteError> for AdministrationError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Violated(Constraint::OrganizationSlug) => {
                Self::Taken("an organization of this slug exists already".to_owned())
            }
            WriteError::Violated(Constraint::ConnectionName) => {
                Self::Taken("a connection of this name exists already in the organization".to_owned())
            }
            WriteError::Database(error) => Self::Database(error),
            error => Self::Write(error),
        }
    }
}
