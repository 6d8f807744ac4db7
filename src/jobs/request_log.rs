//! Forgets what the request log has kept for long enough.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;

use super::Stop;

const EVERY: Duration = Duration::from_hours(1);
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(live: &Live, clock: &Clock, days: u32, stop: &Stop) {
    loop {
        let before = clock.now().plus_micros(i64::from(days).saturating_mul(DAY_MICROS).saturating_neg());
        match live.forget_requests(before, || !stop.is_told()) {
            Ok(0) => {}
            Ok(gone) => tracing::info!(requests = gone, "forgot what the request log had kept for long enough"),
            Err(error) => tracing::warn!(error = %error, "cannot forget what the request log holds; tried again later"),
        }
        if !stop.wait(EVERY) {
            return;
        }
    }
}
