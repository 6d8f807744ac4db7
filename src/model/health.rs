//! How a connection fares, in a word that knows the rhythm of its provider.

use std::fmt;

use super::{Moment, Profile};

const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// What was seen of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Its first request.
    pub first_at: Moment,
    /// Its last request.
    pub last_at: Moment,
    /// Requests refused since a write last succeeded.
    pub refused: i64,
    /// The first of those.
    pub failing_since: Option<Moment>,
    /// The last request that was refused.
    pub last_refused_at: Option<Moment>,
}

/// How a connection fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// An administrator paused it.
    Paused,
    /// Nothing has arrived yet.
    WaitingForFirstRequest,
    /// Requests arrive and are carried out.
    Receiving,
    /// Nothing arrives.
    Quiet {
        /// The last request.
        since: Moment,
        /// Whether that is usual: a provider that sends on change only has nothing to say for days.
        usual: bool,
    },
    /// Requests arrive and are refused.
    Failing {
        /// The first that was refused.
        since: Moment,
        /// How many since then.
        refused: i64,
    },
}

impl Profile {
    /// After how many microseconds without a request a connection is quiet, and whether that is usual.
    ///
    /// Entra ID runs a cycle about every 40 minutes, changes or none; Okta and most others send on change only.
    const fn rhythm(self) -> (i64, bool) {
        match self {
            Self::Entra => (2 * HOUR_MICROS, false),
            Self::Default | Self::Rfc | Self::Okta | Self::Interop | Self::Github => (HOUR_MICROS, true),
        }
    }
}

impl Health {
    /// Judges by what was seen. A refusal is old news once requests have gone on for as long as makes a connection quiet.
    pub fn of(profile: Profile, paused: bool, activity: Option<&Activity>, now: Moment) -> Self {
        let (quiet_after, usual) = profile.rhythm();
        let recent = |at: Moment| at.plus_micros(quiet_after) > now;
        match (paused, activity) {
            (true, _) => Self::Paused,
            (false, None) => Self::WaitingForFirstRequest,
            (false, Some(seen)) => match (seen.refused, seen.failing_since, seen.last_refused_at) {
                (1.., Some(since), Some(last)) if recent(last) || last >= seen.last_at => {
                    Self::Failing { since, refused: seen.refused }
                }
                _ if recent(seen.last_at) => Self::Receiving,
                _ => Self::Quiet { since: seen.last_at, usual },
            },
        }
    }

    /// The state in one word, for metrics and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::WaitingForFirstRequest => "waiting",
            Self::Receiving => "receiving",
            Self::Quiet { .. } => "quiet",
            Self::Failing { .. } => "failing",
        }
    }

    /// Every word of [`Health::as_str`].
    pub const WORDS: [&'static str; 5] = ["paused", "waiting", "receiving", "quiet", "failing"];
}

impl fmt::Display for Health {
    /// For people: `failing since 2026-11-22T14:02:00Z, 12 refused`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("paused"),
            Self::WaitingForFirstRequest => f.write_str("waiting for first request"),
            Self::Receiving => f.write_str("receiving"),
            Self::Quiet { usual: true, .. } => f.write_str("quiet"),
            Self::Quiet { since, usual: false } => write!(f, "quiet since {}, which is unusual", seconds(*since)),
            Self::Failing { since, refused } => write!(f, "failing since {}, {refused} refused", seconds(*since)),
        }
    }
}

/// Nobody reads a word to the microsecond.
fn seconds(moment: Moment) -> String {
    let text = moment.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * 1_000_000;

    fn at(minutes: i64) -> Moment {
        Moment::from_micros(minutes * MINUTE)
    }

    fn seen(last: i64, refused: i64, failing_since: i64, last_refused: i64) -> Activity {
        let refusal = |minutes| (refused > 0).then(|| at(minutes));
        Activity {
            first_at: at(0),
            last_at: at(last),
            refused,
            failing_since: refusal(failing_since),
            last_refused_at: refusal(last_refused),
        }
    }

    #[test]
    fn the_word_follows_from_what_was_seen_and_from_the_rhythm_of_the_provider() {
        use Profile::{Default, Entra, Okta};
        let now = 1_000;
        for (profile, paused, activity, expected) in [
            (Okta, false, None, "waiting for first request"),
            (Okta, true, None, "paused"),
            (Okta, true, Some(seen(now, 12, 900, now)), "paused"),
            (Okta, false, Some(seen(now, 0, 0, 0)), "receiving"),
            (Okta, false, Some(seen(now - 59, 0, 0, 0)), "receiving"),
            (Okta, false, Some(seen(now - 60, 0, 0, 0)), "quiet"),
            (Default, false, Some(seen(0, 0, 0, 0)), "quiet"),
            // Three cycles of Entra ID that did not come.
            (Entra, false, Some(seen(now - 119, 0, 0, 0)), "receiving"),
            (Entra, false, Some(seen(now - 120, 0, 0, 0)), "quiet since 1970-01-01T14:40:00Z, which is unusual"),
            (Entra, false, Some(seen(now, 12, 842, now)), "failing since 1970-01-01T14:02:00Z, 12 refused"),
            (Okta, false, Some(seen(now, 1, now, now)), "failing since 1970-01-01T16:40:00Z, 1 refused"),
            // Reads go on and nothing was refused for long: an old error does not stay red.
            (Okta, false, Some(seen(now, 3, 800, 930)), "receiving"),
            (Okta, false, Some(seen(now, 3, 800, 950)), "failing since 1970-01-01T13:20:00Z, 3 refused"),
            // The last that was heard of it was refused.
            (Okta, false, Some(seen(500, 3, 400, 500)), "failing since 1970-01-01T06:40:00Z, 3 refused"),
        ] {
            let health = Health::of(profile, paused, activity.as_ref(), at(now));
            assert_eq!(health.to_string(), expected, "{profile:?} {activity:?}");
            assert!(Health::WORDS.contains(&health.as_str()));
        }
    }
}
