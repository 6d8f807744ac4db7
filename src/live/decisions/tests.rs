//! The log against both databases, and against a database that fails.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::db::tests::fresh::Fresh;
use crate::db::tests::{faults, fresh};
use crate::db::{Dialect, decisions as stored};
use crate::evidence::decisions::{AskedSubject, read};
use crate::model::{Moment, Revision};

const ORGANIZATION: [u8; 16] = [1; 16];

fn organization() -> OrganizationId {
    OrganizationId::from_bytes(&ORGANIZATION).unwrap()
}

fn record(number: i64) -> DecisionRecord {
    DecisionRecord {
        at: Moment::from_micros(1_795_000_000_000_000 + number),
        revision: Revision::new(number),
        credential: None,
        subject: AskedSubject::Unknown,
        permission: "deploy:run".to_owned(),
        resource_type: "environment".to_owned(),
        resource: format!("/p/{number}"),
        facts: String::new(),
        allowed: false,
    }
}

fn on_record(database: &Database) -> Vec<DecisionRecord> {
    let last = ResourceId::from_bytes(&[255; 16]).unwrap();
    let segments = database.read(|tx| stored::before(tx, organization(), last, 1_000)).unwrap();
    segments.iter().rev().flat_map(|segment| read(&segment.content).unwrap()).collect()
}

/// With the log of a database, and its thread.
fn with_log(database: &Database, work: impl FnOnce(&Arc<DecisionLog>)) {
    let log = Arc::new(DecisionLog::default());
    let thread = start(Arc::clone(&log), database.clone()).unwrap();
    work(&log);
    log.stop();
    thread.join().unwrap();
}

fresh::on_both_databases! {
    fn a_durable_decision_is_on_disk_before_it_is_given(fresh: &Fresh) {
        with_log(&fresh.database, |log| {
            for number in 0..5 {
                log.record(organization(), &record(number), number % 2 == 0).unwrap();
                if number % 2 == 0 {
                    let expected: Vec<_> = (0..=number).map(record).collect();
                    assert_eq!(on_record(&fresh.database), expected);
                }
            }
        });
    }

    fn what_has_gathered_is_written_when_the_server_ends(fresh: &Fresh) {
        with_log(&fresh.database, |log| {
            for number in 0..1_000 {
                log.record(organization(), &record(number), false).unwrap();
            }
        });
        assert_eq!(on_record(&fresh.database), (0..1_000).map(record).collect::<Vec<_>>());
    }

    fn a_decision_is_found_where_its_id_says(fresh: &Fresh) {
        let mut ids = Vec::new();
        with_log(&fresh.database, |log| {
            for number in 0..20 {
                ids.push(log.record(organization(), &record(number), number == 7).unwrap());
            }
        });
        for (number, id) in (0..).zip(ids) {
            let segment = fresh.database.read(|tx| stored::by_id(tx, organization(), id.segment)).unwrap().unwrap();
            let place = usize::try_from(id.place).unwrap();
            assert_eq!(read(&segment.content).unwrap()[place], record(number));
        }
    }
}

#[test]
fn threads_that_record_at_once_lose_nothing() {
    let fresh = Fresh::new(Dialect::Sqlite);
    let next = AtomicUsize::new(0);
    with_log(&fresh.database, |log| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        let durable = number.is_multiple_of(100);
                        log.record(organization(), &record(i64::try_from(number).unwrap()), durable).unwrap();
                    }
                });
            }
        });
    });
    let mut found: Vec<i64> = on_record(&fresh.database).iter().map(|record| record.revision.as_i64()).collect();
    found.sort_unstable();
    assert_eq!(found, (0..4_000).collect::<Vec<_>>());
}

#[test]
fn a_full_log_refuses_and_takes_again_once_it_is_written() {
    let log = DecisionLog::default();
    let mut many = record(0);
    many.facts = "x".repeat(1 << 20);
    let mut taken = 0_usize;
    while log
        .record(organization(), &DecisionRecord { facts: format!("{}{taken}", many.facts), ..record(0) }, false)
        .is_ok()
    {
        taken += 1;
        assert!(taken < 64, "it never fills");
    }
    assert_eq!(log.record(organization(), &record(1), false), Err(DecisionLogError::Full));
    let fresh = Fresh::new(Dialect::Sqlite);
    log.stop();
    log.run(&fresh.database);
    assert_eq!(on_record(&fresh.database).len(), taken, "what was taken is written, what was refused is not");
    assert!(log.record(organization(), &record(1), false).is_ok());
}

#[test]
fn a_database_that_fails_once_is_asked_again() {
    let fresh = Fresh::new(Dialect::Sqlite);
    let log = Arc::new(DecisionLog::default());
    faults::inject(&fresh.database, Some(faults::Fault::Once(0)));
    log.record(organization(), &record(0), false).unwrap();
    let thread = start(Arc::clone(&log), fresh.database.clone()).unwrap();
    assert!(log.record(organization(), &record(1), true).is_ok());
    log.stop();
    thread.join().unwrap();
    faults::inject(&fresh.database, None);
    assert_eq!(on_record(&fresh.database), [record(0), record(1)]);
}
