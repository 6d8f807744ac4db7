//! The order of changes that can alter a decision.

/// Per organization, gapless, taken under the organization's row lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(i64);

impl Revision {
    /// The end of an interval that has not ended.
    pub const OPEN: Self = Self(i64::MAX);

    /// Wraps a number read from the database.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number as the database holds it.
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
