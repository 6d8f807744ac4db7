//! When people were last seen: signed in to the console, or asked for at a gate; known to the hour.

use crate::db::sightings;
use crate::model::{Caller, Moment, UserId};
use crate::service::{ServiceError, Services};

const DAY: i64 = 86_400 * 1_000_000;

/// How long ago somebody was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastSeen {
    /// In the last 24 hours.
    Day,
    /// In the last 7 days.
    Week,
    /// In the last 30 days.
    Month,
    /// Not in the last 30 days, or never.
    NotForAMonth,
    /// Not in the last 90 days, or never.
    NotForAQuarter,
    /// Never, as far as is known.
    Never,
}

impl LastSeen {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Day, Self::Week, Self::Month, Self::NotForAMonth, Self::NotForAQuarter, Self::Never];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::NotForAMonth => "not-for-a-month",
            Self::NotForAQuarter => "not-for-a-quarter",
            Self::Never => "never",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Since when those it means were seen; nothing where it means those who were not.
    pub(super) fn since(self, now: Moment) -> Option<Moment> {
        let days = |days: i64| Some(now.plus_micros(DAY.saturating_mul(days).saturating_neg()));
        match self {
            Self::Day => days(1),
            Self::Week => days(7),
            Self::Month => days(30),
            Self::NotForAMonth | Self::NotForAQuarter | Self::Never => None,
        }
    }

    /// Whether it means somebody who was last seen then.
    pub(super) fn fits(self, seen: Option<Moment>, now: Moment) -> bool {
        let for_days = |days: i64| {
            let begin = now.plus_micros(DAY.saturating_mul(days).saturating_neg());
            seen.is_none_or(|seen| seen < begin)
        };
        match self {
            Self::Day => !for_days(1),
            Self::Week => !for_days(7),
            Self::Month => !for_days(30),
            Self::NotForAMonth => for_days(30),
            Self::NotForAQuarter => for_days(90),
            Self::Never => seen.is_none(),
        }
    }
}

/// When somebody was last seen; nothing: never, as far as is known.
///
/// # Errors
/// [`ServiceError`].
pub fn last_seen(services: &Services, caller: &Caller, user: UserId) -> Result<Option<Moment>, ServiceError> {
    services.live.read(|tx| Ok(sightings::of_ids(tx, caller.organization, &[user.into()])?.remove(&user)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_seen_long_ago_or_never_is_told_apart_from_who_was_seen_lately() {
        let now = Moment::from_micros(100 * DAY);
        let fitting = |seen: Option<i64>| -> Vec<&str> {
            let seen = seen.map(|day| Moment::from_micros(day * DAY));
            LastSeen::ALL.into_iter().filter(|one| one.fits(seen, now)).map(LastSeen::as_str).collect()
        };
        assert_eq!(fitting(Some(100)), ["day", "week", "month"]);
        assert_eq!(fitting(Some(98)), ["week", "month"]);
        assert_eq!(fitting(Some(69)), ["not-for-a-month"]);
        assert_eq!(fitting(Some(9)), ["not-for-a-month", "not-for-a-quarter"]);
        assert_eq!(fitting(None), ["not-for-a-month", "not-for-a-quarter", "never"]);
    }
}
