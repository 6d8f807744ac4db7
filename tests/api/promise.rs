//! The promise: once the change that takes access away is acknowledged, nobody computes "allow" on the strength of what was
//! taken. Decisions are asked for while people are deactivated, removed from groups, mappings end and tokens are revoked.
//!
//! 10,000 decisions in each place, 1,000,000 with `MUSTER_TEST_LONG`. `MUSTER_TEST_SEED` repeats the choices, not the timing.

mod asker;
mod cutter;
mod faults;
mod fleet;
mod ledger;
mod retried;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Backend, Cluster, Database, Dice, Options, is_long};

use asker::ask;
use cutter::Cutter;
use fleet::Fleet;
use ledger::Ledger;

const CUTTERS: usize = 4;
const ASKERS: usize = 6;

fn decisions() -> usize {
    if is_long() { 1_000_000 } else { 10_000 }
}

/// Cuts and asks until `enough`, while `meanwhile` does what it does; answers what it came to.
fn while_access_comes_and_goes(fleet: &Fleet, seeds: &mut Dice, meanwhile: impl FnOnce(&Ledger) + Send) -> Ledger {
    let cutters: Vec<Cutter> = (0..CUTTERS).map(|number| Cutter::prepare(fleet, number)).collect();
    let ledger = Ledger::new(cutters.iter().flat_map(Cutter::subjects).collect());
    let over = AtomicBool::new(false);
    let mut seed = || seeds.below(1 << 30);
    std::thread::scope(|scope| {
        let (ledger, over) = (&ledger, &over);
        for (number, cutter) in cutters.into_iter().enumerate() {
            let dice = Dice::seeded(seed());
            scope.spawn(move || cutter.run(fleet, ledger, number * cutter::PEOPLE, dice, over));
        }
        for _ in 0..ASKERS {
            let dice = Dice::seeded(seed());
            scope.spawn(move || ask(fleet, ledger, dice, over));
        }
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            meanwhile(ledger);
            while !ledger.is_enough(decisions()) && ledger.broken().is_empty() {
                std::thread::park_timeout(std::time::Duration::from_millis(20));
            }
        }));
        over.store(true, Ordering::SeqCst);
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    ledger
}

fn holds(place: &str, ledger: &Ledger) {
    println!("{place}: {ledger}");
    assert_eq!(ledger.broken(), Vec::<String>::new());
}

on_both_databases! {
    fn one_server_with_the_command_line_beside_it_keeps_the_promise(database: &Database) {
        let fleet = Fleet::start(database.url(), 1);
        let ledger = while_access_comes_and_goes(&fleet, &mut Dice::new(), |_ledger| ());
        holds(&format!("one server on {:?}", database.backend()), &ledger);
    }
}

#[test]
fn three_servers_on_one_database_keep_the_promise() {
    let database = Database::fresh(Backend::Postgres);
    let fleet = Fleet::start(database.url(), 3);
    let ledger = while_access_comes_and_goes(&fleet, &mut Dice::new(), |_ledger| ());
    holds("three servers", &ledger);
}

#[test]
fn three_servers_that_are_stopped_killed_and_severed_keep_the_promise() {
    let cluster = Cluster::start(Options::default());
    let fleet = Fleet::start(&cluster.url("sslmode=disable"), 3);
    let mut dice = Dice::new();
    let mut choices = Dice::seeded(dice.below(1 << 30));
    let rounds = if is_long() { 20 } else { 1 };
    let ledger = while_access_comes_and_goes(&fleet, &mut dice, |ledger| {
        for _ in 0..rounds {
            faults::all(&fleet, &cluster, ledger, &mut choices);
        }
    });
    holds("three servers and faults", &ledger);
}
