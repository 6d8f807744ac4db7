//! `365d`, `12h`, `30m`: how long something is good.

use std::str::FromStr;

use crate::model::limits::TOKEN_DAYS;

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    micros: i64,
}

/// The text is no such length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of days, hours or minutes such as `365d`, `12h` or `30m`, at most {TOKEN_DAYS} days")]
pub(super) struct LifetimeError;

impl Lifetime {
    /// What a token gets when nothing else is said.
    pub(super) const YEAR: Self = Self { micros: 365 * DAY };

    /// In microseconds.
    pub(super) const fn as_micros(self) -> i64 {
        self.micros
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let units = [('d', DAY), ('h', HOUR), ('m', MINUTE)];
        let (digits, unit) =
            units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(*suffix)?, *unit))).ok_or(LifetimeError)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LifetimeError);
        }
        let number: i64 = digits.parse().map_err(|_too_large| LifetimeError)?;
        let longest = i64::try_from(TOKEN_DAYS).unwrap_or(i64::MAX).saturating_mul(DAY);
        match number.checked_mul(unit) {
            Some(micros) if micros > 0 && micros <= longest => Ok(Self { micros }),
            _ => Err(LifetimeError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hours_and_minutes_are_read_up_to_ten_years() {
        for (text, micros) in [("365d", 365 * DAY), ("12h", 12 * HOUR), ("30m", 30 * MINUTE), ("3650d", 3_650 * DAY)] {
            assert_eq!(text.parse::<Lifetime>().unwrap().as_micros(), micros);
        }
        assert_eq!("365d".parse(), Ok(Lifetime::YEAR));
    }

    #[test]
    fn no_length_of_time_is_refused() {
        let bad = ["", "d", "0d", "-1d", "+1d", "1", "1y", "1 d", "1.5d", "1D", "3651d", "99999999999999999999d", "٣d"];
        for text in bad {
            assert!(text.parse::<Lifetime>().is_err(), "{text:?}");
        }
    }
}
