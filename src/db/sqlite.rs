//! SQLite: the file, its pragmas, its readers.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError};

/// Opens connections to one file.
#[derive(Debug, Clone)]
pub(super) struct SqliteFile {
    path: PathBuf,
}

/// Why a connection could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqliteError {
    #[error("cannot open the database file: {0}")]
    Open(#[from] ConnectionError),
    #[error("cannot prepare the database file: {0}")]
    Prepare(#[from] diesel::result::Error),
}

impl SqliteFile {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open(&self) -> Result<SqliteConnection, SqliteError> {
        let mut connection = SqliteConnection::establish(&self.path.to_string_lossy())?;
        // `busy_timeout` first: changing the journal mode fails at once while another connection is closing.
        connection.batch_execute(
            "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192; \
             PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456;",
        )?;
        Ok(connection)
    }
}

/// Makes the file, if it is not there, so that only its owner can read it; what SQLite puts beside it follows.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl r2d2::ManageConnection for SqliteFile {
    type Connection = SqliteConnection;
    type Error = SqliteError;

    fn connect(&self) -> Result<SqliteConnection, SqliteError> {
        self.open()
    }

    fn is_valid(&self, _connection: &mut SqliteConnection) -> Result<(), SqliteError> {
        Ok(())
    }

    fn has_broken(&self, _connection: &mut SqliteConnection) -> bool {
        std::thread::panicking()
    }
}
