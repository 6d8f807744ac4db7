//! How a check or a conversation ends.

use std::sync::Arc;

use crate::exchange::Exchange;

/// Why something is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was expected and what was found.
    pub what: String,
    /// The request and the answer that show it.
    pub exchange: Option<Arc<Exchange>>,
}

/// Why a check ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The server does not do what it should.
    Failed(Box<Failure>),
    /// The server says that it lacks the feature, which it may.
    NotSupported(String),
    /// The check could not be made, and why.
    Skipped(String),
}

impl Stop {
    /// A failure that no single answer shows.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure { what: what.into(), exchange: None }))
    }
}

/// What the report says of a check or a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it should be.
    Passed,
    /// It is not.
    Failed(Box<Failure>),
    /// The server says that it lacks the feature.
    NotSupported(String),
    /// Not looked at, and why.
    Skipped(String),
}

impl Outcome {
    /// The word for it, the same in every kind of report.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::NotSupported(_) => "not supported",
            Self::Skipped(_) => "not checked",
        }
    }

    /// What was found, or why nothing was looked at; empty when passed.
    pub fn reason(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Failed(failure) => &failure.what,
            Self::NotSupported(reason) | Self::Skipped(reason) => reason,
        }
    }
}

impl From<Result<(), Stop>> for Outcome {
    fn from(result: Result<(), Stop>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(Stop::Failed(failure)) => Self::Failed(failure),
            Err(Stop::NotSupported(reason)) => Self::NotSupported(reason),
            Err(Stop::Skipped(reason)) => Self::Skipped(reason),
        }
    }
}
