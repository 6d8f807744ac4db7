//! The one writer of a server: takes the requests that wait, writes them in one transaction, answers each.
//!
//! When anything in the group fails, the group is rolled back and its members are written one by one, so that each gets
//! its own answer: on SQLite each under its own savepoint, on PostgreSQL, where one statement writes a kind of row for
//! the whole group, each in its own transaction.

mod flush;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::Error;

use crate::model::Revision;

use super::{Constraint, Database, DatabaseError, Inner, Tx, WriteSet, events};

/// How many requests may wait before the next is told to come back.
const QUEUE: usize = 1024;
/// How many share one commit.
const GROUP: usize = 64;
/// How long a caller waits for its answer. Longer than every time limit below.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a connection that is gone is opened anew before the requests are told so.
const RECONNECTS: usize = 3;

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
            Some(Constraint::Membership) => Self::Stale,
            Some(constraint) => Self::Violated(constraint),
            None => Self::Database(error.into()),
        }
    }
}

struct Job {
    set: WriteSet,
    answer: SyncSender<Result<Written, WriteError>>,
}

/// The handle of the writer; clones share it. The thread ends when the last one is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// The operating system's when it has no thread to give.
    pub fn start(database: Database) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || run(&database, &queue))?;
        Ok((Self { jobs }, thread))
    }

    /// Writes everything in `set` or nothing, and returns when it is durable. Blocks.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, set: WriteSet) -> Result<Written, WriteError> {
        let (answer, waiting) = sync_channel(1);
        self.jobs.try_send(Job { set, answer }).map_err(|refused| {
            WriteError::Database(DatabaseError::Unavailable(match refused {
                TrySendError::Full(_) => "too many writes are waiting".to_owned(),
                TrySendError::Disconnected(_) => "the writer has stopped".to_owned(),
            }))
        })?;
        match waiting.recv_timeout(ANSWER_TIMEOUT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(WriteError::Unknown("the database takes too long".to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(WriteError::Unknown("the writer has stopped".to_owned())),
        }
    }
}

fn run(database: &Database, queue: &Receiver<Job>) {
    let mut connection = None;
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            let Ok(job) = queue.try_recv() else { break };
            group.push(job);
        }
        let mut results = write_group(database, &mut connection, &group);
        for job in group.into_iter().rev() {
            let result = results.pop().unwrap_or_else(|| Err(WriteError::Unknown("the writer lost count".to_owned())));
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
            Self::Postgres(pooled) => Tx::Postgres(&mut pooled.connection),
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

type Results = Vec<Result<Written, WriteError>>;

fn write_group(database: &Database, connection: &mut Option<Open>, group: &[Job]) -> Results {
    let sets: Vec<&WriteSet> = group.iter().map(|job| &job.set).collect();
    let mut last = DatabaseError::Unavailable("no connection".to_owned());
    for _ in 0..=RECONNECTS {
        let mut ready = match connection.take().map_or_else(|| open(database), Ok) {
            Ok(ready) => ready,
            Err(error) => {
                last = error;
                continue;
            }
        };
        match attempt(&mut ready, &sets) {
            Ok(results) => {
                *connection = Some(ready);
                return results;
            }
            // The connection is dropped with `ready`. Nothing was committed: the same rows can be sent again.
            Err(Failure::BeforeCommit(error)) => last = error,
            Err(Failure::AtCommit(message)) => return after_lost_commit(database, &sets, &message),
        }
    }
    let message = last.to_string();
    sets.iter().map(|_| Err(WriteError::Database(DatabaseError::Unavailable(message.clone())))).collect()
}

/// The connection failed; the whole group shares its fate.
enum Failure {
    BeforeCommit(DatabaseError),
    AtCommit(String),
}

/// Every set bears at least one event, whose presence tells whether the commit took place.
fn after_lost_commit(database: &Database, sets: &[&WriteSet], message: &str) -> Results {
    let unknown = || Err(WriteError::Unknown(message.to_owned()));
    sets.iter()
        .map(|set| {
            let Some(event) = set.events.first() else { return unknown() };
            let found: Result<bool, DatabaseError> =
                database.with_own_connection(|tx| events::exists(tx, set.organization, event.id));
            match found {
                // The revision is not known here; whoever needs it follows the feed.
                Ok(true) => Ok(Written { revision: None }),
                _ => unknown(),
            }
        })
        .collect()
}

fn attempt(ready: &mut Open, sets: &[&WriteSet]) -> Result<Results, Failure> {
    match ready {
        Open::Sqlite(_) => sqlite_group(&mut ready.tx(), sets),
        Open::Postgres(_) => postgres_group(&mut ready.tx(), sets),
    }
}

fn batch(tx: &mut Tx<'_>, text: &str) -> Result<(), Error> {
    match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text),
        Tx::Postgres(connection) => connection.batch_execute(text),
    }
}

