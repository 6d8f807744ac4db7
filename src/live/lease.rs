//! The lease on what is in memory: when it has run out, this server does not judge until it is current again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Clock;

/// Read at every request; kept on the monotonic clock, which goes on while a process is stopped.
pub(super) struct Lease {
    started: Instant,
    /// Nanoseconds after `started`; `u64::MAX` for a process that needs no lease.
    until: AtomicU64,
}

impl Lease {
    /// A lease that has run out.
    pub(super) fn over() -> Self {
        Self { started: Clock::monotonic(), until: AtomicU64::new(0) }
    }

    /// For a process that keeps nothing in memory between two statements.
    pub(super) fn unlimited() -> Self {
        Self { started: Clock::monotonic(), until: AtomicU64::new(u64::MAX) }
    }

    pub(super) fn is_current(&self) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until == u64::MAX || nanos(Clock::monotonic().saturating_duration_since(self.started)) < until
    }

    /// Current for `length` from `began`, the moment before the feed was read.
    pub(super) fn extend(&self, began: Instant, length: Duration) {
        let until = began.saturating_duration_since(self.started).saturating_add(length);
        self.until.store(nanos(until).min(u64::MAX - 1), Ordering::Release);
    }

    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}
