//! What a caller thinks is there before it changes it.

use super::AdministrationError;

/// What is to be there, so that of two who change the same thing the second is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected<T> {
    /// Whatever it is.
    Anything,
    /// This, or nothing.
    Exactly(Option<T>),
}

impl<T: PartialEq> Expected<T> {
    /// Holds what is expected against what is there.
    ///
    /// # Errors
    /// [`AdministrationError::PreconditionFailed`].
    pub(in crate::service) fn check(&self, found: Option<&T>) -> Result<(), AdministrationError> {
        match self {
            Self::Exactly(expected) if expected.as_ref() != found => {
                Err(AdministrationError::PreconditionFailed("it was changed meanwhile; read it again".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_expected_is_told() {
        assert!(Expected::Anything.check(Some(&1)).is_ok());
        assert!(Expected::Exactly(Some(1)).check(Some(&1)).is_ok());
        assert!(Expected::<i32>::Exactly(None).check(None).is_ok());
        assert!(Expected::Exactly(Some(1)).check(Some(&2)).is_err());
        assert!(Expected::Exactly(Some(1)).check(None).is_err());
        assert!(Expected::Exactly(None).check(Some(&1)).is_err());
    }
}
