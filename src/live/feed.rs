//! The feed: follows the revisions of the organizations this server has something of in memory.
//!
//! The order of the steps is what the consistency promise rests on. A server says that it follows an organization
//! before it loads anything of it; it forgets before it says that it has applied; it renews its lease before it reads
//! the feed, and trusts itself only from then on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::db::follow::Follower;
use crate::db::{DatabaseError, Tx, credentials, events, organizations, servers};
use crate::model::{Moment, OrganizationId, Revision};

use super::{Inner, LEASE, LEASE_MARGIN};

const RENEW_EVERY: Duration = Duration::from_secs(1);
const RECORD_USE_EVERY: Duration = Duration::from_mins(1);
/// Whoever takes access away wakes the others; everything else is seen this soon at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Servers that have been gone for so long are removed from the table.
const SWEEP_AFTER: Duration = Duration::from_hours(1);

/// What is followed, and the revision memory is true to.
#[derive(Default)]
pub(super) struct Feed {
    followed: Mutex<HashMap<OrganizationId, Revision>>,
    /// What every server has applied, as far as somebody has waited for it.
    settled: Mutex<HashMap<OrganizationId, Revision>>,
    /// What this server has said that it has applied, and when it last said so of what it changed itself.
    told: Mutex<(HashMap<OrganizationId, Revision>, Option<Instant>)>,
    stopping: AtomicBool,
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Feed {
    /// Makes sure that whoever takes access away in `organization` from now on waits for this server. Blocks.
    ///
    /// Nothing is locked while this waits for a connection: whoever holds one asks here what is followed.
    pub(super) fn watch(&self, inner: &Inner, organization: OrganizationId) -> Result<(), DatabaseError> {
        if self.follows(organization) {
            return Ok(());
        }
        let turn = inner.database.turn_to_write();
        let revision = inner.database.read(|tx| {
            let revision = organizations::revision(tx, organization)?.unwrap_or_default();
            servers::follow(tx, inner.instance, organization, revision)?;
            Ok::<_, DatabaseError>(revision)
        })?;
        drop(turn);
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).entry(organization).or_insert(revision);
        Ok(())
    }

    /// Whether whoever takes access away in `organization` waits for this server.
    pub(super) fn follows(&self, organization: OrganizationId) -> bool {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&organization)
    }

    /// This process made the change and has applied it itself: memory stays true if nobody else was in between.
    pub(super) fn applied_here(&self, organization: OrganizationId, revision: Option<Revision>) {
        let Some(revision) = revision else { return };
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(applied) = followed.get_mut(&organization)
            && applied.next() == revision
        {
            *applied = revision;
        }
    }

    /// Whether no server lags behind this revision, as far as is known here.
    pub(super) fn is_settled(&self, organization: OrganizationId, revision: Revision) -> bool {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.get(&organization).is_some_and(|settled| revision <= *settled)
    }

    /// Every server has applied this revision, or its lease is over.
    pub(super) fn settled(&self, organization: OrganizationId, revision: Revision) {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let last = settled.entry(organization).or_default();
        *last = revision.max(*last);
    }

    /// Whether it is time to say how far this server has come by itself: whoever finds nothing left to change waits for
    /// that. Not at every write, which would be one more write.
    fn tells_own(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Clock::monotonic();
        let due = told.1.is_none_or(|last| now.duration_since(last) >= LOOK_EVERY);
        if due {
            told.1 = Some(now);
        }
        due
    }

    fn has_told(&self, organization: OrganizationId, revision: Revision) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0.get(&organization).is_some_and(|told| revision <= *told)
    }

    fn tell(&self, organization: OrganizationId, revision: Revision) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).0.insert(organization, revision);
    }

    fn organizations(&self) -> Vec<OrganizationId> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Goes on to a revision that was read; answers the one before. Never goes back.
    fn apply(&self, organization: OrganizationId, revision: Revision) -> Revision {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(applied) = followed.get_mut(&organization) else { return revision };
        let last = *applied;
        *applied = last.max(revision);
        last
    }

    /// The database has lost what came after `revision`.
    fn set_back(&self, organization: OrganizationId, revision: Revision) {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).insert(organization, revision);
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).remove(&organization);
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Runs until the server stops. Errors are told once each time they begin.
pub(super) fn run(inner: &Inner) {
    let mut told = false;
    while !inner.feed.is_stopping() {
        let result = inner.database.follow().and_then(|mut follower| {
            join(inner, &mut follower.tx())?;
            if told {
                tracing::info!("the database is back");
            }
            told = false;
            follow(inner, &mut follower)
        });
        if let Err(error) = result {
            if !told {
                tracing::error!(error = %error, "cannot follow the database");
            }
            told = true;
            std::thread::sleep(RETRY_AFTER);
        }
    }
    inner.lease.end();
    let left: Result<(), DatabaseError> = inner.database.with_own_connection(|tx| {
        inner.denials.record(inner, tx)?;
        servers::leave(tx, inner.instance)
    });
    if let Err(error) = left {
        tracing::warn!(error = %error, "cannot give up the lease; the others wait until it has run out");
    }
}

