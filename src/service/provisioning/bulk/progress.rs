//! How far a bulk request has come, shared by the threads that work on it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::model::ResourceId;
use crate::scim::bulk::{Bulk, Outcome, Step, Work};

/// What is done, what is under way and what comes next.
pub struct Progress<'a> {
    steps: &'a [Step],
    fail_on_errors: Option<usize>,
    state: Mutex<State>,
    changed: Condvar,
    ids: Mutex<HashMap<String, String>>,
    unknown: Mutex<BTreeSet<ResourceId>>,
}

struct State {
    next: usize,
    running: usize,
    outcomes: Vec<Option<Outcome>>,
}

enum Next {
    Start(Work),
    Wait,
    Over,
}

impl<'a> Progress<'a> {
    /// Nothing is done yet.
    pub fn new(request: &Bulk, steps: &'a [Step]) -> Self {
        let outcomes = request.entries.iter().map(|_| None).collect();
        Self {
            steps,
            fail_on_errors: request.fail_on_errors,
            state: Mutex::new(State { next: 0, running: 0, outcomes }),
            changed: Condvar::new(),
            ids: Mutex::default(),
            unknown: Mutex::default(),
        }
    }

    /// The identifier of what an operation has created.
    pub fn id_of(&self, bulk_id: &str) -> Option<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(bulk_id).cloned()
    }

    /// An operation has created something.
    pub fn created(&self, bulk_id: &str, id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(bulk_id.to_owned(), id.to_owned());
    }

    /// What an operation had created is gone.
    pub fn forget(&self, bulk_id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(bulk_id);
    }

    /// An operation was refused because nothing of the caller's bears these.
    pub fn named_unknown(&self, ids: &[ResourceId]) {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    /// Takes one step after the other until there is none left; called by every thread. `perform` must not panic.
    pub fn work(&self, perform: impl Fn(Work) -> Option<Outcome>) {
        let mut state = self.lock();
        loop {
            match self.next(&mut state) {
                Next::Start(work) => {
                    drop(state);
                    let outcome = perform(work);
                    state = self.lock();
                    state.running = state.running.saturating_sub(1);
                    let (Work::Do(index) | Work::Begin(index) | Work::Complete(index)) = work;
                    if let Some(place) = state.outcomes.get_mut(index) {
                        *place = outcome;
                    }
                    self.changed.notify_all();
                }
                Next::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Next::Over => return,
            }
        }
    }

    /// What became of each operation, nothing of those that were not tried; and the ids that nothing of the caller's bears.
    pub fn finish(self) -> (Vec<Option<Outcome>>, BTreeSet<ResourceId>) {
        let outcomes = self.state.into_inner().unwrap_or_else(PoisonError::into_inner).outcomes;
        (outcomes, self.unknown.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation starts only if work would have come to it one by one: even if everything under way fails, there are
    /// fewer errors than may be (RFC 7644 §3.7.3). What was begun is always completed.
    fn next(&self, state: &mut State) -> Next {
        while let Some(step) = self.steps.get(state.next) {
            if step.waits && state.running > 0 {
                return Next::Wait;
            }
            let outcome = |index: usize| state.outcomes.get(index).and_then(Option::as_ref);
            let wanted = match step.work {
                Work::Complete(index) => outcome(index).is_some_and(|outcome| outcome.error.is_none()),
                Work::Do(_) | Work::Begin(_) => {
                    let most = self.fail_on_errors.unwrap_or(usize::MAX);
                    let errors = state.outcomes.iter().flatten().filter(|outcome| outcome.error.is_some()).count();
                    if errors < most && errors.saturating_add(state.running) >= most {
                        return Next::Wait;
                    }
                    errors < most
                }
            };
            state.next = state.next.saturating_add(1);
            if wanted {
                state.running = state.running.saturating_add(1);
                return Next::Start(step.work);
            }
        }
        Next::Over
    }
}
