//! What is known of those who prove who they are by signatures: whose tokens admit, and the keys published elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::db::{DatabaseError, proofs};
use crate::model::{CredentialId, Destinations, DownstreamAccount, MirroredGroup, OrganizationId, Proof};

use super::Live;
use super::jwt::PublicKeys;

/// How long published keys are good without another look.
const FRESH: Duration = Duration::from_hours(1);
/// How long keys are used whose publisher does not answer any more.
const STALE: Duration = Duration::from_hours(24);
/// How often a publisher is asked at most, however many tokens name keys that are not known.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// Reads a document from an address, if that is where requests may go. The text of an error is for the log.
pub type Fetch = dyn Fn(&str, &Destinations) -> Result<String, String> + Send + Sync;

/// Fetches the accounts of an organization at GitHub: where requests may go, the address of the API, the organization, the
/// token. The text of an error is for the administrator.
pub type FetchAccounts =
    dyn Fn(&Destinations, &str, &str, &str) -> Result<Vec<DownstreamAccount>, String> + Send + Sync;

/// Which groups of GitHub are to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct GithubGroups<'a> {
    /// Where its API stands.
    pub api: &'a str,
    /// The organization there.
    pub organization: &'a str,
    /// What it is asked with.
    pub token: &'a str,
    /// The repositories that count; empty for all.
    pub repositories: &'a [String],
}

/// Why there is nothing from GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFetched {
    /// For the administrator.
    pub problem: String,
    /// How many seconds GitHub asks not to be asked again for.
    pub wait: Option<i64>,
}

impl From<String> for NotFetched {
    fn from(problem: String) -> Self {
        Self { problem, wait: None }
    }
}

/// Fetches groups of GitHub, all of them or none.
pub type FetchGroups = dyn Fn(&Destinations, &GithubGroups<'_>) -> Result<Vec<MirroredGroup>, NotFetched> + Send + Sync;

struct Published {
    keys: Option<(Instant, Arc<PublicKeys>)>,
    asked_at: Instant,
}

/// See the module.
#[derive(Default)]
pub(super) struct Outside {
    fetch: OnceLock<Box<Fetch>>,
    accounts: OnceLock<Box<FetchAccounts>>,
    groups: OnceLock<Box<FetchGroups>>,
    published: Mutex<HashMap<String, Published>>,
}

impl Live {
    /// How documents are read from elsewhere. The first to say so is heard.
    pub fn fetch_documents_with(&self, fetch: Box<Fetch>) {
        let _ = self.0.outside.fetch.set(fetch);
    }

    /// How accounts of downstream systems are fetched. The first to say so is heard.
    pub fn fetch_accounts_with(&self, fetch: Box<FetchAccounts>) {
        let _ = self.0.outside.accounts.set(fetch);
    }

    /// The accounts of an organization at GitHub. Blocks.
    ///
    /// # Errors
    /// Why they cannot be had now, for the administrator.
    pub fn fetch_accounts(&self, api: &str, organization: &str, token: &str) -> Result<Vec<DownstreamAccount>, String> {
        let fetch = self.0.outside.accounts.get().ok_or("this process fetches nothing")?;
        fetch(&self.destinations(), api, organization, token)
    }

    /// How groups of GitHub are fetched. The first to say so is heard.
    pub fn fetch_groups_with(&self, fetch: Box<FetchGroups>) {
        let _ = self.0.outside.groups.set(fetch);
    }

    /// The groups of an organization at GitHub. Blocks.
    ///
    /// # Errors
    /// Why they cannot be had now.
    pub fn fetch_groups(&self, wanted: &GithubGroups<'_>) -> Result<Vec<MirroredGroup>, NotFetched> {
        let fetch = self.0.outside.groups.get().ok_or_else(|| "this process fetches nothing".to_owned())?;
        fetch(&self.destinations(), wanted)
    }

    /// The keys published at an address; asks for them again when the one a token names is not among them. Blocks.
    ///
    /// # Errors
    /// Why they cannot be had now; for the log.
    pub fn published_keys(&self, url: &str, id: Option<&str>) -> Result<Arc<PublicKeys>, String> {
        let now = Clock::monotonic();
        let outside = &self.0.outside;
        let fetch = outside.fetch.get().ok_or("nothing is fetched by a command")?;
        let age = |read_at: &Instant| now.duration_since(*read_at);
        let mut published = outside.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = published.get_mut(url) {
            let keys = known.keys.as_ref().filter(|(read_at, _)| age(read_at) < STALE);
            let is_enough = keys.is_some_and(|(read_at, keys)| age(read_at) < FRESH && keys.has(id));
            if is_enough || age(&known.asked_at) < ASK_EVERY {
                return keys.map(|(_, keys)| Arc::clone(keys)).ok_or_else(|| format!("`{url}` gives no keys"));
            }
            known.asked_at = now;
        } else {
            published.insert(url.to_owned(), Published { keys: None, asked_at: now });
        }
        drop(published);
        let fetched = fetch(url, &self.destinations())
            .and_then(|text| PublicKeys::parse(&text).map_err(|error| error.to_string()));
        let mut published = outside.published.lock().unwrap_or_else(PoisonError::into_inner);
        let known = published.entry(url.to_owned()).or_insert(Published { keys: None, asked_at: now });
        match fetched {
            Ok(keys) => {
                let keys = Arc::new(keys);
                known.keys = Some((now, Arc::clone(&keys)));
                Ok(keys)
            }
            Err(why) => {
                tracing::warn!(url, error = why, "published keys cannot be had");
                let kept = known.keys.as_ref().filter(|(read_at, _)| age(read_at) < STALE);
                kept.map(|(_, keys)| Arc::clone(keys)).ok_or(why)
            }
        }
    }

    /// Everybody who is admitted by tokens of an issuer.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn proofs_of_issuer(&self, issuer: &str) -> Result<Vec<Proof>, DatabaseError> {
        self.0.database.read(|tx| proofs::by_issuer(tx, issuer))
    }

    /// How the caller of a credential proves who it is, where it bears no secret of ours.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn proof(
        &self,
        organization: OrganizationId,
        credential: CredentialId,
    ) -> Result<Option<Proof>, DatabaseError> {
        self.0.database.read(|tx| proofs::by_credential(tx, organization, credential))
    }
}