/// Takes a lease anew. Whatever is in memory may be behind by then and is forgotten.
fn join(inner: &Inner, tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
    let began = Clock::monotonic();
    let turn = inner.database.turn_to_write();
    servers::join(tx, inner.instance, micros(LEASE))?;
    servers::sweep(tx, micros(SWEEP_AFTER))?;
    drop(turn);
    for organization in inner.feed.organizations() {
        inner.admissions.forget(organization);
    }
    let lost = acknowledged_write_is_missing(inner, tx)?;
    if read(inner, tx, true)? || lost {
        inner.went_back.fetch_add(1, Ordering::Relaxed);
        inner.page_starts.forget();
        for organization in inner.feed.organizations() {
            inner.graphs.forget(organization);
        }
    }
    inner.lease.extend(began, LEASE.saturating_sub(LEASE_MARGIN));
    Ok(())
}

fn follow(inner: &Inner, follower: &mut Follower) -> Result<(), DatabaseError> {
    let mut renewed = Clock::monotonic();
    let mut recorded = inner.clock.now();
    while !inner.feed.is_stopping() {
        let now = Clock::monotonic();
        let due = now.duration_since(renewed) >= RENEW_EVERY;
        if due {
            let turn = inner.database.turn_to_write();
            let renewed_in_time = servers::renew(&mut follower.tx(), inner.instance, micros(LEASE))?;
            drop(turn);
            if !renewed_in_time {
                // Others have seen the lease over and do not wait for this server any more.
                return join(inner, &mut follower.tx());
            }
            renewed = now;
        }
        if read(inner, &mut follower.tx(), false)? {
            inner.went_back.fetch_add(1, Ordering::Relaxed);
        }
        if due {
            inner.lease.extend(now, LEASE.saturating_sub(LEASE_MARGIN));
        }
        inner.graphs.catch_up_all(inner);
        record_uses(inner, &mut follower.tx(), &mut recorded)?;
        inner.denials.record(inner, &mut follower.tx())?;
        let until_due = RENEW_EVERY.saturating_sub(Clock::monotonic().duration_since(renewed));
        follower.wait(until_due.min(LOOK_EVERY))?;
    }
    Ok(())
}

/// Whether the database lacks the last write this process has acknowledged: an asynchronous standby was promoted before it
/// had received it. Tells of writes that take no revision too.
fn acknowledged_write_is_missing(inner: &Inner, tx: &mut Tx<'_>) -> Result<bool, DatabaseError> {
    let Some(last) = inner.writer.last_acknowledged() else { return Ok(false) };
    if events::exists(tx, last.organization, last.event)? {
        return Ok(false);
    }
    tracing::error!(
        organization = %last.organization, event = %last.event,
        "the database has gone back: at least this event was acknowledged and is missing"
    );
    inner.writer.forget(last);
    Ok(true)
}

/// Applies what others have changed since the last look and says how far; answers whether a revision went back. `again`:
/// say it even where nothing has changed, the rows may be gone.
///
/// What this process changed itself it has applied; it says so at its leisure, for those who find nothing left to change.
fn read(inner: &Inner, tx: &mut Tx<'_>, again: bool) -> Result<bool, DatabaseError> {
    let (mut back, mut to_tell) = (false, Vec::new());
    let followed = inner.feed.organizations();
    if followed.is_empty() {
        return Ok(back);
    }
    let tells_own = inner.feed.tells_own();
    for (organization, revision) in organizations::revisions(tx, &followed)? {
        let last = inner.feed.apply(organization, revision);
        // A revision read before this process went on by itself is not news.
        if revision < last && organizations::revision(tx, organization)?.is_some_and(|now| now < last) {
            // A promoted standby lacks changes that were acknowledged.
            tracing::error!(
                organization = %organization, applied = %last, database = %revision,
                "the database has gone back: acknowledged changes are missing"
            );
            back = true;
            inner.feed.set_back(organization, revision);
            inner.admissions.forget(organization);
            inner.graphs.forget(organization);
            to_tell.push((organization, revision));
        } else if revision > last || again {
            inner.admissions.forget(organization);
            inner.graphs.want(organization, revision);
            to_tell.push((organization, revision));
        } else if tells_own && !inner.feed.has_told(organization, revision) {
            to_tell.push((organization, revision));
        }
    }
    if !to_tell.is_empty() {
        let _turn = inner.database.turn_to_write();
        for (organization, revision) in to_tell {
            servers::applied(tx, inner.instance, organization, revision)?;
            inner.feed.tell(organization, revision);
        }
    }
    Ok(back)
}

/// Puts on record when credentials were last used, at most once a minute.
fn record_uses(inner: &Inner, tx: &mut Tx<'_>, recorded: &mut Moment) -> Result<(), DatabaseError> {
    let now = inner.clock.now();
    // A clock that was put back does not stop it.
    if now >= *recorded && now < recorded.plus_micros(micros(RECORD_USE_EVERY)) {
        return Ok(());
    }
    *recorded = now;
    let uses = inner.admissions.take_uses();
    let _turn = inner.database.turn_to_write();
    for (organization, credential, at) in uses {
        credentials::record_use(tx, organization, credential, at)?;
    }
    Ok(())
}
