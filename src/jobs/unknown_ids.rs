//! Puts on record what callers named that is not their organization's.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;
use crate::service::unknown_ids;

use super::Stop;

/// One line a caller in this time, however much it names.
const EVERY: Duration = Duration::from_mins(1);

/// Runs until told to stop, and once more then.
pub(super) fn run(live: &Live, clock: &Clock, stop: &Stop) {
    while stop.wait(EVERY) {
        look(live, clock);
    }
    look(live, clock);
}

fn look(live: &Live, clock: &Clock) {
    if let Err(error) = unknown_ids::record(live, clock) {
        tracing::warn!(error = %error, "what callers named that is not theirs cannot be put on record");
    }
}
