//! SQLite: the file, its pragmas, its readers.

use std::fs::File;
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
    #[error("cannot lock the file beside the database: {0}")]
    Lock(#[from] std::io::Error),
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

    /// Puts the file into WAL mode, which it stays in. Of two processes that do so at once SQLite turns one away without
    /// waiting, so they take turns.
    pub(super) fn prepare(&self) -> Result<(), SqliteError> {
        let turn = self.lock_beside()?;
        let mut connection = SqliteConnection::establish(&self.path.to_string_lossy())?;
        connection.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL")?;
        drop(turn);
        Ok(())
    }

    /// Keeps every other process that asks for it waiting while the answer lives.
    pub(super) fn lock_beside(&self) -> std::io::Result<File> {
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(".migration-lock");
        let file = File::create(beside)?;
        file.lock()?;
        Ok(file)
    }

    pub(super) fn open(&self) -> Result<SqliteConnection, SqliteError> {
        let mut connection = SqliteConnection::establish(&self.path.to_string_lossy())?;
        connection.batch_execute(
            "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192; \
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;",
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
