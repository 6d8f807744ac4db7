//! Looks at the gates, so that metrics and the log say when too few or too many can pass.

use std::time::Duration;

use crate::live::Live;

use super::Stop;

const EVERY: Duration = Duration::from_mins(1);

/// Runs until told to stop.
pub(super) fn run(live: &Live, stop: &Stop) {
    while stop.wait(EVERY) {
        live.watch_gates();
    }
}
