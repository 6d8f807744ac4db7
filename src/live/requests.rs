//! The request log, in memory first: requests gather, a thread masks and writes them once a second, off everybody's way.
//!
//! What a client wrote stands in memory until then and nowhere else. When more has gathered than may, lines are dropped
//! and counted; no request waits or fails for its line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::db::request_log::{self, RequestRow, Tally};
use crate::db::{Database, DatabaseError, organizations};
use crate::model::{ConnectionId, CredentialId, Moment, OrganizationId, RequestId, ResourceId, limits};
use crate::scim::mask::{self, Names};
use crate::scim::schema::ResourceTypes;

use super::Live;

/// How often what has gathered is written.
const EVERY: Duration = Duration::from_secs(1);
/// Bytes that may gather in that time: some hundred requests. Masking one costs as much work as carrying it out, so a flood is
/// counted rather than kept.
const GATHERED_BYTES: usize = 1024 * 1024;
/// What a line takes beside its bodies, about.
const LINE_BYTES: usize = 512;
/// How long somebody who wants to read waits for what has gathered.
const PATIENCE: Duration = Duration::from_secs(5);
const MINUTE_MICROS: i64 = 60 * 1_000_000;
/// Rows deleted in one statement.
const STEP: i64 = 500;

/// A request of a connection that was answered, as it was.
#[derive(Debug)]
pub struct AnsweredRequest {
    /// Whose.
    pub organization: OrganizationId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// By which credential.
    pub credential: CredentialId,
    /// The request.
    pub id: RequestId,
    /// When it was answered.
    pub at: Moment,
    /// The method, or `other`.
    pub method: &'static str,
    /// The route, or `none`.
    pub route: &'static str,
    /// The resource it was about.
    pub resource: Option<ResourceId>,
    /// The query, as sent.
    pub query: String,
    /// The status.
    pub status: u16,
    /// Whether it was meant to change something.
    pub writes: bool,
    /// From its head to its answer.
    pub duration: Duration,
    /// The body, as sent; of one beyond [`limits::LOGGED_BODY_BYTES`] only its length is kept.
    pub body: Kept,
    /// The answer.
    pub answer: Kept,
}

/// A body, or how long it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The bytes.
    Whole(Vec<u8>),
    /// Too long to be kept.
    Length(usize),
}

impl Kept {
    /// Keeps a body that is not too long.
    pub fn of(body: &[u8]) -> Self {
        if body.len() <= limits::LOGGED_BODY_BYTES { Self::Whole(body.to_vec()) } else { Self::Length(body.len()) }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Length(_) => 0,
        }
    }

    fn masked(&self, names: &Names, answer: bool) -> Option<String> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(
                mask::body(names, bytes, answer)
                    .unwrap_or_else(|| format!("{{\"not-json\":{{\"bytes\":{}}}}}", bytes.len())),
            ),
            Self::Length(bytes) => Some(format!("{{\"too-long\":{{\"bytes\":{bytes}}}}}")),
        }
    }
}

impl AnsweredRequest {
    fn is_refused(&self) -> bool {
        // Identity providers ask for what may not be there: that is how they find out.
        self.status >= 400 && (self.writes || self.status != 404)
    }

    fn row(&self, names: &Names) -> RequestRow {
        RequestRow {
            organization: self.organization,
            connection: self.connection,
            credential: self.credential,
            id: self.id,
            at: self.at,
            method: self.method.to_owned(),
            route: self.route.to_owned(),
            resource: self.resource,
            query: mask::query(names, &self.query),
            status: i64::from(self.status),
            writes: self.writes,
            duration: i64::try_from(self.duration.as_micros()).unwrap_or(i64::MAX),
            request: self.body.masked(names, false),
            answer: self.answer.masked(names, true),
            effect: None,
        }
    }
}

#[derive(Default)]
struct Gathered {
    lines: Vec<AnsweredRequest>,
    bytes: usize,
    tallies: BTreeMap<(OrganizationId, ConnectionId), Tally>,
    /// Counts the rounds of writing: what gathered in round n is dealt with when `done` is n.
    round: u64,
    done: u64,
    wanted: bool,
    stopping: bool,
}

impl Gathered {
    fn tally(&mut self, organization: OrganizationId, connection: ConnectionId, at: Moment) -> &mut Tally {
        let tally = self.tallies.entry((organization, connection)).or_insert_with(|| Tally {
            span: (at, at),
            wrote: false,
            refused: 0,
            failing_since: None,
            last_refused_at: None,
            reads: BTreeMap::new(),
        });
        tally.span = (tally.span.0.min(at), tally.span.1.max(at));
        tally
    }
}

/// What gathers, and who waits for it.
#[derive(Default)]
pub(super) struct RequestLog {
    gathered: Mutex<Gathered>,
    changed: Condvar,
    dropped: AtomicU64,
}

