//! Who is admitted: credentials in memory, loaded when first presented, forgotten when the feed says so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::db::{DatabaseError, Tx, credentials, organizations};
use crate::model::{Connection, ConnectionId, Credential, CredentialId, Moment, OrganizationId, Profile};
use crate::scim::schema::ResourceTypes;

use super::token::Token;
use super::{Inner, Live};

/// The judgement on a token.
#[derive(Debug, Clone)]
pub enum Admission {
    /// The credential stands, and so does its connection. Its kind and expiry are for the caller to look at.
    Granted(Arc<Credential>, Arc<Connection>),
    /// Unknown, wrong, revoked.
    Refused,
    /// Cannot be judged now: the text is for the log.
    CannotTell(String),
}

/// A credential as a caller names it.
type Named = (OrganizationId, CredentialId);

struct Entry {
    credential: Arc<Credential>,
    connection: Arc<Connection>,
    /// Microseconds; 0: not used since it was last put on record.
    used_at: AtomicI64,
}

impl Entry {
    /// When it was last used, if that was after the last time this was asked.
    fn take_use(&self) -> Option<Moment> {
        match self.used_at.swap(0, Ordering::AcqRel) {
            0 => None,
            used => Some(Moment::from_micros(used)),
        }
    }
}

#[derive(Default)]
pub(super) struct Known {
    entries: HashMap<CredentialId, Entry>,
    /// Last uses of credentials that were forgotten before these were put on record.
    unrecorded: HashMap<CredentialId, (OrganizationId, Moment)>,
    /// The resource types of organizations.
    pub(super) types: HashMap<OrganizationId, ResourceTypes>,
    /// Counts how often an organization was forgotten: an entry loaded before must not be kept after.
    pub(super) forgotten: HashMap<OrganizationId, u64>,
}

/// The credentials in memory.
#[derive(Default)]
pub(super) struct Admissions(pub(super) RwLock<Known>);

impl Admissions {
    pub(super) fn forget(&self, organization: OrganizationId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Known { entries, unrecorded, .. } = &mut *known;
        entries.retain(|id, entry| {
            if entry.credential.organization != organization {
                return true;
            }
            if let Some(used) = entry.take_use() {
                unrecorded.insert(*id, (organization, used));
            }
            false
        });
        known.types.remove(&organization);
        let times = known.forgotten.entry(organization).or_default();
        *times = times.wrapping_add(1);
    }

    pub(super) fn times_forgotten(&self, organization: OrganizationId) -> u64 {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.forgotten.get(&organization).copied().unwrap_or_default()
    }

    fn keep(&self, credential: Arc<Credential>, connection: Arc<Connection>, now: Moment, times_forgotten: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten.get(&credential.organization).copied().unwrap_or_default() == times_forgotten {
            let used_at = AtomicI64::new(now.as_micros());
            known.entries.insert(credential.id, Entry { credential, connection, used_at });
        }
    }

    /// The credentials used since they were last asked for, and when.
    pub(super) fn take_uses(&self) -> Vec<(OrganizationId, CredentialId, Moment)> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut uses = std::mem::take(&mut known.unrecorded);
        for (id, entry) in &known.entries {
            if let Some(used) = entry.take_use() {
                uses.insert(*id, (entry.credential.organization, used));
            }
        }
        uses.into_iter().map(|(id, (organization, used))| (organization, id, used)).collect()
    }

    fn judge(&self, named: Named, is_proven: impl Fn(&[u8]) -> bool, now: Moment) -> Option<Admission> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entries.get(&named.1)?;
        if entry.credential.organization != named.0 || !is_proven(&entry.credential.secret_hash) {
            return Some(Admission::Refused);
        }
        entry.used_at.store(now.as_micros(), Ordering::Release);
        Some(Admission::Granted(Arc::clone(&entry.credential), Arc::clone(&entry.connection)))
    }
}

impl Live {
    /// Judges a token by what is in memory; `None` when the database must be asked.
    pub fn admit_from_memory(&self, text: &str) -> Option<Admission> {
        let Ok(token) = Token::parse(text) else { return Some(Admission::Refused) };
        self.remembered((token.organization, token.credential), |hash| token.matches(hash))
    }

    fn remembered(&self, named: Named, is_proven: impl Fn(&[u8]) -> bool) -> Option<Admission> {
        if !self.0.lease.is_current() {
            return Some(Admission::CannotTell("this server's lease has run out".to_owned()));
        }
        self.0.admissions.judge(named, is_proven, self.0.clock.now())
    }

    /// Judges a token, asking the database where memory does not know. Blocks.
    pub fn admit(&self, text: &str) -> Admission {
        if let Some(admission) = self.admit_from_memory(text) {
            return admission;
        }
        let Ok(token) = Token::parse(text) else { return Admission::Refused };
        self.loaded((token.organization, token.credential), |hash| token.matches(hash))
    }

    /// Judges a credential whose caller has proven by a signature that it is the one; asks the database where memory does
    /// not know. Blocks.
    pub fn admit_proven(&self, organization: OrganizationId, credential: CredentialId) -> Admission {
        let named = (organization, credential);
        self.remembered(named, |_hash| true).unwrap_or_else(|| self.loaded(named, |_hash| true))
    }

    fn loaded(&self, named: Named, is_proven: impl Fn(&[u8]) -> bool) -> Admission {
        match load(&self.0, named, is_proven) {
            Ok(admission) => admission,
            Err(error) => Admission::CannotTell(error.to_string()),
        }
    }
}

fn load(inner: &Inner, named: Named, is_proven: impl Fn(&[u8]) -> bool) -> Result<Admission, DatabaseError> {
    let found = inner.database.read(|tx| find(tx, named))?;
    let Some((credential, _)) = found else { return Ok(Admission::Refused) };
    if !is_proven(&credential.secret_hash) || credential.revoked_at.is_some() {
        return Ok(Admission::Refused);
    }
    // Rightly presented: worth following the organization's changes, before it is read for keeps.
    inner.feed.watch(inner, named.0)?;
    let times_forgotten = inner.admissions.times_forgotten(named.0);
    let found = inner.database.read(|tx| find(tx, named))?;
    let Some((credential, connection)) = found else { return Ok(Admission::Refused) };
    if credential.revoked_at.is_some() {
        return Ok(Admission::Refused);
    }
    let (credential, connection) = (Arc::new(credential), Arc::new(connection));
    inner.admissions.keep(Arc::clone(&credential), Arc::clone(&connection), inner.clock.now(), times_forgotten);
    Ok(Admission::Granted(credential, connection))
}

fn find(tx: &mut Tx<'_>, (organization, id): Named) -> Result<Option<(Credential, Connection)>, DatabaseError> {
    let Some(stored) = credentials::by_id(tx, organization, id)? else { return Ok(None) };
    if organizations::is_suspended(tx, organization)? {
        return Ok(None);
    }
    let credential = stored.credential;
    if credential.connection.is_nobody() {
        let connection = Connection {
            organization,
            id: ConnectionId::NOBODY,
            name: String::new(),
            profile: Profile::Default,
            paused: false,
            assigns_roles: false,
            asynchronous: false,
        };
        return Ok(Some((credential, connection)));
    }
    let connection = organizations::connection(tx, organization, credential.connection)?;
    // A credential whose connection is gone admits nobody.
    Ok(connection.map(|connection| (credential, connection)))
}
