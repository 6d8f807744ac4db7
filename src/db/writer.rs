//! The one writer of a server: takes the requests that wait, writes them in one transaction, answers each.
//!
//! Whoever is alone writes without the writer's thread, which saves two changes of thread; as soon as two are at it, both
//! go to the thread, where they can share a commit.
//!
//! When anything in the group fails, the group is rolled back and its members are written one by one, so that each gets
//! its own answer and none can keep the others from being written: on SQLite each under its own savepoint, on
//! PostgreSQL, where one statement writes a kind of row for the whole group, each in its own transaction.

mod flush;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error;

use crate::clock::Clock;
use crate::model::{EventId, OrganizationId, Revision};

#[cfg(test)]
use super::tests::faults;
use super::{Constraint, Database, DatabaseError, Inner, Tx, WriteSet, events};

/// How many requests may wait before the next is told to come back.
const QUEUE: usize = 1024;
/// How many share one commit.
const GROUP: usize = 64;
/// How long a caller waits for its answer: its patience, and one statement that runs into its time limit.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// Nothing is begun any more for a request that has waited so long: its caller is about to be told that it failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a request is sent in all when connections break and deadlocks end it.
const ATTEMPTS: usize = 4;

/// What became of a request's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The revision it took, if it takes one.
    pub revision: Option<Revision>,
}

/// Why a request's rows were not written. Nothing of it is in the database then, except as [`WriteError::Unknown`] says.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What the request was worked out from has changed meanwhile: work it out again.
    #[error("the rows have changed meanwhile")]
    Stale,
    /// A uniqueness rule.
    #[error("a value is already taken")]
    Violated(Constraint),
    /// The commit was sent and its answer was lost; it may have taken place.
    #[error("the answer to the commit was lost: {0}")]
    Unknown(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        match Constraint::of(&error) {
            Some(
                Constraint::Membership
                | Constraint::Quarantine
                | Constraint::Account
                | Constraint::Attempt
                | Constraint::Invitation,
            ) => Self::Stale,
            Some(constraint) => Self::Violated(constraint),
            None => Self::Database(error.into()),
        }
    }
}

struct Job {
    set: WriteSet,
    since: Instant,
    answer: SyncSender<Answer>,
}

/// The handle of the writer; clones share it. The thread ends when the last one is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: SyncSender<Job>,
    desk: Arc<Desk>,
}

/// What is needed to write; whoever holds the connection is the writer.
struct Desk {
    database: Database,
    connection: Mutex<Option<Open>>,
    /// How many work out or write something now.
    callers: AtomicUsize,
    last: Mutex<Option<Acknowledged>>,
}

/// Somebody who works out what is to be written, and counts as such while this lives.
pub struct WriteCaller<'a>(&'a Writer);

impl Drop for WriteCaller<'_> {
    fn drop(&mut self) {
        self.0.desk.callers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The event of a write that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Whose.
    pub organization: OrganizationId,
    /// Which.
    pub event: EventId,
}

impl Writer {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// The operating system's when it has no thread to give.
    pub fn start(database: Database) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = sync_channel(QUEUE);
        let desk = Arc::new(Desk::new(database));
        let writer = Self { jobs, desk: Arc::clone(&desk) };
        let run = move || run(&desk, &queue);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(run)?;
        Ok((writer, thread))
    }

    /// The last write of this process that was acknowledged. A database without it has gone back.
    pub fn last_acknowledged(&self) -> Option<Acknowledged> {
        *self.desk.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a write that is known to be lost, unless a later one was acknowledged since.
    pub fn forget(&self, lost: Acknowledged) {
        self.desk.last.lock().unwrap_or_else(PoisonError::into_inner).take_if(|last| *last == lost);
    }

    /// Say this before working out what to write: whoever comes next knows that there is company.
    pub fn enter(&self) -> WriteCaller<'_> {
        self.desk.callers.fetch_add(1, Ordering::AcqRel);
        WriteCaller(self)
    }

    /// Writes what needed no working out.
    ///
    /// # Errors
    /// [`WriteError`].
    #[cfg(test)]
    pub fn write(&self, set: WriteSet) -> Answer {
        self.enter().write(set)
    }
}

impl WriteCaller<'_> {
    /// Writes everything in `set` or nothing, and returns when it is durable. Blocks.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, set: WriteSet) -> Answer {
        let Writer { jobs, desk } = self.0;
        let (answer, waiting) = sync_channel(1);
        let job = Job { set, since: Clock::monotonic(), answer };
        if desk.callers.load(Ordering::Acquire) == 1
            && let Ok(mut connection) = desk.connection.try_lock()
        {
            desk.write(&mut connection, vec![job]);
        } else {
            jobs.try_send(job).map_err(|refused| {
                WriteError::Database(DatabaseError::Unavailable(match refused {
                    TrySendError::Full(_) => "too many writes are waiting".to_owned(),
                    TrySendError::Disconnected(_) => "the writer has stopped".to_owned(),
                }))
            })?;
        }
        match waiting.recv_timeout(ANSWER_TIMEOUT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(WriteError::Unknown("the database takes too long".to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(WriteError::Unknown("the writer has stopped".to_owned())),
        }
    }
}

