//! Whether this server can do its work.

use crate::db::{DatabaseError, Dialect, servers};

use super::Services;

/// What the work depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// This server may judge: what it holds in memory is current.
    pub lease_current: bool,
    /// The database answers a query.
    pub database_answers: bool,
}

impl Services {
    /// Asks the database. Blocks.
    pub fn readiness(&self) -> Readiness {
        let answer: Result<i64, DatabaseError> = self.live.read(servers::clock);
        Readiness { lease_current: self.live.is_current(), database_answers: answer.is_ok() }
    }

    /// Whether reading one resource is so quick that it need not leave the thread that asks: a local file, some 10 µs.
    pub fn reads_at_once(&self) -> bool {
        self.live.dialect() == Dialect::Sqlite
    }
}
