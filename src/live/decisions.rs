//! The decision log, in memory first: decisions gather in segments, a thread writes those down.
//!
//! What a decision on a durable permission answers is on disk before the answer is given. Of the others a process that
//! is killed loses what it has gathered since the last segment was written, [`EVERY`] at most. Nothing is ever dropped:
//! when more has gathered than may, deciding is refused until it is written.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::db::decisions::{self, SegmentRow};
use crate::db::sightings::Sighting;
use crate::db::{Database, DatabaseError};
use crate::evidence::decisions::{DecisionId, DecisionRecord, SegmentWriter};
use crate::ids;
use crate::model::{OrganizationId, ResourceId};

use super::Live;
use super::sightings::Sightings;

/// How often segments are written.
const EVERY: Duration = Duration::from_millis(500);
/// A segment of so many bytes is written without waiting.
const SEGMENT_BYTES: usize = 256 * 1024;
/// Bytes that may gather in all.
const GATHERED_BYTES: usize = 32 * 1024 * 1024;
/// How long a durable decision is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A decision that cannot be put on record, and so must not be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecisionLogError {
    /// More has gathered than may.
    #[error("the decision log is full: the database does not take it")]
    Full,
    /// It is not known to be on disk.
    #[error("the decision log cannot be written: the database does not answer in time")]
    NotWritten,
}

struct Open {
    id: ResourceId,
    writer: SegmentWriter,
}

#[derive(Default)]
struct Gathered {
    open: HashMap<OrganizationId, Open>,
    /// Closed and not written yet, in the order they were begun.
    closed: Vec<(OrganizationId, SegmentRow)>,
    /// Bytes of those.
    closed_bytes: usize,
    /// Who was asked about in those.
    asked: Vec<Sighting>,
    /// Bytes of those that are open.
    open_bytes: usize,
    /// Counts the rounds of writing: what was put on record in round n is on disk when `written` is n.
    round: u64,
    written: u64,
    wanted: bool,
    stopping: bool,
}

impl Gathered {
    fn close(&mut self, organization: OrganizationId, open: Open) {
        let (bytes, decisions) = (open.writer.len(), open.writer.count());
        self.open_bytes = self.open_bytes.saturating_sub(bytes);
        let Some((first_at, last_at)) = open.writer.span() else { return };
        self.closed_bytes = self.closed_bytes.saturating_add(bytes);
        let asked = open.writer.users().iter();
        self.asked.extend(asked.map(|(user, at)| Sighting { organization, user: (*user).into(), at: *at }));
        let content = open.writer.into_bytes();
        self.closed.push((organization, SegmentRow { id: open.id, first_at, last_at, decisions, content }));
    }

    fn close_all(&mut self) {
        for (organization, open) in std::mem::take(&mut self.open) {
            self.close(organization, open);
        }
    }
}

/// What gathers, and who waits for it.
#[derive(Default)]
pub(super) struct DecisionLog {
    gathered: Mutex<Gathered>,
    changed: Condvar,
    /// Nothing is kept: set only to measure what keeping costs.
    off: AtomicBool,
    /// Who was seen: whoever is asked about at a gate is.
    pub(super) sightings: Sightings,
}

impl DecisionLog {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a decision on record.
    pub(super) fn record<Text: AsRef<str>>(
        &self,
        organization: OrganizationId,
        record: &DecisionRecord<Text>,
        durable: bool,
    ) -> Result<DecisionId, DecisionLogError> {
        if self.off.load(Ordering::Relaxed) {
            return Ok(DecisionId { segment: ids::resource(record.at), place: 0 });
        }
        let mut gathered = self.lock();
        let id = self.put(&mut gathered, organization, record)?;
        if durable { self.wait(gathered).map(|()| id) } else { Ok(id) }
    }

    /// Puts several on record, in their order.
    fn record_all<'r, Text: AsRef<str> + 'r>(
        &self,
        organization: OrganizationId,
        mut records: impl Iterator<Item = &'r DecisionRecord<Text>>,
    ) -> Result<Vec<DecisionId>, DecisionLogError> {
        if self.off.load(Ordering::Relaxed) {
            return Ok(records.map(|record| DecisionId { segment: ids::resource(record.at), place: 0 }).collect());
        }
        let mut gathered = self.lock();
        records.try_fold(Vec::new(), |mut ids, record| {
            ids.push(self.put(&mut gathered, organization, record)?);
            Ok(ids)
        })
    }

