//! What is held in memory: credentials, keys, the feed that keeps them true, the lease that says they are, and
//! the one door for writes.

mod admission;
mod door;
mod feed;
mod keys;
mod lease;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::db::{Database, DatabaseError, Tx, Writer};
use crate::ids;
use crate::model::ResourceId;

pub use admission::Admission;
pub use door::{Cause, Decision, EventDraft};
pub use keys::{KeyError, PersonKey, RootKey};
pub use token::{Token, TokenError};

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
    writer: Writer,
    clock: Clock,
    instance: ResourceId,
    lease: lease::Lease,
    admissions: admission::Admissions,
    keys: keys::Keys,
    feed: feed::Feed,
}

/// The threads behind a [`Live`]; joined when the process ends.
pub struct LiveThreads {
    writer: JoinHandle<()>,
    feed: Option<JoinHandle<()>>,
}