fn before_commit(error: Error) -> Failure {
    Failure::BeforeCommit(error.into())
}

/// All in one go; only when one of them fails, each again under a savepoint of its own.
fn sqlite_group(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Results, Failure> {
    batch(tx, "BEGIN IMMEDIATE").map_err(before_commit)?;
    match flush::all(tx, sets) {
        Ok(written) => {
            commit_sqlite(tx)?;
            return Ok(written.into_iter().map(Ok).collect());
        }
        Err(_) => batch(tx, "ROLLBACK; BEGIN IMMEDIATE").map_err(before_commit)?,
    }
    let mut results = Vec::with_capacity(sets.len());
    for set in sets {
        let savepoint = batch(tx, "SAVEPOINT request").map_err(WriteError::from);
        let result = savepoint.and_then(|()| flush::all(tx, &[set])).and_then(|written| {
            batch(tx, "RELEASE request")?;
            written.into_iter().next().ok_or_else(|| WriteError::Unknown("the writer lost count".to_owned()))
        });
        if result.is_err() {
            let undone = batch(tx, "ROLLBACK TO request; RELEASE request");
            if let Err(error) = undone {
                // A full disk or a failed write ends the whole transaction; none of the group is in the file.
                let _ = batch(tx, "ROLLBACK");
                return Err(before_commit(error));
            }
        }
        results.push(result);
    }
    commit_sqlite(tx)?;
    Ok(results)
}

fn commit_sqlite(tx: &mut Tx<'_>) -> Result<(), Failure> {
    batch(tx, "COMMIT").map_err(|error| {
        let _ = batch(tx, "ROLLBACK");
        Failure::AtCommit(error.to_string())
    })
}

fn postgres_group(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Results, Failure> {
    match postgres_transaction(tx, sets)? {
        Ok(written) => Ok(written.into_iter().map(Ok).collect()),
        Err(error) if sets.len() == 1 => Ok(vec![Err(error)]),
        Err(_) => {
            let mut results = Vec::with_capacity(sets.len());
            for set in sets {
                let result = match postgres_transaction(tx, &[set]) {
                    Ok(result) => result,
                    // Members before this one are committed and must be told so; this one may run into the same.
                    Err(Failure::BeforeCommit(error)) => Err(WriteError::Database(error)),
                    Err(Failure::AtCommit(message)) => Err(WriteError::Unknown(message)),
                };
                results.push(result.and_then(|written| {
                    written.into_iter().next().ok_or_else(|| WriteError::Unknown("the writer lost count".to_owned()))
                }));
            }
            Ok(results)
        }
    }
}

fn postgres_transaction(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Result<Vec<Written>, WriteError>, Failure> {
    batch(tx, "BEGIN").map_err(before_commit)?;
    match flush::all(tx, sets) {
        Ok(written) => match batch(tx, "COMMIT") {
            Ok(()) => Ok(Ok(written)),
            Err(error) => Err(Failure::AtCommit(error.to_string())),
        },
        Err(WriteError::Database(error)) if error.is_passing() => {
            // Also what a deadlock looks like. The transaction cannot go on; the connection may.
            let _ = batch(tx, "ROLLBACK");
            Err(Failure::BeforeCommit(error))
        }
        Err(error) => {
            batch(tx, "ROLLBACK").map_err(before_commit)?;
            Ok(Err(error))
        }
    }
}