fn run(desk: &Desk, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut connection = desk.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut group = vec![first];
        while group.len() < GROUP {
            let Ok(job) = queue.try_recv() else { break };
            group.push(job);
        }
        desk.write(&mut connection, group);
    }
}

impl Desk {
    fn new(database: Database) -> Self {
        Self { database, connection: Mutex::default(), callers: AtomicUsize::new(0), last: Mutex::default() }
    }

    /// Writes the group and answers each of it.
    fn write(&self, connection: &mut Option<Open>, group: Vec<Job>) {
        #[cfg(test)]
        faults::work_for(&self.database);
        let results = write_group(&self.database, connection, &group);
        let mut written = group.iter().zip(&results).rev().filter(|(_, result)| result.is_ok());
        if let Some((Job { set, .. }, _)) = written.next()
            && let Some(event) = set.events.first()
        {
            let acknowledged = Acknowledged { organization: set.organization, event: event.id };
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(acknowledged);
        }
        for (job, result) in group.into_iter().zip(results) {
            // The caller may have stopped waiting; the rows are written all the same.
            let _ = job.answer.send(result);
        }
    }
}

enum Open {
    Sqlite(diesel::sqlite::SqliteConnection),
    Postgres(Box<super::postgres::Pooled>),
}

impl Open {
    fn tx(&mut self) -> Tx<'_> {
        match self {
            Self::Sqlite(connection) => Tx::Sqlite(connection),
            Self::Postgres(pooled) => Tx::Postgres(pooled),
        }
    }
}

fn open(database: &Database) -> Result<Open, DatabaseError> {
    let unavailable = |error: &dyn std::error::Error| DatabaseError::Unavailable(error.to_string());
    match &*database.0 {
        Inner::Sqlite { file, .. } => file.open().map(Open::Sqlite).map_err(|error| unavailable(&error)),
        Inner::Postgres { server, .. } => {
            let pooled = server.open().map_err(|error| unavailable(&error))?;
            Ok(Open::Postgres(Box::new(pooled)))
        }
    }
}

/// What became of one request.
pub type Answer = Result<Written, WriteError>;

/// Why nothing can be said of the single requests of a group.
enum Failure {
    /// At least one request cannot be written. Nothing was; the connection goes on.
    Refused(WriteError),
    /// Nothing was written, and the connection is not to be trusted any more.
    BeforeCommit(DatabaseError),
    /// The commit was sent and not answered.
    AtCommit(String),
}

/// One answer a request, in their order.
fn write_group(database: &Database, connection: &mut Option<Open>, group: &[Job]) -> Vec<Answer> {
    let sets: Vec<&WriteSet> = group.iter().map(|job| &job.set).collect();
    if group.len() > 1 && !share_a_membership(&sets) {
        match attempt(database, connection, &sets) {
            Ok(results) => return results,
            Err(Failure::AtCommit(message)) => return after_lost_commit(database, &sets, &message),
            Err(Failure::Refused(_) | Failure::BeforeCommit(_)) => {}
        }
    }
    group.iter().map(|job| write_alone(database, connection, job)).collect()
}

/// Whether two requests are about one member of one group. Written together, all leave before any joins, whatever the
/// order of their revisions; each by itself, the later one sees what the earlier one did.
fn share_a_membership(sets: &[&WriteSet]) -> bool {
    let mut seen = HashSet::new();
    let rows = |set: &WriteSet| set.joined.len().saturating_add(set.left.len());
    if sets.iter().filter(|set| rows(set) > 0).count() < 2 {
        return false;
    }
    let mut changes = sets.iter().flat_map(|set| {
        set.joined.iter().chain(&set.left).map(|change| (set.organization, change.group, change.member.id))
    });
    !changes.all(|change| seen.insert(change))
}

/// A connection that breaks and a deadlock look alike, and both are over at the next attempt.
fn write_alone(database: &Database, connection: &mut Option<Open>, job: &Job) -> Answer {
    let mut last = DatabaseError::Unavailable("the database has not answered for too long".to_owned());
    for _ in 0..ATTEMPTS {
        if Clock::monotonic().duration_since(job.since) > PATIENCE {
            break;
        }
        match attempt(database, connection, &[&job.set]) {
            Ok(results) => return only(results),
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::BeforeCommit(error)) => last = error,
            Err(Failure::AtCommit(message)) => return only(after_lost_commit(database, &[&job.set], &message)),
        }
    }
    Err(WriteError::Database(DatabaseError::Unavailable(last.to_string())))
}

