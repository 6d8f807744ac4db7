//! A connection that is woken when somebody else has committed.

use std::pin::pin;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use futures_util::StreamExt;

use super::postgres::Pooled;
use super::{Database, DatabaseError, Inner, Tx, servers};

/// SQLite tells nobody; it is asked this often whether its file has changed.
const POLL_SQLITE: Duration = Duration::from_millis(20);

/// Follows what others commit, on a connection of its own.
pub struct Follower(Connection);

enum Connection {
    Sqlite { connection: SqliteConnection, seen: i64 },
    Postgres(Box<Pooled>),
}

impl Database {
    /// Opens a connection that is woken.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`].
    pub fn follow(&self) -> Result<Follower, DatabaseError> {
        match &*self.0 {
            Inner::Sqlite { file, .. } => {
                let mut connection = file.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                let seen = servers::data_version(&mut Tx::Sqlite(&mut connection))?;
                Ok(Follower(Connection::Sqlite { connection, seen }))
            }
            Inner::Postgres { server, .. } => {
                let mut pooled = server.open().map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                pooled.connection.batch_execute("LISTEN muster_feed")?;
                Ok(Follower(Connection::Postgres(Box::new(pooled))))
            }
        }
    }
}

impl Follower {
    /// The connection, for statements.
    pub fn tx(&mut self) -> Tx<'_> {
        match &mut self.0 {
            Connection::Sqlite { connection, .. } => Tx::Sqlite(connection),
            Connection::Postgres(pooled) => Tx::Postgres(pooled),
        }
    }

    /// Returns when somebody else has committed something worth a look, or after `at_most`.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when the connection is gone.
    pub fn wait(&mut self, at_most: Duration) -> Result<(), DatabaseError> {
        match &mut self.0 {
            Connection::Sqlite { connection, seen } => {
                let mut waited = Duration::ZERO;
                while waited < at_most {
                    std::thread::sleep(POLL_SQLITE);
                    waited = waited.saturating_add(POLL_SQLITE);
                    let version = servers::data_version(&mut Tx::Sqlite(connection))?;
                    if std::mem::replace(seen, version) != version {
                        break;
                    }
                }
                Ok(())
            }
            Connection::Postgres(pooled) => pooled.wait_for_notification(at_most),
        }
    }
}

impl Pooled {
    fn wait_for_notification(&mut self, at_most: Duration) -> Result<(), DatabaseError> {
        let Self { connection, runtime } = self;
        runtime.block_on(async {
            let mut notifications = pin!(connection.notifications_stream());
            match tokio::time::timeout(at_most, notifications.next()).await {
                Ok(Some(Ok(_))) | Err(_) => Ok(()),
                Ok(Some(Err(error))) => Err(error.into()),
                Ok(None) => Err(DatabaseError::Unavailable("the connection was closed".to_owned())),
            }
        })
    }
}
