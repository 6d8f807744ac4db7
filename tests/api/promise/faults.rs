//! What goes wrong with servers: they stand still, die, lose their connections to the database.

use std::time::Duration;

use super::fleet::Fleet;
use super::ledger::Ledger;
use crate::support::{Cluster, Dice};

/// Longer than a lease: the others must not wait for ever, and the one that stood still must not go on as before.
const STANDSTILL: Duration = Duration::from_secs(7);
/// How often connections are severed in one go.
const SEVERED: usize = 20;

/// Each fault once, each on a server that the dice choose.
pub(super) fn all(fleet: &Fleet, cluster: &Cluster, ledger: &Ledger, dice: &mut Dice) {
    ledger.is_faulty(true);
    let still = dice.below(fleet.len());
    fleet.signal(still, "STOP");
    // The fault is that time passes.
    std::thread::park_timeout(STANDSTILL);
    fleet.signal(still, "CONT");
    for _ in 0..SEVERED {
        cluster.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        );
        std::thread::park_timeout(Duration::from_millis(u64::try_from(dice.below(150)).unwrap()));
    }
    fleet.replace(dice.below(fleet.len()));
    ledger.is_faulty(false);
}
