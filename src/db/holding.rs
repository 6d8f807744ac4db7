//! Whoever holds a pooled connection waits for nothing that others get only with one.
//!
//! Where many threads at once each hold a connection and wait for a second one, or for a turn to write that is kept by
//! somebody who waits for a connection, nobody goes on until they give up. So no thread does, which every build but a
//! release checks.

use std::cell::Cell;

thread_local! {
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// This thread has a pooled connection while this lives.
pub(super) struct Holding;

impl Holding {
    pub(super) fn begin() -> Self {
        HOLDS.set(true);
        Self
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        HOLDS.set(false);
    }
}

/// Before waiting for `what`.
pub(super) fn check_free(what: &str) {
    debug_assert!(!HOLDS.get(), "a thread that holds a pooled connection waits for {what}");
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::super::DatabaseError;
    use super::super::tests::fresh;

    fresh::on_both_databases! {
        fn whoever_holds_a_connection_waits_for_no_other_and_for_no_turn(fresh: &Fresh) {
            let database = &fresh.database;
            let holding = |work: &dyn Fn()| {
                let held = || database.read(|_tx| { work(); Ok::<_, DatabaseError>(()) });
                catch_unwind(AssertUnwindSafe(held)).is_ok_and(|read| read.is_ok())
            };
            assert!(holding(&|| ()));
            assert!(!holding(&|| drop(database.read(|_tx| Ok::<_, DatabaseError>(())))), "another connection");
            assert!(!holding(&|| drop(database.turn_to_write())), "a turn to write");
            assert!(holding(&|| ()), "what was held is given back");
        }
    }
}