fn only<T>(of: Vec<Result<T, WriteError>>) -> Result<T, WriteError> {
    of.into_iter().next().unwrap_or_else(|| Err(WriteError::Unknown("the writer lost count".to_owned())))
}

/// Every set bears at least one event, whose presence tells that the commit took place. Its absence tells nothing: the
/// database may still be at it.
fn after_lost_commit(database: &Database, sets: &[&WriteSet], message: &str) -> Vec<Answer> {
    let look_up = |tx: &mut Tx<'_>| {
        let exists = |set: &&WriteSet| match set.events.first() {
            Some(event) => events::exists(tx, set.organization, event.id),
            None => Ok(false),
        };
        sets.iter().map(exists).collect::<Result<Vec<bool>, DatabaseError>>()
    };
    let found = database.with_own_connection(look_up).unwrap_or_else(|_gone| vec![false; sets.len()]);
    // The revision is not known here; whoever needs it asks for the current one.
    let answer =
        |found| if found { Ok(Written { revision: None }) } else { Err(WriteError::Unknown(message.to_owned())) };
    found.into_iter().map(answer).collect()
}

/// Writes all sets in one transaction. A connection that fails is dropped, which ends its transaction.
fn attempt(database: &Database, connection: &mut Option<Open>, sets: &[&WriteSet]) -> Result<Vec<Answer>, Failure> {
    let mut ready = connection.take().map_or_else(|| open(database), Ok).map_err(Failure::BeforeCommit)?;
    let _turn = database.turn_to_write();
    let results = match &ready {
        Open::Sqlite(_) => sqlite_transaction(&mut ready.tx(), sets),
        Open::Postgres(_) => postgres_transaction(&mut ready.tx(), sets),
    };
    if matches!(results, Ok(_) | Err(Failure::Refused(_))) {
        *connection = Some(ready);
    }
    results
}

fn batch(tx: &mut Tx<'_>, text: &str) -> Result<(), Error> {
    #[cfg(test)]
    faults::before(text)?;
    match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text),
        Tx::Postgres(pooled) => pooled.connection.batch_execute(text),
    }?;
    #[cfg(test)]
    faults::after(text)?;
    Ok(())
}

fn before_commit(error: Error) -> Failure {
    Failure::BeforeCommit(error.into())
}

/// A full disk or a failed write ends the whole transaction: then there is nothing left to undo, and the cause is what
/// tells.
fn undo(tx: &mut Tx<'_>, text: &str, cause: WriteError) -> Result<WriteError, Failure> {
    match (batch(tx, text), cause) {
        (Ok(()), cause) => Ok(cause),
        (Err(_), WriteError::Database(cause)) => Err(Failure::BeforeCommit(cause)),
        (Err(error), _) => Err(before_commit(error)),
    }
}

/// All in one go; only when one of them fails, each again under a savepoint of its own.
fn sqlite_transaction(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Vec<Answer>, Failure> {
    batch(tx, "BEGIN IMMEDIATE").map_err(before_commit)?;
    match flush::all(tx, sets) {
        Ok(written) => {
            batch(tx, "COMMIT").map_err(|error| Failure::AtCommit(error.to_string()))?;
            return Ok(written.into_iter().map(Ok).collect());
        }
        Err(cause) => drop(undo(tx, "ROLLBACK; BEGIN IMMEDIATE", cause)?),
    }
    let mut results = Vec::with_capacity(sets.len());
    for set in sets {
        let savepoint = batch(tx, "SAVEPOINT request").map_err(WriteError::from);
        let result = savepoint.and_then(|()| flush::all(tx, &[set])).and_then(|written| {
            batch(tx, "RELEASE request")?;
            only(written.into_iter().map(Ok).collect())
        });
        let result = match result {
            Ok(written) => Ok(written),
            Err(cause) => Err(undo(tx, "ROLLBACK TO request; RELEASE request", cause)?),
        };
        results.push(result);
    }
    batch(tx, "COMMIT").map_err(|error| Failure::AtCommit(error.to_string()))?;
    Ok(results)
}

fn postgres_transaction(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Vec<Answer>, Failure> {
    batch(tx, "BEGIN").map_err(before_commit)?;
    match flush::all(tx, sets) {
        Ok(written) => {
            batch(tx, "COMMIT").map_err(|error| Failure::AtCommit(error.to_string()))?;
            Ok(written.into_iter().map(Ok).collect())
        }
        // Also what a deadlock and a time limit look like.
        Err(WriteError::Database(error)) if error.is_passing() => Err(Failure::BeforeCommit(error)),
        Err(error) => {
            batch(tx, "ROLLBACK").map_err(before_commit)?;
            Err(Failure::Refused(error))
        }
    }
}

#[cfg(test)]
mod tests;
