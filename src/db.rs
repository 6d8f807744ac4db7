//! DIESEL, and nowhere else: connections, migrations, the statements of each table group, the one transaction wrapper.
//!
//! Reads are functions on `&mut Tx`; whatever changes anything is a [`WriteSet`], rows as data, that the [`Writer`]
//! turns into statements, many requests in one commit.

pub mod access;
pub mod assertions;
pub mod brakes;
pub mod console;
mod constraint;
pub mod credentials;
pub mod decisions;
pub mod deleted_groups;
pub mod demonstrations;
pub mod diagnosis;
pub mod directory;
mod error;
pub mod events;
pub mod extension_schemas;
pub mod findings;
pub mod follow;
pub mod groups;
pub mod held_purges;
pub mod history;
mod holding;
mod identified;
pub mod keyring;
pub mod leavers;
pub mod memberships;
mod migrate;
pub mod mirrors;
pub mod notifications;
pub mod ordered;
pub mod organizations;
pub mod owners;
mod pipeline;
mod postgres;
mod postgres_url;
pub mod proofs;
pub mod receivers;
pub mod reconciliations;
pub mod request_log;
pub mod role_offers;
pub mod servers;
pub mod sightings;
pub mod signals;
pub mod signing_keys;
pub mod sql;
mod sqlite;
pub mod statements;
pub mod streams;
#[cfg(test)]
pub(crate) mod tests;
pub mod users;
mod write_set;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;

pub use constraint::Constraint;
pub use error::DatabaseError;
pub use migrate::MigrationState;
pub use postgres::Pooled;
pub use write_set::{AdministrationRow, Count, ResourceKind, WriteSet};
pub use writer::{Acknowledged, WriteError, Writer, Written};

use holding::Holding;
use postgres::PostgresServer;
use postgres_url::PostgresSettings;
use sqlite::SqliteFile;

/// A connection in use, of either database.
pub enum Tx<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'a mut Pooled),
}

impl Tx<'_> {
    /// Runs several reads that all see the same moment.
    ///
    /// # Errors
    /// Whatever `read` answers, and [`DatabaseError`].
    pub fn snapshot<T, E: From<DatabaseError>>(
        &mut self,
        read: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Tx::Sqlite(connection) => connection.batch_execute("BEGIN"),
            Tx::Postgres(pooled) => pooled.connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
        .map_err(DatabaseError::from)?;
        let answer = read(self);
        // Nothing was written. A connection that cannot even end its transaction is broken, and its pool finds that out.
        let ended = match self {
            Tx::Sqlite(connection) => connection.batch_execute("ROLLBACK"),
            Tx::Postgres(pooled) => pooled.connection.batch_execute("ROLLBACK"),
        };
        let answer = answer?;
        ended.map_err(DatabaseError::from)?;
        Ok(answer)
    }

    fn batch(&mut self, text: &str) -> Result<(), DatabaseError> {
        match self {
            Tx::Sqlite(connection) => connection.batch_execute(text),
            Tx::Postgres(pooled) => pooled.connection.batch_execute(text),
        }
        .map_err(DatabaseError::from)
    }

    /// Runs several statements that all take place or none.
    ///
    /// # Errors
    /// Whatever `work` answers, and [`DatabaseError`].
    pub fn transaction<T, E: From<DatabaseError>>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = if matches!(self, Tx::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.batch(begin)?;
        match work(self) {
            Ok(answer) => {
                self.batch("COMMIT")?;
                Ok(answer)
            }
            Err(error) => {
                // A connection that cannot even end its transaction is broken, and its pool finds that out.
                let _ = self.batch("ROLLBACK");
                Err(error)
            }
        }
    }
}

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A database: its readers, and what it takes to open a writer.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

enum Inner {
    Sqlite { file: SqliteFile, readers: r2d2::Pool<SqliteFile>, turn: Mutex<()> },
    Postgres { server: Box<PostgresServer>, readers: r2d2::Pool<PostgresServer> },
}

/// Whether a SQLite file that is not there yet may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// `serve`, `migrate`, `demo`.
    Create,
    /// Everything else: a mistyped name must not become a new, empty database.
    Refuse,
}

/// How long a caller waits for a free connection, milliseconds included in what its client sees as 503.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(3);
/// A reader keeps its plans for as long as it lives; one made while the tables were small must not be kept for long.
const LIFETIME: Duration = Duration::from_mins(1);
const SQLITE_READERS: u32 = 16;
const POSTGRES_READERS: u32 = 12;

