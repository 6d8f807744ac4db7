//! Throw-away databases for tests beside the code.

use diesel::connection::SimpleConnection;
use tempfile::TempDir;

use super::{Database, DatabaseError, Dialect, IfMissing, Tx};

/// A migrated, empty database, gone when dropped.
pub(crate) struct Fresh {
    /// The database.
    pub(crate) database: Database,
    _folder: Option<TempDir>,
    dropped: Option<(Database, String)>,
}

impl Fresh {
    /// One of this kind. PostgreSQL: on the server that `MUSTER_TEST_POSTGRES_URL` names.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let fresh = match dialect {
            Dialect::Sqlite => {
                let folder = TempDir::new().unwrap();
                let url = format!("sqlite:{}", folder.path().join("muster.db").display());
                let database = Database::open(&url, IfMissing::Create).unwrap();
                Self { database, _folder: Some(folder), dropped: None }
            }
            Dialect::Postgres => {
                let server = std::env::var("MUSTER_TEST_POSTGRES_URL")
                    .expect("run `scripts/test.sh`, or `export MUSTER_TEST_POSTGRES_URL=$(scripts/postgres.sh start)`");
                let name = format!("test_{}", uuid::Uuid::new_v4().simple());
                let maintenance = Database::open(&server, IfMissing::Refuse).unwrap();
                batch(&maintenance, &format!("CREATE DATABASE {name} TEMPLATE template0"));
                let mut url: url::Url = server.parse().unwrap();
                url.set_path(&name);
                let database = Database::open(url.as_str(), IfMissing::Refuse).unwrap();
                Self { database, _folder: None, dropped: Some((maintenance, name)) }
            }
        };
        fresh.database.migrate().unwrap();
        fresh
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some((maintenance, name)) = &self.dropped {
            batch(maintenance, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Runs statements that are not the product's.
pub(crate) fn batch(database: &Database, text: &str) {
    let ran: Result<(), DatabaseError> = database.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
        Tx::Postgres(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
    });
    ran.unwrap();
}
