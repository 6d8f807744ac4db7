//! Forgets what receivers and administrators were told long ago, and signed tokens that have ended.

use crate::db::{DatabaseError, assertions, notifications, organizations, signals};
use crate::model::Moment;

use super::Live;

/// Rows deleted in one statement.
const STEP: i64 = 500;
/// A token that has ended is remembered for so long, in seconds: the clock of another server may be behind.
const CLOCKS_APART: i64 = 600;

impl Live {
    /// Forgets what was told before then and need not be kept, and which tokens were used that have ended; answers how
    /// much that was. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn forget_told(
        &self,
        (before, now): (Moment, Moment),
        goes_on: impl Fn() -> bool,
    ) -> Result<usize, DatabaseError> {
        let mut gone = 0_usize;
        for organization in self.0.database.read(organizations::list)? {
            let of = organization.id;
            gone = gone.saturating_add(self.note(|tx| notifications::forget(tx, of, before))?);
            self.note(|tx| {
                assertions::forget(tx, of, now.as_micros().div_euclid(1_000_000).saturating_sub(CLOCKS_APART))
            })?;
            while goes_on() {
                let step = self.note(|tx| signals::forget(tx, of, before, STEP))?;
                gone = gone.saturating_add(step);
                if step == 0 {
                    break;
                }
            }
        }
        Ok(gone)
    }
}
