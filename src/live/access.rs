//! The access graphs in memory, one an organization, loaded when first asked and changed by what has changed.
//!
//! What the consistency promise rests on here is one number a graph: the revision it must have reached to be used.
//! Whoever commits raises it before the answer goes out, and so does the feed before it says that it has applied a
//! revision. A graph below it answers nothing until it has caught up; when it catches up does not matter for the
//! promise, so a failure to do so costs time and never allows anything.

mod changes;
mod everybody;
mod load;
mod slice;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::access::decide::Rules;
use crate::access::graph::{Graph, Lifetimes, Standing};
use crate::access::guardrail::Guardrails;
use crate::db::{DatabaseError, Tx, organizations};
use crate::model::{OrganizationId, Revision};

use super::{Inner, Live};

pub use everybody::{AGate, Everybody, passing};
pub use slice::Slice;

/// Why nothing can be said: not an allow, and not a denial either.
#[derive(Debug, thiserror::Error)]
pub enum CannotJudge {
    /// This server may be behind.
    #[error("this server's lease has run out")]
    Lease,
    /// What is to be judged by cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A graph and its guardrails, and the revision they are true to.
struct Current {
    graph: Graph,
    guardrails: Guardrails,
    /// Whether subjects are looked up by more than is kept here, and so in the database.
    looks_up_more: bool,
    revision: Revision,
}

impl Current {
    fn rules(&self) -> Rules<'_> {
        Rules { graph: &self.graph, guardrails: &self.guardrails, lifetimes: Lifetimes::default() }
    }
}

/// Everything that decides in an organization, with all that guardrails could read of people, and the revision it is
/// true to: to try out what is not written. Something changed meanwhile if the revision is another by then.
///
/// # Errors
/// [`DatabaseError`].
pub fn rules(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<(Graph, Guardrails, Revision), DatabaseError> {
    let Current { graph, guardrails, revision, .. } = load::with_all_facts(tx, organization)?;
    Ok((graph, guardrails, revision))
}

/// The graph of one organization.
#[derive(Default)]
struct Slot {
    /// A graph below this revision is not used.
    wanted: AtomicI64,
    /// Held by the one who loads or catches up.
    turn: Mutex<()>,
    /// Locked for writing only while changes that were read before are applied.
    current: RwLock<Option<Current>>,
}

/// The graphs.
#[derive(Default)]
pub(super) struct Graphs(RwLock<HashMap<OrganizationId, Arc<Slot>>>);

impl Slot {
    /// The graph, if it may be used.
    fn judge<T>(&self, work: impl FnOnce(&Rules<'_>, Revision) -> T) -> Option<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        self.is_usable(current).then(|| work(&current.rules(), current.revision))
    }

    /// The same, if everything a question may name is in memory.
    fn judge_named<T>(&self, work: impl FnOnce(&Rules<'_>, Revision) -> T) -> Option<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref().filter(|current| !current.looks_up_more)?;
        self.is_usable(current).then(|| work(&current.rules(), current.revision))
    }

    fn is_usable(&self, current: &Current) -> bool {
        current.revision.as_i64() >= self.wanted.load(Ordering::SeqCst)
    }

    /// Whether everything a question may name is in memory.
    fn names_all(&self) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|current| !current.looks_up_more && self.is_usable(current))
    }

    fn revision(&self) -> Option<Revision> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|current| current.revision)
    }

    fn is_behind(&self) -> bool {
        self.revision().is_none_or(|revision| revision.as_i64() < self.wanted.load(Ordering::SeqCst))
    }

    /// Loads, or applies what has changed. One at a time: whoever waited finds it done.
    fn catch_up(&self, inner: &Inner, organization: OrganizationId) -> Result<(), DatabaseError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while self.is_behind() {
            let Some(since) = self.revision() else {
                let loaded = inner.database.snapshot(|tx| load::everything(tx, organization))?;
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
                continue;
            };
            let guardrails = {
                let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
                current.as_ref().map_or_else(Guardrails::none, |current| current.guardrails.clone())
            };
            let known = |subject| {
                let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
                current.as_ref().is_some_and(|current| current.graph.standing(subject) != Standing::Unknown)
            };
            let delta = inner.database.snapshot(|tx| changes::since(tx, organization, since, &guardrails, known))?;
            if delta.revision <= since {
                // The database lacks what it has acknowledged; the feed finds out and has the graph forgotten.
                return Err(DatabaseError::Unavailable("the database is behind what is in memory".to_owned()));
            }
            let reads_more = |new: &Guardrails| !new.person_attributes().is_subset(&guardrails.person_attributes());
            if delta.guardrails.as_ref().is_some_and(reads_more) {
                // Something is read of everybody that was not kept in memory so far.
                let loaded = inner.database.snapshot(|tx| load::everything(tx, organization))?;
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
                continue;
            }
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(current) = current.as_mut() {
                for change in delta.changes {
                    current.graph.apply(change);
                }
                current.looks_up_more = delta.looks_up_more;
                if let Some(guardrails) = delta.guardrails {
                    current.guardrails = guardrails;
                }
                current.revision = delta.revision;
            }
        }
        Ok(())
    }
}

