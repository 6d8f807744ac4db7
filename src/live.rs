//! What is held in memory: credentials, keys, the feed that keeps them true, the lease that says they are, and
//! the one door for writes.

mod access;
mod admission;
mod decisions;
mod denials;
mod door;
mod feed;
mod gates;
pub mod jwt;
mod keys;
mod lease;
mod notes;
mod outside;
mod page_starts;
mod providers;
mod receivers;
mod requests;
mod sightings;
mod signing;
mod token;
mod told;
mod types;
mod unknown_ids;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::db::keyring::KeyRow;
use crate::db::{Database, Dialect, Tx, Writer};
use crate::evidence::key::SigningKey as EvidenceKey;
use crate::ids;
use crate::model::{Moment, OrganizationId, ResourceId, UserId};
use crate::scim::schema::{ResourceTypes, SchemaError};

pub use access::{AGate, CannotJudge, Everybody, Slice, passing, rules};
pub use admission::Admission;
pub use decisions::DecisionLogError;
pub use door::{Cause, DENIED_WITHIN, Decision};
pub use keys::{KeyError, PersonKey, RootKey};
pub use outside::{Fetch, FetchAccounts, FetchGroups, GithubGroups, NotFetched};
pub use page_starts::{ListKey, STRIDE};
pub use providers::{Discovered, Exchange, Exchanged, Exchanger, ProviderError};
pub use requests::{AnsweredRequest, Kept};
pub use signing::{Algorithm, SigningError, SigningKey, SigningKeys, SigningPair};
pub use token::{ClientId, Token, TokenError};
pub use unknown_ids::{Named, Noted};

/// How long a lease lasts on the database's clock. A server that falls silent delays the others by at most this.
pub const LEASE: Duration = Duration::from_secs(5);
/// How much earlier this server stops trusting itself, for the time a statement is on its way.
const LEASE_MARGIN: Duration = Duration::from_millis(500);

/// What the live layer needs to know.
#[derive(Clone)]
pub struct LiveSettings {
    /// Whether this process serves and so keeps a lease; a command does not.
    pub serves: bool,
    /// The root key that wraps the keyring, where there is one.
    pub root_key: Option<RootKey>,
}

/// The handle; clones share it.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    database: Database,
    serves: bool,
    writer: Writer,
    clock: Clock,
    instance: ResourceId,
    lease: lease::Lease,
    admissions: admission::Admissions,
    graphs: access::Graphs,
    gates: gates::GateWatch,
    keys: keys::Keys,
    feed: feed::Feed,
    page_starts: page_starts::PageStarts,
    decisions: Arc<decisions::DecisionLog>,
    receivers: receivers::Receivers,
    outside: outside::Outside,
    providers: providers::Providers,
    signing: signing::Signing,
    requests: Arc<requests::RequestLog>,
    denials: denials::Denials,
    unknown_ids: unknown_ids::UnknownIds,
    went_back: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.decisions.stop();
        self.requests.stop();
    }
}

