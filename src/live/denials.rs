//! Since when nothing is allowed to leavers any more, noted when it is known and put on record a moment later: the answer
//! to the change need not wait for another commit. What a process had noted when it died is not on record; the lease
//! bounds it then.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use crate::db::leavers::{self, Settled};
use crate::db::{DatabaseError, Tx, servers};
use crate::model::OrganizationId;

use super::{Inner, Live};

/// What was noted and is not on record yet.
#[derive(Default)]
pub(super) struct Denials {
    noted: Mutex<Vec<Settled>>,
    /// Held by whoever puts it on record.
    turn: Mutex<()>,
}

impl Denials {
    pub(super) fn note(&self, settled: impl IntoIterator<Item = Settled>) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).extend(settled);
    }

    /// Puts everything on record that was noted. One at a time: whoever waited finds it done.
    pub(super) fn record(&self, inner: &Inner, tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
        let _one = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let recorded = Self::write(&noted, inner, tx);
        if recorded.is_err() {
            self.note(noted);
        }
        recorded
    }

    fn write(noted: &[Settled], inner: &Inner, tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
        let mut following: HashMap<OrganizationId, String> = HashMap::new();
        for organization in noted.iter().map(|settled| settled.organization) {
            if let Entry::Vacant(entry) = following.entry(organization) {
                let ids = servers::following(tx, organization)?.into_iter().map(|(server, _)| server.to_string());
                entry.insert(ids.collect::<Vec<_>>().join(" "));
            }
        }
        let _turn = inner.database.turn_to_write();
        leavers::settle(tx, noted, |organization| following.get(&organization).cloned().unwrap_or_default())
    }
}

impl Live {
    /// Puts on record what is known of leavers so far. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn record_denials(&self) -> Result<(), DatabaseError> {
        self.0.database.with_own_connection(|tx| self.0.denials.record(&self.0, tx))
    }
}
