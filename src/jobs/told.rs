//! Forgets what receivers and administrators were told long ago.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;
use crate::model::limits;

use super::Stop;

const EVERY: Duration = Duration::from_hours(1);
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(live: &Live, clock: &Clock, stop: &Stop) {
    let kept = i64::try_from(limits::TOLD_DAYS).unwrap_or(i64::MAX).saturating_mul(DAY_MICROS);
    loop {
        let now = clock.now();
        match live.forget_told((now.plus_micros(kept.saturating_neg()), now), || !stop.is_told()) {
            Ok(0) => {}
            Ok(gone) => tracing::info!(rows = gone, "forgot what had been told long ago"),
            Err(error) => tracing::warn!(error = %error, "cannot forget what was told long ago; tried again later"),
        }
        if !stop.wait(EVERY) {
            return;
        }
    }
}
