//! Refreshes the mirrors that are due.

use std::time::Duration;

use crate::service::{Services, mirrors};

use super::Stop;

/// How soon one that is due is noticed.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until told to stop. Errors are told and tried again at the next turn.
pub(super) fn run(services: &Services, stop: &Stop) {
    while stop.wait(EVERY) {
        if let Err(error) = mirrors::look(services, || !stop.is_told()) {
            tracing::warn!(error = %error, "cannot look for mirrors that are due; tried again later");
        }
    }
}
