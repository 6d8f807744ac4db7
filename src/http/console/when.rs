//! Moments as people read them: always in UTC, always saying so.

use std::borrow::Borrow;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::model::Moment;

const SECOND: i64 = 1_000_000;

/// A moment on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct When(pub Moment);

impl When {
    /// For programs: RFC 3339.
    pub fn exact(self) -> String {
        self.0.to_string()
    }

    /// To the second.
    pub fn seconds(self) -> String {
        self.text("%Y-%m-%d %H:%M:%S UTC")
    }

    /// The seconds alone, to stand after [`Self::minute`].
    pub fn second(self) -> String {
        self.text(":%S")
    }

    /// To the minute, without the zone.
    pub fn minute(self) -> String {
        self.text("%Y-%m-%d %H:%M")
    }

    /// The day alone; no line ends within it.
    pub fn day(self) -> String {
        self.text("%-d\u{a0}%B\u{a0}%Y")
    }

    /// How long before another moment, in the largest unit that says enough: `3 min ago`.
    pub fn before(self, now: impl Borrow<Self>) -> String {
        let now = now.borrow();
        let seconds = now.0.as_micros().saturating_sub(self.0.as_micros()).div_euclid(SECOND);
        if seconds < 0 {
            return format!("in {}", span(seconds.saturating_neg()));
        }
        if seconds < 45 { "just now".to_owned() } else { format!("{} ago", span(seconds)) }
    }

    fn text(self, format: &str) -> String {
        let moment = DateTime::<Utc>::from_timestamp_micros(self.0.as_micros()).unwrap_or_default();
        moment.format(format).to_string()
    }
}

fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..=89 => (seconds, "s"),
        90..=5_399 => (seconds.saturating_add(30).div_euclid(60), "min"),
        5_400..=129_599 => (seconds.saturating_add(1_800).div_euclid(3_600), "h"),
        _ => (seconds.saturating_add(43_200).div_euclid(86_400), "days"),
    };
    format!("{number} {unit}")
}

impl fmt::Display for When {
    /// To the minute, with the zone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text("%Y-%m-%d %H:%M UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_says_its_zone_and_how_long_ago_it_was() {
        let at = |seconds: i64| When(Moment::from_micros((1_700_000_000 + seconds) * SECOND));
        assert_eq!(at(0).to_string(), "2023-11-14 22:13 UTC");
        assert_eq!(at(0).seconds(), "2023-11-14 22:13:20 UTC");
        assert_eq!(at(0).day(), "14\u{a0}November\u{a0}2023");
        let spans =
            [(0, "just now"), (60, "60 s ago"), (180, "3 min ago"), (7_200, "2 h ago"), (864_000, "10 days ago")];
        for (seconds, expected) in spans {
            assert_eq!(at(0).before(at(seconds)), expected);
        }
        assert_eq!(at(7_200).before(at(0)), "in 2 h");
    }
}
