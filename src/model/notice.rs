//! Notices: what administrators may ask to be told.

use std::collections::BTreeSet;
use std::fmt;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A receiver has not confirmed for a while that people are gone.
    LeaverNotConfirmed,
    /// The still-gone watch has found something nobody has acknowledged.
    LeaverFound,
    /// A receiver cannot be told, or refuses what it is told.
    ReceiverFailing,
    /// A connection's requests are refused.
    ConnectionFailing,
    /// Many people have left over a connection at once, and are held.
    BrakeFired,
    /// A credential is about to expire.
    TokenExpiring,
    /// Fewer people than must can pass a gate.
    GateBelowMinimum,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::LeaverNotConfirmed,
        Self::LeaverFound,
        Self::ReceiverFailing,
        Self::ConnectionFailing,
        Self::BrakeFired,
        Self::TokenExpiring,
        Self::GateBelowMinimum,
    ];

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeaverNotConfirmed => "leaver-not-confirmed",
            Self::LeaverFound => "leaver-found",
            Self::ReceiverFailing => "receiver-failing",
            Self::ConnectionFailing => "connection-failing",
            Self::BrakeFired => "brake-fired",
            Self::TokenExpiring => "token-expiring",
            Self::GateBelowMinimum => "gate-below-minimum",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that is so now: one cause of one kind, and what is said of it. Names people by id only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Of what kind.
    pub kind: NoticeKind,
    /// What it is so of: an id, a gate. Two conditions of one kind and cause are the same.
    pub cause: String,
    /// A sentence.
    pub said: String,
}

/// Kinds as they stand in a column: words with spaces.
pub fn write_kinds(kinds: &BTreeSet<NoticeKind>) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

/// What [`write_kinds`] made; words of a later version are left out.
pub fn read_kinds(text: &str) -> BTreeSet<NoticeKind> {
    text.split_whitespace().filter_map(NoticeKind::from_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_were_written() {
        let all: BTreeSet<NoticeKind> = NoticeKind::ALL.into_iter().collect();
        assert_eq!(read_kinds(&write_kinds(&all)), all);
        assert_eq!(read_kinds("brake-fired of-tomorrow"), BTreeSet::from([NoticeKind::BrakeFired]));
    }
}
