//! Who is cut off, and every answer held against it.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Fewer allows, or fewer questions about people who were cut off, would say little.
const ENOUGH: usize = 100;

/// Somebody who is asked about. Odd: a cut was acknowledged and nothing given since.
struct Subject {
    name: String,
    stamp: AtomicU64,
}

/// A question that was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    subject: usize,
    stamp: u64,
}

/// What is known of everybody, and what came of the questions.
pub(super) struct Ledger {
    subjects: Vec<Subject>,
    decisions: AtomicUsize,
    while_cut: AtomicUsize,
    allowed: AtomicUsize,
    unanswered: AtomicUsize,
    faulty: AtomicBool,
    cuts: Mutex<[Vec<Duration>; 2]>,
    broken: Mutex<Vec<String>>,
}

impl Ledger {
    pub(super) fn new(names: Vec<String>) -> Self {
        let subjects = names.into_iter().map(|name| Subject { name, stamp: AtomicU64::new(0) }).collect();
        Self {
            subjects,
            decisions: AtomicUsize::new(0),
            while_cut: AtomicUsize::new(0),
            allowed: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            faulty: AtomicBool::new(false),
            cuts: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.subjects.len()
    }

    pub(super) fn name(&self, subject: usize) -> &str {
        &self.subjects[subject].name
    }

    /// Access is about to be given: called before the request is sent.
    pub(super) fn gives(&self, subject: usize) {
        let stamp = &self.subjects[subject].stamp;
        if stamp.load(Ordering::SeqCst) % 2 == 1 {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Access was taken away: called after the acknowledgement.
    pub(super) fn has_cut(&self, subject: usize) {
        let stamp = &self.subjects[subject].stamp;
        if stamp.load(Ordering::SeqCst).is_multiple_of(2) {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// How long an acknowledgement took.
    pub(super) fn took(&self, cut: Duration) {
        let faulty = usize::from(self.faulty.load(Ordering::SeqCst));
        self.cuts.lock().unwrap()[faulty].push(cut);
    }

    /// From now on something is broken on purpose, or nothing is.
    pub(super) fn is_faulty(&self, faulty: bool) {
        self.faulty.store(faulty, Ordering::SeqCst);
    }

    /// A question is about to be sent.
    pub(super) fn begin(&self, subject: usize) -> Begun {
        Begun { subject, stamp: self.subjects[subject].stamp.load(Ordering::SeqCst) }
    }

    /// It was answered.
    pub(super) fn end(&self, begun: Begun, allowed: bool, told: &str) {
        self.decisions.fetch_add(1, Ordering::Relaxed);
        let subject = &self.subjects[begun.subject];
        let cut = begun.stamp % 2 == 1;
        self.while_cut.fetch_add(usize::from(cut), Ordering::Relaxed);
        self.allowed.fetch_add(usize::from(allowed), Ordering::Relaxed);
        // If the stamp has moved, access was being given again before the answer came.
        if cut && allowed && subject.stamp.load(Ordering::SeqCst) == begun.stamp {
            let told = format!("{} was allowed after an acknowledged cut: {told}", subject.name);
            self.broken.lock().unwrap().push(told);
        }
    }

    /// It was not: refused for now, or nobody was there.
    pub(super) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether so many decisions were given, and enough of them were allows and about people who were cut off.
    pub(super) fn is_enough(&self, decisions: usize) -> bool {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        of(&self.decisions) >= decisions && of(&self.while_cut) > ENOUGH && of(&self.allowed) > ENOUGH
    }

    pub(super) fn broken(&self) -> Vec<String> {
        self.broken.lock().unwrap().clone()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        write!(
            f,
            "{} decisions, {} of them begun after an acknowledged cut, {} allows, {} not answered, {} allows that broke the promise",
            of(&self.decisions),
            of(&self.while_cut),
            of(&self.allowed),
            of(&self.unanswered),
            self.broken.lock().unwrap().len()
        )?;
        let mut cuts = self.cuts.lock().unwrap().clone();
        for (when, cuts) in ["all being well", "under faults"].into_iter().zip(&mut cuts) {
            cuts.sort_unstable();
            let at = |percent: usize| cuts.get((cuts.len() * percent / 100).min(cuts.len().saturating_sub(1)));
            if let (Some(half), Some(most), Some(last)) = (at(50), at(99), cuts.last()) {
                write!(f, "; {} cuts {when}: p50 {half:.1?}, p99 {most:.1?}, max {last:.1?}", cuts.len())?;
            }
        }
        Ok(())
    }
}

#[test]
fn an_allow_after_an_acknowledged_cut_is_found_and_no_other() {
    let ledger = Ledger::new(vec!["ada".to_owned()]);
    ledger.end(ledger.begin(0), true, "before any cut");
    let before = ledger.begin(0);
    ledger.has_cut(0);
    ledger.end(before, true, "begun before the acknowledgement");
    ledger.end(ledger.begin(0), false, "denied");
    assert_eq!(ledger.broken(), Vec::<String>::new());
    let during = ledger.begin(0);
    ledger.end(ledger.begin(0), true, "late");
    assert_eq!(ledger.broken().len(), 1);
    ledger.gives(0);
    ledger.end(during, true, "given in between");
    ledger.end(ledger.begin(0), true, "given");
    let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert_eq!((ledger.broken().len(), of(&ledger.while_cut), of(&ledger.decisions)), (1, 3, 6));
}
