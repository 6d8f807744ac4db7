//! Errors on demand, for tests: the n-th call on a database fails, or is carried out and its answer is lost.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::result::{DatabaseErrorKind, Error, QueryResult};

use super::super::Database;

/// What goes wrong on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call after so many others fails; those after it do not.
    Once(usize),
    /// The call after so many others fails, and so does every later one.
    FromThenOn(usize),
    /// The next commit is carried out, and its answer is lost.
    LostCommit,
}

static FAULTS: Mutex<Option<HashMap<usize, Plan>>> = Mutex::new(None);

struct Plan {
    fault: Option<Fault>,
    calls: usize,
}

thread_local! {
    /// Which database this thread works for.
    static DATABASE: Cell<usize> = const { Cell::new(0) };
}

fn name(database: &Database) -> usize {
    Arc::as_ptr(&database.0).addr()
}

fn with_plan<T>(database: usize, work: impl FnOnce(&mut Plan) -> T) -> T {
    let mut plans = FAULTS.lock().unwrap_or_else(PoisonError::into_inner);
    work(plans.get_or_insert_default().entry(database).or_insert(Plan { fault: None, calls: 0 }))
}

/// From now on calls of this thread are calls on `database`.
pub(in crate::db) fn work_for(database: &Database) {
    DATABASE.set(name(database));
}

/// Counts from zero again, and lets `fault` happen.
pub(crate) fn inject(database: &Database, fault: Option<Fault>) {
    with_plan(name(database), |plan| *plan = Plan { fault, calls: 0 });
}

/// How many calls there were since the last [`inject`].
pub(crate) fn calls(database: &Database) -> usize {
    with_plan(name(database), |plan| plan.calls)
}

fn lost(call: &str) -> Error {
    Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(format!("injected at `{call}`")))
}

/// Called before a statement is sent.
pub(in crate::db) fn before(call: &str) -> QueryResult<()> {
    with_plan(DATABASE.get(), |plan| {
        let number = plan.calls;
        plan.calls += 1;
        match plan.fault {
            Some(Fault::Once(n)) if n == number => Err(lost(call)),
            Some(Fault::FromThenOn(n)) if n <= number => Err(lost(call)),
            _ => Ok(()),
        }
    })
}

/// Called after a statement was carried out.
pub(in crate::db) fn after(call: &str) -> QueryResult<()> {
    with_plan(DATABASE.get(), |plan| {
        if call == "COMMIT" && plan.fault == Some(Fault::LostCommit) {
            plan.fault = None;
            return Err(lost(call));
        }
        Ok(())
    })
}
