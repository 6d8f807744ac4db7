//! What lists are sorted by: one text a resource, whose bytes sort as the value does, on both databases and in memory.

use super::{fold, limits};

/// Sorts a resource among others (RFC 7644 §3.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey(String);

impl SortKey {
    /// Sorts after every value: what is missing comes last when ascending, first when descending.
    const MISSING: &'static str = "\u{10FFFF}";

    /// Of a resource without a value.
    pub fn missing() -> Self {
        Self(Self::MISSING.to_owned())
    }

    /// Of a text, folded unless case matters; only the first [`limits::SORT_KEY_CHARACTERS`] characters count.
    pub fn text(value: &str, case_exact: bool) -> Self {
        let mut key = if case_exact { value.to_owned() } else { fold(value) };
        if let Some((end, _)) = key.char_indices().nth(limits::SORT_KEY_CHARACTERS) {
            key.truncate(end);
        }
        if key.is_empty() { Self::missing() } else { Self(key) }
    }

    /// Of a number.
    pub fn number(value: f64) -> Self {
        // The bits of positive numbers sort as the numbers do, those of negative ones the other way round.
        let bits = value.to_bits();
        Self(format!("{:016x}", if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }))
    }

    /// Of a whole number, and of a moment in microseconds.
    pub fn integer(value: i64) -> Self {
        Self(format!("{:016x}", value.cast_unsigned() ^ 1 << 63))
    }

    /// Of `true` and `false`.
    pub fn boolean(value: bool) -> Self {
        Self(if value { "1" } else { "0" }.to_owned())
    }

    /// A key as it was written down before.
    pub const fn written(text: String) -> Self {
        Self(text)
    }

    /// As it is written down.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SortKey {
    fn default() -> Self {
        Self::missing()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Requirement 31
    #[test]
    fn texts_sort_by_their_folded_or_exact_characters_and_what_is_missing_last() {
        assert!(SortKey::text("adams", false) < SortKey::text("Baker", false));
        assert!(SortKey::text("adams", true) > SortKey::text("Baker", true));
        assert_eq!(SortKey::text(" ÅNGSTRÖM", false), SortKey::text("ångström", false));
        assert!(SortKey::text("\u{10FFFE}", true) < SortKey::missing());
        assert_eq!(SortKey::text("", false), SortKey::missing());
        let long = "é".repeat(limits::SORT_KEY_CHARACTERS);
        assert_eq!(SortKey::text(&format!("{long}a"), false), SortKey::text(&format!("{long}b"), false));
    }

    proptest! {
        #[test]
        fn numbers_sort_as_numbers(left: i64, right: i64, one in -1e300..1e300, other in -1e300..1e300) {
            prop_assert_eq!(SortKey::integer(left).cmp(&SortKey::integer(right)), left.cmp(&right));
            prop_assert_eq!(SortKey::number(one).cmp(&SortKey::number(other)), f64::total_cmp(&one, &other));
            prop_assert!(SortKey::number(one) < SortKey::missing());
        }
    }
}
