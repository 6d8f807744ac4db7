//! Looks every day whether everybody who ever left is still gone.

use std::time::Duration;

use crate::clock::Clock;
use crate::live::Live;
use crate::service::leavers::watch;

use super::Stop;

/// How soon an organization that is due is noticed.
const EVERY: Duration = Duration::from_mins(10);

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(live: &Live, clock: &Clock, stop: &Stop) {
    while stop.wait(EVERY) {
        if let Err(error) = watch::look_daily(live, clock, || !stop.is_told()) {
            tracing::warn!(error = %error, "cannot look after leavers; tried again later");
        }
    }
}
