//! Why a command did not do what was asked.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::db::DatabaseError;
use crate::live::{KeyError, LiveError};
use crate::service::ServiceError;
use crate::service::administration::AdministrationError;

/// What is told on standard error, and which exit code goes with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// 2: it was called wrongly.
    #[error("{0}")]
    Usage(String),
    /// 1: it was called rightly and did not succeed.
    #[error("{0}")]
    Failed(String),
    /// 1: somebody may not do something. No failure; the answer was given.
    #[error("denied")]
    Denied,
    /// 3: what was verified is authentic, and something in it is not confirmed.
    #[error("{0}")]
    Unconfirmed(String),
}

impl CommandError {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) | Self::Denied => ExitCode::FAILURE,
            Self::Unconfirmed(_) => ExitCode::from(3),
        }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<DatabaseError> for CommandError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Url(_) => Self::Usage(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<AdministrationError> for CommandError {
    fn from(error: AdministrationError) -> Self {
        match error {
            AdministrationError::Unfitting(_) => Self::Usage(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<LiveError> for CommandError {
    fn from(error: LiveError) -> Self {
        Self::Failed(error.to_string())
    }
}
