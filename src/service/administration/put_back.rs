//! A database that was put back from a backup: what must not come back with it ends.

use serde_json::json;

use crate::db::console::ConsoleRow;
use crate::db::organizations::Organization;
use crate::db::{AdministrationRow, credentials, events};
use crate::ids;
use crate::live::Decision;
use crate::model::{Moment, ResourceId};

use super::{Administration, AdministrationError, decisive};

/// An organization of a database that was put back.
#[derive(Debug, Clone)]
pub struct PutBack {
    /// Which.
    pub organization: Organization,
    /// When what is known of it was last changed: what came after that is missing.
    pub as_of: Option<Moment>,
    /// How many credentials admit, also those that were revoked after that.
    pub admitting: usize,
    /// How many have been revoked now.
    pub revoked: usize,
}

impl Administration {
    /// Says in every organization's log that the database was put back from a backup. What a backup brings back was ended
    /// since, perhaps, and nothing here says so: every session ends and every open invitation is withdrawn; every
    /// credential is revoked, if `revokes`. Doing so again is harmless.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn note_put_back(&self, revokes: bool) -> Result<Vec<PutBack>, AdministrationError> {
        self.organizations()?.into_iter().map(|organization| self.put_back(organization, revokes)).collect()
    }

    fn put_back(&self, organization: Organization, revokes: bool) -> Result<PutBack, AdministrationError> {
        let cause = self.cause(organization.id);
        let now = self.clock.now();
        let noted = self.live.write::<_, AdministrationError>(&cause, |tx| {
            let last = events::before(tx, organization.id, ids::first_event_after(now), 1)?;
            let mut live = credentials::list(tx, organization.id)?;
            live.retain(|stored| stored.credential.revoked_at.is_none() && stored.credential.expires_at > now);
            let ended = [ConsoleRow::EndEverySession, ConsoleRow::EndOpenInvitations(now)];
            let mut set = decisive(organization.id, ended.map(AdministrationRow::Console).into());
            let (mut admitting, mut revoked) = (live.len(), 0);
            if revokes {
                (admitting, revoked) = (0, admitting);
                set.takes_access = true;
                for stored in live {
                    let (id, kind) = (stored.credential.id, stored.credential.kind);
                    set.administration.push(AdministrationRow::RevokeCredential { id, at: now });
                    let details = json!({ "kind": kind.as_str() });
                    set.events.push(cause.event(now, "credential.revoked", ResourceId::from(id), &details));
                }
            }
            let details = json!({ "revoked": revoked });
            set.events.push(cause.event(now, "organization.put-back", organization.id.into(), &details));
            let as_of = last.first().map(|event| event.at);
            Ok(Decision::Write(Box::new(set), (as_of, admitting, revoked)))
        })?;
        let (as_of, admitting, revoked) = noted;
        Ok(PutBack { organization, as_of, admitting, revoked })
    }
}
