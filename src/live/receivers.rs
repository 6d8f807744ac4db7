//! Which receivers an organization has, in memory, so that a write of an organization without any costs nothing more.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::db::{DatabaseError, Tx, receivers};
use crate::model::{Destinations, Moment, OrganizationId, ResourceId};
use crate::signals::Receiver;

use super::{KeyError, Live};

/// The receivers of an organization, and how often it had been forgotten when they were read.
type Known = (u64, Arc<Vec<Receiver>>);

/// What is known of receivers, and where they may be.
#[derive(Default)]
pub(super) struct Receivers {
    known: RwLock<HashMap<OrganizationId, Known>>,
    destinations: OnceLock<Destinations>,
}

impl Live {
    /// The receivers of an organization. Whoever adds one waits until no server goes by what it knew before.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn receivers(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
    ) -> Result<Arc<Vec<Receiver>>, DatabaseError> {
        let inner = &self.0;
        let load = |tx: &mut Tx<'_>| {
            let stored = receivers::list(tx, organization)?;
            Ok::<_, DatabaseError>(Arc::new(stored.into_iter().map(|stored| stored.receiver).collect::<Vec<_>>()))
        };
        // A command keeps nothing; a server keeps what it follows.
        if !inner.serves || !inner.lease.is_current() || !inner.feed.follows(organization) {
            return load(tx);
        }
        let forgotten = inner.admissions.times_forgotten(organization);
        let known = inner.receivers.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, receivers)) = known.get(&organization)
            && *then == forgotten
        {
            return Ok(Arc::clone(receivers));
        }
        drop(known);
        let receivers = load(tx)?;
        let mut known = inner.receivers.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(organization, (forgotten, Arc::clone(&receivers)));
        Ok(receivers)
    }

    /// Where outgoing requests may go. The first to say so is heard; until then, to the public internet alone.
    pub fn allow_destinations(&self, destinations: Destinations) {
        let _ = self.0.receivers.destinations.set(destinations);
    }

    /// Where outgoing requests may go.
    pub fn destinations(&self) -> Destinations {
        self.0.receivers.destinations.get().cloned().unwrap_or_default()
    }

    /// The time, as this process sees it.
    pub fn now(&self) -> Moment {
        self.0.clock.now()
    }

    /// Puts on record what changes nothing that was decided: whom the sender is at, and what receivers have answered. All
    /// of it or nothing.
    ///
    /// # Errors
    /// What `work` answers, and [`DatabaseError`].
    pub fn record<T, E: From<DatabaseError>>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let _turn = self.0.database.turn_to_write();
        self.0.database.read(|tx| tx.transaction(work))
    }

    /// Seals the secret of a receiver.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal_secret(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        receiver: ResourceId,
        plain: &str,
    ) -> Result<Vec<u8>, KeyError> {
        self.0.keys.seal_cursor(tx, organization, receiver.as_bytes(), plain.as_bytes())
    }

    /// Opens what [`Live::seal_secret`] made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open_secret(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        receiver: ResourceId,
        sealed: &[u8],
    ) -> Result<Option<String>, KeyError> {
        let opened = self.0.keys.open_cursor(tx, organization, receiver.as_bytes(), sealed)?;
        Ok(opened.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
