//! The one door for writes: nothing else commits, except the lease and the last use of a credential in the feed, and the
//! logs of requests and decisions.

use std::time::Duration;

use serde_json::Value;

use crate::clock::Clock;
use crate::db::events::EventRow;
use crate::db::leavers::Settled;
use crate::db::{DatabaseError, Dialect, Tx, WriteError, WriteSet, organizations, servers};
use crate::ids;
use crate::model::{Actor, Caller, EventId, Moment, OrganizationId, RequestId, ResourceId, Revision};

use super::{Inner, KeyError, LEASE, Live, PersonKey};

/// Who wants something changed, and in which request.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The organization it happens in.
    pub organization: OrganizationId,
    /// Who.
    pub actor: Actor,
    /// The request.
    pub request: RequestId,
}

impl From<&Caller> for Cause {
    fn from(caller: &Caller) -> Self {
        Self { organization: caller.organization, actor: caller.actor, request: caller.request }
    }
}

impl Cause {
    /// A line for the log. `details` must name people by id only.
    pub fn event(&self, now: Moment, action: &'static str, resource: ResourceId, details: &Value) -> EventRow {
        EventRow {
            id: ids::event(now),
            at: now,
            actor: self.actor,
            request: self.request,
            action,
            resource,
            // Writing JSON to memory cannot fail.
            details: serde_json::to_string(details).unwrap_or_default(),
            sealed: None,
        }
    }

    /// A line for the log with personal values, JSON text, sealed under the person's key and bound to the line.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn sealed_event(
        &self,
        now: Moment,
        action: &'static str,
        resource: ResourceId,
        details: &Value,
        personal: (&PersonKey, &str),
    ) -> Result<EventRow, KeyError> {
        let mut event = self.event(now, action, resource, details);
        let (key, values) = personal;
        event.sealed = Some(key.seal(event.id.as_bytes(), values.as_bytes())?);
        Ok(event)
    }
}

/// What a use case made of what it read.
pub enum Decision<T> {
    /// Nothing to change.
    Unchanged(T),
    /// Write this, then answer that.
    Write(Box<WriteSet>, T),
}

/// How long a use case is worked out anew when others are faster.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long after its moment a change that takes access away is in force on every server at the latest: it is worked out
/// and then written for so long at most, and a server that has not applied it by the end of its lease judges nothing.
pub const DENIED_WITHIN: Duration = PATIENCE.saturating_mul(3).saturating_add(LEASE);

impl Live {
    /// Reads, decides and writes. `decide` runs again when what it read has changed before it could be written, so it
    /// must have no effect but its answer. Returns when the change is durable, applied in this process and, where it
    /// takes access away, by every other server; where there is nothing to change, when that holds of what is there.
    ///
    /// # Errors
    /// What `decide` answers, and [`WriteError`].
    pub fn write<T, E: From<DatabaseError> + From<WriteError>>(
        &self,
        cause: &Cause,
        mut decide: impl FnMut(&mut Tx<'_>) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        let began = Clock::monotonic();
        let caller = self.0.writer.enter();
        loop {
            let (set, answer) = match self.0.database.read(&mut decide)? {
                Decision::Unchanged(answer) => {
                    drop(caller);
                    self.0.settle(cause.organization)?;
                    return Ok(answer);
                }
                Decision::Write(set, answer) => (set, answer),
            };
            let (takes_access, takes_revision) = (set.takes_access, set.takes_revision);
            let leavers: Vec<EventId> = set.leavers.iter().map(|leaver| leaver.event).collect();
            let (credentials, access) = (!set.administration.is_empty(), !set.access.is_empty());
            match caller.write(*set) {
                Ok(written) => {
                    drop(caller);
                    // What is kept of credentials is changed by rows of administration alone: whoever leaves costs no
                    // caller its place.
                    if credentials {
                        self.0.admissions.forget(cause.organization);
                    }
                    if takes_revision {
                        self.0.apply_access(cause.organization, written.revision);
                    }
                    self.0.feed.applied_here(cause.organization, written.revision);
                    let denied_at = self.0.clock.now();
                    // A command beside running servers has done its work when they have applied it.
                    if takes_access || ((credentials || access) && !self.0.serves) {
                        self.0.wait_for_others(cause.organization, written.revision)?;
                    }
                    self.0.settled(cause.organization, &leavers, denied_at);
                    return Ok(answer);
                }
                Err(WriteError::Stale) if Clock::monotonic().duration_since(began) < PATIENCE => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads. Blocks.
    ///
    /// # Errors
    /// What `read` answers, and [`DatabaseError::Unavailable`].
    pub fn read<T, E: From<DatabaseError>>(&self, read: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.0.database.read(read)
    }
}

impl Inner {
    /// From now on nobody allows anything to these leavers.
    fn settled(&self, organization: OrganizationId, leavers: &[EventId], denied_at: Moment) {
        if leavers.is_empty() {
            return;
        }
        let (server, settled_at) = (self.instance, self.clock.now());
        self.denials.note(leavers.iter().map(|event| Settled {
            organization,
            event: *event,
            server,
            denied_at,
            settled_at,
        }));
        // A command follows no feed that would do it later.
        if !self.serves
            && let Err(error) = self.database.with_own_connection(|tx| self.denials.record(self, tx))
        {
            tracing::warn!(error = %error, "cannot put on record since when a leaver is denied; the lease bounds it");
        }
    }

    /// Sees to it that nothing is judged any more by what was before `revision`, or before a write whose revision is
    /// not known.
    fn apply_access(&self, organization: OrganizationId, revision: Option<Revision>) {
        let known = match revision {
            Some(revision) => Ok(Some(revision)),
            None => self.database.read(|tx| organizations::revision(tx, organization)),
        };
        match known {
            Ok(Some(revision)) => {
                self.graphs.want(organization, revision);
                self.graphs.catch_up(self, organization);
            }
            Ok(None) | Err(_) => self.graphs.forget(organization),
        }
    }

    /// What is there already may have been written by a change that was never acknowledged: its server died or lost the
    /// database while it waited for the others. Whoever asks for it again is answered when no server lags behind it.
    fn settle(&self, organization: OrganizationId) -> Result<(), DatabaseError> {
        let revision = self.database.read(|tx| organizations::revision(tx, organization))?.unwrap_or_default();
        if self.feed.is_settled(organization, revision) {
            return Ok(());
        }
        self.admissions.forget(organization);
        self.apply_access(organization, Some(revision));
        self.wait_for_others(organization, Some(revision))?;
        self.feed.settled(organization, revision);
        Ok(())
    }

    /// Waits until every other server has applied `revision` or its lease is over.
    fn wait_for_others(&self, organization: OrganizationId, revision: Option<Revision>) -> Result<(), DatabaseError> {
        if self.serves && self.database.dialect() == Dialect::Sqlite {
            return Ok(()); // The only server there is: it holds the lock beside the file.
        }
        let revision = match revision {
            Some(revision) => revision,
            None => self.database.read(|tx| organizations::revision(tx, organization))?.unwrap_or_default(),
        };
        let began = Clock::monotonic();
        let mut woken = false;
        loop {
            if self.database.read(|tx| servers::behind(tx, organization, revision, self.instance))? == 0 {
                return Ok(());
            }
            if Clock::monotonic().duration_since(began) > LEASE.saturating_mul(3) {
                return Err(DatabaseError::Unavailable("another server does not apply the change".to_owned()));
            }
            if !woken {
                self.database.read(servers::notify)?;
                woken = true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