impl Database {
    /// Opens the database a URL names: `sqlite:FILE`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// [`DatabaseError::Url`] for any other scheme, [`DatabaseError::Missing`] for a SQLite file that is not there, and
    /// [`DatabaseError::Unavailable`] when it cannot be reached.
    pub fn open(url: &str, if_missing: IfMissing) -> Result<Self, DatabaseError> {
        let (scheme, rest) = url.split_once(':').ok_or_else(|| DatabaseError::unknown_scheme(None))?;
        match scheme {
            "sqlite" => Self::open_sqlite(rest, if_missing),
            "postgres" | "postgresql" if rest.starts_with("//") => Self::open_postgres(url),
            other => Err(DatabaseError::unknown_scheme(Some(other))),
        }
    }

    fn open_sqlite(rest: &str, if_missing: IfMissing) -> Result<Self, DatabaseError> {
        let name = rest.strip_prefix("//").unwrap_or(rest);
        if name.is_empty() || name == ":memory:" || name.contains('?') {
            return Err(DatabaseError::Url("a SQLite URL is `sqlite:` and the path of a file".to_owned()));
        }
        if if_missing == IfMissing::Refuse && !Path::new(name).is_file() {
            return Err(DatabaseError::Missing(name.to_owned()));
        }
        if if_missing == IfMissing::Create {
            sqlite::create_private(Path::new(name)).map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
        }
        let file = SqliteFile::new(name);
        file.prepare().map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
        // One connection first: the error of a pool that cannot connect says only that it timed out.
        drop(file.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?);
        let readers = pool(file.clone(), SQLITE_READERS)?;
        Ok(Self(Arc::new(Inner::Sqlite { file, readers, turn: Mutex::new(()) })))
    }

    fn open_postgres(url: &str) -> Result<Self, DatabaseError> {
        let server = PostgresServer::new(PostgresSettings::parse(url)?);
        drop(server.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?);
        let readers = pool(server.clone(), POSTGRES_READERS)?;
        Ok(Self(Arc::new(Inner::Postgres { server: Box::new(server), readers })))
    }

    /// Which of the two it is.
    pub fn dialect(&self) -> Dialect {
        match &*self.0 {
            Inner::Sqlite { .. } => Dialect::Sqlite,
            Inner::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// The file, where the database is one.
    pub fn file(&self) -> Option<&Path> {
        match &*self.0 {
            Inner::Sqlite { file, .. } => Some(file.path()),
            Inner::Postgres { .. } => None,
        }
    }

    /// Waits until nobody else in this process writes to the SQLite file, and keeps them waiting while the answer lives.
    /// SQLite itself would let the impatient go first: a lease could run out behind a busy writer. PostgreSQL needs none.
    pub fn turn_to_write(&self) -> Option<MutexGuard<'_, ()>> {
        holding::check_free("a turn to write");
        match &*self.0 {
            Inner::Sqlite { turn, .. } => Some(turn.lock().unwrap_or_else(PoisonError::into_inner)),
            Inner::Postgres { .. } => None,
        }
    }

    /// Runs reads on one connection. Blocks: point reads of SQLite excepted, not for threads that serve sockets.
    ///
    /// # Errors
    /// Whatever `read` answers, and [`DatabaseError::Unavailable`] when there is no connection to be had.
    pub fn read<T, E: From<DatabaseError>>(&self, read: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        #[cfg(test)]
        tests::faults::work_for(self);
        holding::check_free("another connection");
        match &*self.0 {
            Inner::Sqlite { readers, .. } => {
                let mut connection = readers.get().map_err(DatabaseError::from)?;
                let _holding = Holding::begin();
                read(&mut Tx::Sqlite(&mut connection))
            }
            Inner::Postgres { readers, .. } => {
                let mut pooled = readers.get().map_err(DatabaseError::from)?;
                let _holding = Holding::begin();
                read(&mut Tx::Postgres(&mut pooled))
            }
        }
    }

    /// Runs reads that all see the database as it is at the first of them.
    ///
    /// # Errors
    /// Whatever `read` answers, and [`DatabaseError::Unavailable`] when there is no connection to be had.
    pub fn snapshot<T, E: From<DatabaseError>>(&self, read: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.read(|tx| tx.snapshot(read))
    }

    /// Opens a connection outside of the pool, for as long as the closure runs.
    ///
    /// # Errors
    /// Whatever `work` answers, and [`DatabaseError::Unavailable`].
    pub fn with_own_connection<T, E: From<DatabaseError>>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        #[cfg(test)]
        tests::faults::work_for(self);
        match &*self.0 {
            Inner::Sqlite { file, .. } => {
                let mut connection = file.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                work(&mut Tx::Sqlite(&mut connection))
            }
            Inner::Postgres { server, .. } => {
                let mut pooled = server.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                work(&mut Tx::Postgres(&mut pooled))
            }
        }
    }
}

fn pool<M: r2d2::ManageConnection>(manager: M, size: u32) -> Result<r2d2::Pool<M>, DatabaseError> {
    let pool = r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .max_lifetime(Some(LIFETIME))
        .connection_timeout(CHECKOUT_TIMEOUT)
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build(manager)?;
    Ok(pool)
}