impl RequestLog {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, organization: OrganizationId, connection: ConnectionId, at: Moment) {
        let mut gathered = self.lock();
        let reads = gathered.tally(organization, connection, at).reads.entry(at.as_micros().div_euclid(MINUTE_MICROS));
        let reads = reads.or_default();
        *reads = reads.saturating_add(1);
    }

    fn record(&self, line: AnsweredRequest) {
        let mut gathered = self.lock();
        let tally = gathered.tally(line.organization, line.connection, line.at);
        if line.is_refused() {
            tally.refused = tally.refused.saturating_add(1);
            tally.failing_since = tally.failing_since.or(Some(line.at));
            tally.last_refused_at = Some(line.at);
        } else if line.writes && line.status < 400 {
            (tally.wrote, tally.refused, tally.failing_since) = (true, 0, None);
        }
        let bytes = line.body.bytes().saturating_add(line.answer.bytes()).saturating_add(line.query.len());
        let bytes = bytes.saturating_add(LINE_BYTES);
        if gathered.bytes.saturating_add(bytes) > GATHERED_BYTES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        gathered.bytes = gathered.bytes.saturating_add(bytes);
        gathered.lines.push(line);
    }

    /// Waits until everything that has gathered is written, or lost.
    fn settle(&self) {
        let mut gathered = self.lock();
        if gathered.stopping {
            return;
        }
        gathered.wanted = true;
        let round = gathered.round.saturating_add(1);
        self.changed.notify_all();
        let began = Clock::monotonic();
        while gathered.done < round {
            let waited = Clock::monotonic().duration_since(began);
            let Some(left) = PATIENCE.checked_sub(waited) else { return };
            gathered = self.changed.wait_timeout(gathered, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes what gathers until told to stop, and then the rest.
    fn run(&self, database: &Database, names: &Names) {
        let mut told = false;
        loop {
            let mut gathered = self.lock();
            if !gathered.wanted && !gathered.stopping {
                gathered = self.changed.wait_timeout(gathered, EVERY).unwrap_or_else(PoisonError::into_inner).0;
            }
            gathered.wanted = false;
            gathered.round = gathered.round.saturating_add(1);
            let (round, stopping) = (gathered.round, gathered.stopping);
            let lines = std::mem::take(&mut gathered.lines);
            let tallies = std::mem::take(&mut gathered.tallies);
            gathered.bytes = 0;
            drop(gathered);
            match write(database, names, &lines, &tallies) {
                Ok(()) => told = false,
                Err(error) => {
                    let lost = u64::try_from(lines.len()).unwrap_or(u64::MAX);
                    self.dropped.fetch_add(lost, Ordering::Relaxed);
                    if !told {
                        tracing::error!(error = %error, "cannot write the request log; its lines are lost");
                    }
                    told = true;
                }
            }
            self.lock().done = round;
            self.changed.notify_all();
            if stopping {
                return;
            }
        }
    }

    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }
}

fn write(
    database: &Database,
    names: &Names,
    lines: &[AnsweredRequest],
    tallies: &BTreeMap<(OrganizationId, ConnectionId), Tally>,
) -> Result<(), DatabaseError> {
    if lines.is_empty() && tallies.is_empty() {
        return Ok(());
    }
    let rows: Vec<RequestRow> = lines.iter().map(|line| line.row(names)).collect();
    let _turn = database.turn_to_write();
    database.read(|tx| request_log::write(tx, &rows, tallies))
}

/// Starts the thread that writes.
pub(super) fn start(
    log: Arc<RequestLog>,
    database: Database,
    types: &ResourceTypes,
) -> std::io::Result<JoinHandle<()>> {
    let names = Names::of(types);
    std::thread::Builder::new().name("requests".to_owned()).spawn(move || log.run(&database, &names))
}

impl Live {
    /// Counts a read that succeeded.
    pub fn count_read(&self, organization: OrganizationId, connection: ConnectionId, at: Moment) {
        self.0.requests.read(organization, connection, at);
    }

    /// Puts an error or a write in the request log, soon. Never waits.
    pub fn log_request(&self, request: AnsweredRequest) {
        self.0.requests.record(request);
    }

    /// Returns when what this process has put in the request log so far can be read. Blocks.
    pub fn settle_request_log(&self) {
        // A command has no thread that writes, and nothing to write.
        if self.0.serves {
            self.0.requests.settle();
        }
    }

    /// Lines of the request log that were lost.
    pub fn request_lines_lost(&self) -> u64 {
        self.0.requests.dropped.load(Ordering::Relaxed)
    }

    /// Deletes what the request log holds from before a moment, in small steps; `goes_on` is asked between them. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn forget_requests(&self, before: Moment, goes_on: impl Fn() -> bool) -> Result<usize, DatabaseError> {
        let database = &self.0.database;
        let (mut gone, first_kept) = (0_usize, ResourceId::earliest_at(before));
        for organization in database.read(organizations::list)? {
            loop {
                let turn = database.turn_to_write();
                let step = database.read(|tx| request_log::forget(tx, organization.id, first_kept, STEP))?;
                drop(turn);
                gone = gone.saturating_add(step);
                if step == 0 || !goes_on() {
                    break;
                }
            }
            let minute = before.as_micros().div_euclid(MINUTE_MICROS);
            let _turn = database.turn_to_write();
            database.read(|tx| request_log::forget_counts(tx, organization.id, minute))?;
        }
        Ok(gone)
    }
}
