//! What people write down for people.

use std::fmt;
use std::str::FromStr;

use super::limits::REASON_CHARACTERS;

/// A reason, description or control: trimmed, not empty, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason(String);

/// The text says nothing, or too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {REASON_CHARACTERS} characters on one line, with no control characters")]
pub struct ReasonError;

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= REASON_CHARACTERS;
        if fits && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(ReasonError) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_on_one_line() {
        assert_eq!(" on call ".parse::<Reason>().unwrap().as_str(), "on call");
        for bad in ["", "  ", "a\nb", "a\u{0}", &"a".repeat(REASON_CHARACTERS + 1)] {
            assert!(bad.parse::<Reason>().is_err(), "{bad:?}");
        }
    }
}
