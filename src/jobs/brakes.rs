//! Looks whether too many people leave over one connection at once.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;
use crate::service::leavers::brake;

use super::Stop;

const EVERY: Duration = Duration::from_secs(5);

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(live: &Live, clock: &Clock, stop: &Stop) {
    while stop.wait(EVERY) {
        if let Err(error) = brake::look(live, clock) {
            tracing::warn!(error = %error, "cannot look after the brakes; tried again later");
        }
    }
}