impl Graphs {
    fn slot(&self, organization: OrganizationId) -> Option<Arc<Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&organization).map(Arc::clone)
    }

    /// The organizations that are in memory.
    pub(super) fn loaded(&self) -> Vec<OrganizationId> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        slots.iter().filter(|(_, slot)| slot.revision().is_some()).map(|(organization, _)| *organization).collect()
    }

    fn slot_to_load(&self, organization: OrganizationId) -> Arc<Slot> {
        Arc::clone(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(organization).or_default())
    }

    /// From now on nothing is answered at less than `revision`.
    pub(super) fn want(&self, organization: OrganizationId, revision: Revision) {
        if let Some(slot) = self.slot(organization) {
            slot.wanted.fetch_max(revision.as_i64(), Ordering::SeqCst);
        }
    }

    /// Applies what has changed, so that the next question need not wait for it.
    pub(super) fn catch_up(&self, inner: &Inner, organization: OrganizationId) {
        let Some(slot) = self.slot(organization) else { return };
        // What nobody has loaded yet is loaded by whoever asks.
        if slot.revision().is_none() {
            return;
        }
        if let Err(error) = slot.catch_up(inner, organization) {
            tracing::warn!(organization = %organization, error = %error, "access in memory is behind");
        }
    }

    /// Catches up wherever something is behind.
    pub(super) fn catch_up_all(&self, inner: &Inner) {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let behind: Vec<OrganizationId> =
            slots.iter().filter(|(_, slot)| slot.is_behind()).map(|(organization, _)| *organization).collect();
        drop(slots);
        for organization in behind {
            self.catch_up(inner, organization);
        }
    }

    /// The database has lost revisions: what was learnt from them goes.
    pub(super) fn forget(&self, organization: OrganizationId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&organization);
    }
}

impl Live {
    /// Judges by what is in memory; `None` when it must be read first: then call [`Live::judge`] on a thread that may
    /// block. `work` gets the rules and the revision they are true to.
    ///
    /// # Errors
    /// [`CannotJudge::Lease`].
    pub fn judge_from_memory<T>(
        &self,
        organization: OrganizationId,
        work: impl FnOnce(&Rules<'_>, Revision) -> T,
    ) -> Result<Option<T>, CannotJudge> {
        Ok(self.followed(organization)?.and_then(|slot| slot.judge(work)))
    }

    /// The same where subjects can be looked up in the graph alone; `None` where they cannot, too.
    ///
    /// # Errors
    /// [`CannotJudge::Lease`].
    pub fn judge_named_from_memory<T>(
        &self,
        organization: OrganizationId,
        work: impl FnOnce(&Rules<'_>, Revision) -> T,
    ) -> Result<Option<T>, CannotJudge> {
        Ok(self.followed(organization)?.and_then(|slot| slot.judge_named(work)))
    }

    /// What is in memory of an organization, where that follows the feed.
    fn followed(&self, organization: OrganizationId) -> Result<Option<Arc<Slot>>, CannotJudge> {
        if !self.0.lease.is_current() {
            return Err(CannotJudge::Lease);
        }
        Ok(if self.0.serves { self.0.graphs.slot(organization) } else { None })
    }

    /// Whether subjects can be looked up in the graph alone; else in the database, which blocks.
    pub fn names_subjects_from_memory(&self, organization: OrganizationId) -> bool {
        self.0.graphs.slot(organization).is_some_and(|slot| slot.names_all())
    }

    /// Judges, reading first what is not in memory. Blocks.
    ///
    /// # Errors
    /// [`CannotJudge`].
    pub fn judge<T>(
        &self,
        organization: OrganizationId,
        work: impl FnOnce(&Rules<'_>, Revision) -> T,
    ) -> Result<T, CannotJudge> {
        let inner = &self.0;
        if inner.serves {
            inner.feed.watch(inner, organization)?;
        }
        let slot = inner.graphs.slot_to_load(organization);
        if !inner.serves {
            // A command follows no feed: it asks each time.
            let revision = inner.database.read(|tx| organizations::revision(tx, organization))?.unwrap_or_default();
            slot.wanted.fetch_max(revision.as_i64(), Ordering::SeqCst);
        }
        let mut work = Some(work);
        loop {
            if slot.is_behind() {
                slot.catch_up(inner, organization)?;
            }
            if !inner.lease.is_current() {
                return Err(CannotJudge::Lease);
            }
            let answer = slot.judge(|rules, revision| work.take().map(|work| work(rules, revision))).flatten();
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// The revision up to which an organization is in memory, where it is.
    pub fn revision_in_memory(&self, organization: OrganizationId) -> Option<Revision> {
        self.0.graphs.slot(organization)?.revision()
    }
}
