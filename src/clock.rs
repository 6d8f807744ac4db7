//! The one place that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

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
            Source::System => Moment::from_micros(chrono::Utc::now().timestamp_micros()),
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
