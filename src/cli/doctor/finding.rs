//! What a check found.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Error,
}

/// The verdict of one check, and what to do about it.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    verdict: Verdict,
    check: &'static str,
    text: String,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check, text: text.into() }
    }

    /// It works, but should not stay so.
    pub(super) fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, check, text: text.into() }
    }

    /// It does not work.
    pub(super) fn error(check: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, check, text: text.into() }
    }

    pub(super) fn is_error(&self) -> bool {
        self.verdict == Verdict::Error
    }

    #[cfg(test)]
    pub(super) fn is_ok(&self) -> bool {
        self.verdict == Verdict::Ok
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Error => "error",
        };
        write!(f, "{verdict:<8} {:<11} {}", self.check, self.text)
    }
}
