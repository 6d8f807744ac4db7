//! Tells receivers whose groups and roles have changed.

use std::time::Duration;

use crate::live::Live;
use crate::service::signals;

use super::Stop;

const EVERY: Duration = Duration::from_millis(500);

/// Runs until told to stop. Errors are told once and tried again at the next turn.
pub(super) fn run(live: &Live, stop: &Stop) {
    let mut told = false;
    while stop.wait(EVERY) {
        match signals::tell_claims(live, || !stop.is_told()) {
            Ok(_receivers) => told = false,
            Err(error) if told => tracing::debug!(error = %error, "changed groups and roles still cannot be told"),
            Err(error) => {
                tracing::warn!(error = %error, "changed groups and roles cannot be told; tried again");
                told = true;
            }
        }
    }
}
