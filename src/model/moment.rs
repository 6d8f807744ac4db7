//! Moments in time, at the precision both databases keep.

use chrono::{DateTime, SecondsFormat, Utc};

/// Microseconds since 1970-01-01T00:00:00Z: the same precision and order on both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment moved by `micros` microseconds, kept within range.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl Moment {
    /// The text of the years 0 to 9999, which every resource shows twice: days to a date as proleptic Gregorian
    /// calendars count them, from the first of March on.
    fn in_four_digit_years(self) -> Option<[u8; 27]> {
        let (second, micro) = (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000));
        let (day, second) = (second.div_euclid(86_400), second.rem_euclid(86_400));
        // Day 0 is the first of March of the year 0; an era has 400 years.
        let day = day + 719_468;
        let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
        let year = year + era * 400;
        if !(0..=9_999).contains(&year) {
            return None;
        }
        let digit = |number: i64, power: i64| b'0' + u8::try_from(number / power % 10).unwrap_or_default();
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        Some([
            digit(year, 1_000),
            digit(year, 100),
            digit(year, 10),
            digit(year, 1),
            b'-',
            digit(month, 10),
            digit(month, 1),
            b'-',
            digit(day, 10),
            digit(day, 1),
            b'T',
            digit(hour, 10),
            digit(hour, 1),
            b':',
            digit(minute, 10),
            digit(minute, 1),
            b':',
            digit(second, 10),
            digit(second, 1),
            b'.',
            digit(micro, 100_000),
            digit(micro, 10_000),
            digit(micro, 1_000),
            digit(micro, 100),
            digit(micro, 10),
            digit(micro, 1),
            b'Z',
        ])
    }
}

/// The text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a date and time such as `2026-12-31T18:00:00Z` (RFC 3339)")]
pub struct MomentError;

impl std::str::FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_other| MomentError)?;
        Ok(Self(moment.timestamp_micros()))
    }
}

impl std::fmt::Display for Moment {
    /// RFC 3339 in UTC with microseconds, an xsd:dateTime (RFC 7643 §2.3.5).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(text) = self.in_four_digit_years()
            && let Ok(text) = std::str::from_utf8(&text)
        {
            return f.write_str(text);
        }
        let moment = DateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or_default();
        f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected(micros: i64) -> String {
        DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    #[test]
    fn leap_days_and_the_edges_of_four_digit_years_are_written_as_calendars_have_them() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2000-02-29T00:00:00.000000Z", 951_782_400_000_000),
            ("2100-03-01T00:00:00.000001Z", 4_107_542_400_000_001),
            ("0000-01-01T00:00:00.000000Z", -62_167_219_200_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("+10000-01-01T00:00:00.000000Z", 253_402_300_800_000_000),
        ] {
            assert_eq!(Moment::from_micros(micros).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn a_moment_is_written_as_the_calendar_library_writes_it(any: i64, near in -62_200_000_000_000_000_i64..253_500_000_000_000_000) {
            for micros in [any, near] {
                prop_assert_eq!(Moment::from_micros(micros).to_string(), expected(micros));
            }
        }
    }
}
