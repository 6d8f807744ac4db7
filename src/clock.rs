//! The one place that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::model::Moment;

/// Where the time comes from; tests bring their own.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Microseconds since the epoch, moved by hand.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Moment) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.as_micros()))))
    }

    /// Now, by the wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => Moment::from_micros(since_epoch(SystemTime::now())),
            Source::Manual(micros) => Moment::from_micros(micros.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock; a system clock stays as it is.
    pub fn advance(&self, micros: i64) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(micros, Ordering::AcqRel);
        }
    }

    /// A reading that never goes back, for leases and time limits. Always the machine's.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn monotonic() -> Instant {
        Instant::now()
    }
}

/// Microseconds; negative before the epoch, where clocks that were never set stand.
fn since_epoch(time: SystemTime) -> i64 {
    let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => micros(before.duration()).saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn microseconds_are_counted_on_both_sides_of_the_epoch() {
        assert_eq!(since_epoch(UNIX_EPOCH + Duration::from_nanos(1_500)), 1);
        assert_eq!(since_epoch(UNIX_EPOCH - Duration::from_micros(2)), -2);
    }
}