    fn put<Text: AsRef<str>>(
        &self,
        gathered: &mut Gathered,
        organization: OrganizationId,
        record: &DecisionRecord<Text>,
    ) -> Result<DecisionId, DecisionLogError> {
        if gathered.closed_bytes.saturating_add(gathered.open_bytes) > GATHERED_BYTES {
            return Err(DecisionLogError::Full);
        }
        let open = gathered
            .open
            .entry(organization)
            .or_insert_with(|| Open { id: ids::resource(record.at), writer: SegmentWriter::default() });
        let before = open.writer.len();
        let id = DecisionId { segment: open.id, place: open.writer.push(record) };
        let after = open.writer.len();
        gathered.open_bytes = gathered.open_bytes.saturating_add(after.saturating_sub(before));
        if after >= SEGMENT_BYTES
            && let Some(full) = gathered.open.remove(&organization)
        {
            gathered.close(organization, full);
            gathered.wanted = true;
            self.changed.notify_all();
        }
        Ok(id)
    }

    /// Waits until everything that has gathered is on disk.
    fn wait(&self, mut gathered: MutexGuard<'_, Gathered>) -> Result<(), DecisionLogError> {
        gathered.wanted = true;
        let round = gathered.round.saturating_add(1);
        self.changed.notify_all();
        let began = Clock::monotonic();
        while gathered.written < round {
            let waited = Clock::monotonic().duration_since(began);
            let Some(left) = PATIENCE.checked_sub(waited) else { return Err(DecisionLogError::NotWritten) };
            gathered = self.changed.wait_timeout(gathered, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Writes what gathers until told to stop, and then the rest.
    pub(super) fn run(&self, database: &Database) {
        let mut told = false;
        loop {
            let mut gathered = self.lock();
            if !gathered.wanted && !gathered.stopping {
                gathered = self.changed.wait_timeout(gathered, EVERY).unwrap_or_else(PoisonError::into_inner).0;
            }
            gathered.wanted = false;
            gathered.close_all();
            gathered.round = gathered.round.saturating_add(1);
            let (round, stopping) = (gathered.round, gathered.stopping);
            let segments = std::mem::take(&mut gathered.closed);
            let asked = std::mem::take(&mut gathered.asked);
            drop(gathered);
            let result = write(database, &segments);
            if result.is_ok()
                && let Err(error) = self.sightings.note(database, asked)
            {
                tracing::warn!(error = %error, "cannot note who was seen");
            }
            let mut gathered = self.lock();
            match result {
                Ok(()) => {
                    let bytes: usize = segments.iter().map(|(_, segment)| segment.content.len()).sum();
                    gathered.closed_bytes = gathered.closed_bytes.saturating_sub(bytes);
                    gathered.written = round;
                    told = false;
                }
                Err(error) => {
                    if !told {
                        tracing::error!(error = %error, "cannot write the decision log");
                    }
                    told = true;
                    let later = std::mem::replace(&mut gathered.closed, segments);
                    gathered.closed.extend(later);
                }
            }
            self.changed.notify_all();
            if stopping {
                return;
            }
            if told {
                // What is wanted is not to be had now; asking without pause would only keep the database busy.
                let pause = self.changed.wait_timeout(gathered, EVERY).unwrap_or_else(PoisonError::into_inner);
                drop(pause);
            }
        }
    }

    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }
}

fn write(database: &Database, segments: &[(OrganizationId, SegmentRow)]) -> Result<(), DatabaseError> {
    if segments.is_empty() {
        return Ok(());
    }
    let _turn = database.turn_to_write();
    database.read(|tx| {
        segments.iter().try_for_each(|(organization, segment)| decisions::insert(tx, *organization, segment))
    })
}

impl Live {
    /// Puts a decision on record before it is given; `durable`: returns when it is on disk, which blocks.
    ///
    /// # Errors
    /// [`DecisionLogError`]: then it must not be given.
    pub fn record_decision<Text: AsRef<str>>(
        &self,
        organization: OrganizationId,
        record: &DecisionRecord<Text>,
        durable: bool,
    ) -> Result<DecisionId, DecisionLogError> {
        self.0.decisions.record(organization, record, durable)
    }

    /// Puts several decisions on record before they are given.
    ///
    /// # Errors
    /// [`DecisionLogError`]: then none of them must be given.
    pub fn record_decisions<'r, Text: AsRef<str> + 'r>(
        &self,
        organization: OrganizationId,
        records: impl Iterator<Item = &'r DecisionRecord<Text>>,
    ) -> Result<Vec<DecisionId>, DecisionLogError> {
        self.0.decisions.record_all(organization, records)
    }

    /// Keeps no record of decisions from now on: to measure what the record costs, and for nothing else.
    pub fn keep_no_decisions(&self) {
        tracing::error!("decisions leave no record; this is for measuring only");
        self.0.decisions.off.store(true, Ordering::Relaxed);
    }

    /// Returns when every decision put on record so far is on disk. Blocks.
    ///
    /// # Errors
    /// [`DecisionLogError::NotWritten`].
    pub fn flush_decisions(&self) -> Result<(), DecisionLogError> {
        self.0.decisions.wait(self.0.decisions.lock())
    }
}

/// Starts the thread that writes.
pub(super) fn start(log: Arc<DecisionLog>, database: Database) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("decisions".to_owned()).spawn(move || log.run(&database))
}

#[cfg(test)]
mod tests;
