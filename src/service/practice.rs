//! Practising: a conversation of an identity provider, had step by step with a scratch organization that is thrown away.
//! The organization stands in a database of its own, so nothing of the real one, nor its log, knows of it.

use std::sync::Arc;

use crate::model::Profile;

/// A conversation that can be practised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    /// Its name: `OK-1`.
    pub id: String,
    /// Whose it is.
    pub provider: String,
    /// What happens in it.
    pub title: String,
    /// How many steps it has.
    pub steps: usize,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the identity provider does.
    pub say: String,
    /// Requests with their answers, the token masked; the first few where there were many.
    pub exchanges: Vec<(String, String)>,
    /// How many requests there were.
    pub requests: usize,
    /// What was not as the identity provider expects; empty if all was.
    pub problem: String,
}

/// A conversation that was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practised {
    /// Which.
    pub exercise: Exercise,
    /// Its steps, up to the first that went wrong.
    pub steps: Vec<Step>,
    /// `passed`, `failed`, `not supported` or `not checked`.
    pub word: String,
    /// What was found where it was not passed.
    pub reason: String,
}

/// Practising cannot be done now.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// Somebody else practises.
    #[error("somebody practises on this server already; wait a moment and try again")]
    Busy,
    /// There is no such conversation.
    #[error("there is no conversation of this name to practise")]
    Unknown,
    /// This server does not practise.
    #[error("this server does not practise")]
    Off,
    /// The scratch organization could not be made.
    #[error("the scratch organization could not be made: {0}")]
    Failed(String),
}

/// Has conversations.
pub trait Sparring: Send + Sync {
    /// The conversations of this kind of connection.
    fn exercises(&self, profile: Profile) -> Vec<Exercise>;

    /// Has one of them with a scratch organization that has one connection of this kind. Blocks for seconds.
    ///
    /// # Errors
    /// [`PracticeError`].
    fn practise(&self, profile: Profile, id: &str) -> Result<Practised, PracticeError>;
}

/// Whoever has conversations on this server, if anybody does.
#[derive(Clone, Default)]
pub struct Practice(Option<Arc<dyn Sparring>>);

impl Practice {
    /// With somebody who has them.
    pub fn with(partner: impl Sparring + 'static) -> Self {
        Self(Some(Arc::new(partner)))
    }

    /// The conversations of this kind of connection.
    pub fn exercises(&self, profile: Profile) -> Vec<Exercise> {
        self.0.as_ref().map(|partner| partner.exercises(profile)).unwrap_or_default()
    }

    /// Has one of them.
    ///
    /// # Errors
    /// [`PracticeError`].
    pub fn practise(&self, profile: Profile, id: &str) -> Result<Practised, PracticeError> {
        self.0.as_ref().ok_or(PracticeError::Off)?.practise(profile, id)
    }
}
