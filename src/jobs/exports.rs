//! Makes the files that were asked for.

use std::time::Duration;

use crate::service::{Services, exports};

use super::Stop;

const EVERY: Duration = Duration::from_secs(1);

/// Runs until told to stop. Errors are told once and tried again at the next turn.
pub(super) fn run(services: &Services, stop: &Stop) {
    let mut told = false;
    while stop.wait(EVERY) {
        match exports::work(services, || !stop.is_told()) {
            Ok(_files) => told = false,
            Err(error) if told => tracing::debug!(error = %error, "files still cannot be made"),
            Err(error) => {
                tracing::warn!(error = %error, "files cannot be made; tried again");
                told = true;
            }
        }
    }
}
