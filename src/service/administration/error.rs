//! What administration can answer instead of a result.

use crate::db::{Constraint, DatabaseError, WriteError};
use crate::ids::RandomError;
use crate::live::{CannotJudge, KeyError};
use crate::scim::ScimError;
use crate::service::ServiceError;

/// Errors of administration. Their texts are for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// What is named is not there.
    #[error("{0}")]
    NotFound(String),
    /// The name is taken.
    #[error("{0}")]
    Taken(String),
    /// It would leave something without what it needs.
    #[error("{0}")]
    InUse(String),
    /// What is asked for does not go together.
    #[error("{0}")]
    Unfitting(String),
    /// It is not as the caller thought it was.
    #[error("{0}")]
    PreconditionFailed(String),
    /// It cannot be said now.
    #[error(transparent)]
    CannotJudge(#[from] CannotJudge),
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

impl From<AdministrationError> for ServiceError {
    fn from(error: AdministrationError) -> Self {
        match error {
            AdministrationError::NotFound(text) => ScimError::NotFound(text).into(),
            AdministrationError::Taken(text) | AdministrationError::InUse(text) => ScimError::Conflict(text).into(),
            AdministrationError::Unfitting(text) => ScimError::invalid_value(text).into(),
            AdministrationError::PreconditionFailed(text) => ScimError::PreconditionFailed(text).into(),
            AdministrationError::CannotJudge(error) => Self::Unavailable(error.to_string()),
            AdministrationError::Keys(error) => error.into(),
            AdministrationError::Random(error) => Self::Internal(error.to_string()),
            AdministrationError::Write(error) => error.into(),
            AdministrationError::Database(error) => error.into(),
        }
    }
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
            WriteError::Violated(Constraint::ServiceName) => {
                Self::Taken("a service of this name exists already in the organization".to_owned())
            }
            WriteError::Violated(Constraint::OutsideIssuer) => super::clients::taken(),
            WriteError::Database(error) => Self::Database(error),
            error => Self::Write(error),
        }
    }
}
