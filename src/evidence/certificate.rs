//! The leaver certificate: what is known about somebody who is gone, and what is not confirmed.

use serde::{Deserialize, Serialize};

/// What arrived: the request that said that somebody leaves (T0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// When its change was committed, RFC 3339 in UTC.
    pub at: String,
    /// What was done: `user.deactivated`, `user.deleted`.
    pub action: String,
    /// The line of the log.
    pub event: String,
    /// The request, as answers and logs name it.
    pub request: String,
    /// SHA-256 of the request's body, hexadecimal; empty where there was none.
    pub digest: String,
    /// Who: `connection …`, `credential …`, `account …` (somebody at the console), `command line`.
    pub actor: String,
    /// The organization's revision from which on nothing is allowed.
    pub revision: u64,
}

/// A process and the moment by which it denied (T1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// Which server.
    pub server: String,
    /// From when on at the latest.
    pub at: String,
    /// `applied`: it made the change and had applied it, before it answered. `acknowledged`: it had said so of the
    /// revision, or its lease was over, before the change was answered. `lease`: neither was put on record, because a
    /// process died; no server judges for longer than its lease without having applied what was changed.
    pub how: String,
}

/// Something that admitted the leaver and does not any more (T2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Killed {
    /// What: `assignment` (of a role to the leaver), `service` (which the leaver answers for), `service-handed-over` (which
    /// the leaver answered for, and a successor does since), `session` (of the console), `sign-in-link`, `invitation` (which
    /// the leaver had made), `received-invitation` (to an address of the leaver).
    pub kind: String,
    /// Which.
    pub id: String,
    /// When.
    pub at: String,
}

/// A downstream system that was told, and its word (T3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Which receiver.
    pub receiver: String,
    /// Which signal: its `jti`.
    pub signal: String,
    /// What was told.
    pub event_type: String,
    /// When it was first tried; nothing: not yet.
    pub first_attempt: Option<String>,
    /// When it was acknowledged; nothing: not confirmed.
    pub acknowledged: Option<String>,
}

/// A downstream system whose accounts were compared after the departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downstream {
    /// Which.
    pub system: String,
    /// When its accounts were last looked at.
    pub at: String,
    /// Whether the leaver still had one.
    pub has_account: bool,
}

/// The search over everything that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// At which revision.
    pub revision: u64,
    /// How many pairs of a permission and a resource were asked for.
    pub asked: u64,
    /// What was allowed: nothing, of somebody who is gone.
    pub allowed: Vec<String>,
}

/// The certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The organization: its id.
    pub organization: String,
    /// The organization: its slug.
    pub slug: String,
    /// Who left: the id, which is never used again.
    pub user: String,
    /// When this was written.
    pub issued_at: String,
    /// What arrived.
    pub arrival: Arrival,
    /// Since when which process denies.
    pub denials: Vec<Denial>,
    /// The latest moment until which an answer given out before may have been relied on; nothing: none was.
    pub answers_valid_until: Option<String>,
    /// What was ended.
    pub killed: Vec<Killed>,
    /// Who was told.
    pub told: Vec<Told>,
    /// What was seen of accounts downstream; left out where no system was compared since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downstream: Vec<Downstream>,
    /// What is still allowed.
    pub search: Search,
}

impl Certificate {
    /// What is not confirmed, a line each, in the order of the document.
    pub fn unconfirmed(&self) -> Vec<String> {
        let told = self.told.iter().filter(|told| told.acknowledged.is_none());
        let told = told.map(|told| format!("receiver `{}` has not acknowledged `{}`", told.receiver, told.event_type));
        let left = self.downstream.iter().filter(|seen| seen.has_account);
        told.chain(left.map(|seen| format!("system `{}` still had an account at {}", seen.system, seen.at))).collect()
    }

    /// What the certificate itself says against it: nothing may be allowed to somebody who is gone.
    pub fn contradiction(&self) -> Option<String> {
        if self.search.revision < self.arrival.revision {
            return Some("the certificate says what was allowed before the leaver was gone, not after".to_owned());
        }
        let allowed = self.search.allowed.first()?;
        Some(format!("the certificate says that `{allowed}` is still allowed"))
    }
}
