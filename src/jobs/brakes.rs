//! Looks whether too much goes over one connection at once, and lets go of purges that need not wait any more.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;
use crate::service::leavers::{brake, purges};

use super::Stop;

const EVERY: Duration = Duration::from_secs(5);

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(live: &Live, clock: &Clock, stop: &Stop) {
    while stop.wait(EVERY) {
        if let Err(error) = brake::look(live, clock) {
            tracing::warn!(error = %error, "cannot look after the brakes; tried again later");
            continue;
        }
        // Only behind a brake that had the chance to fire.
        if let Err(error) = purges::let_go(live, clock, || !stop.is_told()) {
            tracing::warn!(error = %error, "cannot let go of purges that wait; tried again later");
        }
    }
}