/// Why the live layer does not start.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A thread cannot be had.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The schemas of the program do not hold.
    #[error(transparent)]
    Schemas(#[from] SchemaError),
    /// The keyring does not open.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// The threads behind a [`Live`]; joined when the process ends.
pub struct LiveThreads {
    writer: JoinHandle<()>,
    decisions: JoinHandle<()>,
    requests: Option<JoinHandle<()>>,
    feed: Option<JoinHandle<()>>,
}

impl LiveThreads {
    /// Waits until everything queued is written. Call after the last [`Live`] is dropped.
    pub fn join(self) {
        if let Some(feed) = self.feed {
            let _ = feed.join();
        }
        let _ = self.decisions.join();
        if let Some(requests) = self.requests {
            let _ = requests.join();
        }
        let _ = self.writer.join();
    }
}

impl Live {
    /// Starts the writer and, for a server, the feed. The database must be migrated.
    ///
    /// # Errors
    /// [`LiveError`].
    pub fn start(database: Database, clock: Clock, settings: LiveSettings) -> Result<(Self, LiveThreads), LiveError> {
        let keys = keys::Keys::new(settings.root_key);
        database.read(|tx| keys.check(tx))?;
        let (writer, writer_thread) = Writer::start(database.clone())?;
        let instance = ids::resource(clock.now());
        let inner = Arc::new(Inner {
            database,
            serves: settings.serves,
            writer,
            clock,
            instance,
            lease: if settings.serves { lease::Lease::over() } else { lease::Lease::unlimited() },
            admissions: admission::Admissions::default(),
            graphs: access::Graphs::default(),
            gates: gates::GateWatch::default(),
            keys,
            feed: feed::Feed::default(),
            page_starts: page_starts::PageStarts::default(),
            decisions: Arc::default(),
            receivers: receivers::Receivers::default(),
            outside: outside::Outside::default(),
            providers: providers::Providers::default(),
            signing: signing::Signing::default(),
            requests: Arc::default(),
            denials: denials::Denials::default(),
            unknown_ids: unknown_ids::UnknownIds::default(),
            went_back: AtomicU64::new(0),
        });
        let decisions = decisions::start(Arc::clone(&inner.decisions), inner.database.clone())?;
        let requests = if settings.serves {
            let types = ResourceTypes::builtin()?;
            Some(requests::start(Arc::clone(&inner.requests), inner.database.clone(), &types)?)
        } else {
            None
        };
        let feed = if settings.serves {
            let followed = Arc::clone(&inner);
            Some(std::thread::Builder::new().name("feed".to_owned()).spawn(move || feed::run(&followed))?)
        } else {
            None
        };
        Ok((Self(inner), LiveThreads { writer: writer_thread, decisions, requests, feed }))
    }

    /// Whether this server may judge.
    pub fn is_current(&self) -> bool {
        self.0.lease.is_current()
    }

    /// Waits for the first lease; answers whether it came within `patience`.
    pub fn wait_until_current(&self, patience: Duration) -> bool {
        let began = Clock::monotonic();
        while !self.is_current() {
            if Clock::monotonic().duration_since(began) > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// How often the database was found behind what it had acknowledged.
    pub fn times_gone_back(&self) -> u64 {
        self.0.went_back.load(Ordering::Relaxed)
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.0.database.dialect()
    }

    /// This server or command among the running servers.
    pub fn instance(&self) -> ResourceId {
        self.0.instance
    }

    /// Gives up the lease; this server judges nothing any more.
    pub fn shut_down(&self) {
        self.0.feed.stop();
    }

    /// The key a new organization begins with.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new_organization_key(&self, organization: OrganizationId, now: Moment) -> Result<KeyRow, KeyError> {
        self.0.keys.new_organization_key(organization, now)
    }

    /// The key with which an organization's bundles are to be signed, to be written with what needs it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new_evidence_key(&self, organization: OrganizationId, now: Moment) -> Result<KeyRow, KeyError> {
        self.0.keys.new_evidence_key(organization, now)
    }

    /// The key that signs an organization's bundles under this name; `None` before it has one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn evidence_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<EvidenceKey>, KeyError> {
        self.0.keys.evidence_key(tx, organization, name)
    }

    /// The key of a new person, and what of it is stored.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new_person_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<(PersonKey, Vec<u8>), KeyError> {
        self.0.keys.new_person_key(tx, organization, user)
    }

    /// The key of a person, from what is stored of it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open_person_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        user: UserId,
        wrapped: &[u8],
    ) -> Result<PersonKey, KeyError> {
        self.0.keys.open_person_key(tx, organization, user, wrapped)
    }

    /// Seals a place in the result of a query; only the same query of the same organization opens it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal_cursor(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        query: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.0.keys.seal_cursor(tx, organization, query, plain)
    }

    /// Opens what [`Live::seal_cursor`] made; `None` for anything else.
    ///
    /// # Errors
    /// [`KeyError`] when the organization's key cannot be had.
    pub fn open_cursor(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        query: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyError> {
        self.0.keys.open_cursor(tx, organization, query, sealed)
    }
}
