//! At most one server on a SQLite file: proved by a lock on a file beside it, which ends with the process.

use std::fs::{File, OpenOptions, TryLockError};

use crate::db::Database;

use super::super::error::CommandError;
use super::super::root_key;

/// The lock, held for as long as this lives.
pub(in crate::cli) struct SingleServer {
    _held: Option<File>,
}

impl SingleServer {
    /// Takes the lock. PostgreSQL needs none: any number of servers may serve it.
    pub(in crate::cli) fn claim(database: &Database) -> Result<Self, CommandError> {
        let Some(path) = root_key::beside(database, ".lock") else { return Ok(Self { _held: None }) };
        let failed = |error: std::io::Error| {
            CommandError::Failed(format!("the lock file `{}` cannot be used: {error}", path.display()))
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(CommandError::Failed(format!(
                "another server runs on this SQLite file and holds `{}`; stop it first, or use PostgreSQL to run several",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
