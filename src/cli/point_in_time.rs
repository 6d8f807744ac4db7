//! `2026-12-31T18:00:00Z`, `2026-12-31`, `30d`: when something begins or ends.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::model::Moment;

use super::lifetime::Lifetime;

/// A moment, or so long from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PointInTime {
    /// At that moment.
    At(Moment),
    /// After so long.
    In(Lifetime),
}

/// The text is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a time such as `2026-12-31T18:00:00Z`, a day such as `2026-12-31` (its beginning in UTC), or `30d`, `12h`, `30m` from now"
)]
pub(super) struct PointInTimeError;

impl PointInTime {
    /// The moment, as seen at `now`.
    pub(super) const fn after(self, now: Moment) -> Moment {
        match self {
            Self::At(moment) => moment,
            Self::In(lifetime) => now.plus_micros(lifetime.as_micros()),
        }
    }
}

impl FromStr for PointInTime {
    type Err = PointInTimeError;

    fn from_str(text: &str) -> Result<Self, PointInTimeError> {
        if let Ok(lifetime) = text.parse() {
            return Ok(Self::In(lifetime));
        }
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(Moment::from_micros(moment.timestamp_micros())));
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_neither| PointInTimeError)?;
        Ok(Self::At(Moment::from_micros(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(5);

    #[test]
    fn a_time_a_day_and_a_length_of_time_are_read() {
        for (text, told) in [
            ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00.000000Z"),
            ("2026-12-31T18:00:00.5+01:00", "2026-12-31T17:00:00.500000Z"),
            ("2026-12-31", "2026-12-31T00:00:00.000000Z"),
        ] {
            assert_eq!(text.parse::<PointInTime>().unwrap().after(NOW).to_string(), told);
        }
        assert_eq!("30m".parse::<PointInTime>().unwrap().after(NOW), NOW.plus_micros(30 * 60_000_000));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in ["", "now", "tomorrow", "2026-13-01", "2026-12-31 18:00", "18:00", "-1d", "1735689600"] {
            assert!(text.parse::<PointInTime>().is_err(), "{text:?}");
        }
    }
}
