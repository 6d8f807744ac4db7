//! Embedded migrations, one folder a database, safe against two processes at once.

use std::fs::File;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Database, DatabaseError, Inner, Tx};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// What PostgreSQL assumes of tables it has no statistics of.
const ASSUMPTIONS: &str = include_str!("assumptions.sql");
/// Any number that nobody else locks: the letters of the product's name.
const LOCK: i64 = 0x6d75_7374_6572;

/// How the schema compares with what this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationState {
    /// No migration was ever run.
    Empty,
    /// So many are missing.
    Behind(usize),
    /// Just right.
    Current,
    /// The database bears a migration this program does not know.
    FromTheFuture(String),
}

macro_rules! on {
    ($tx:expr, $connection:ident, $migrations:ident => $body:expr) => {
        match $tx {
            Tx::Sqlite($connection) => {
                let $migrations = SQLITE;
                $body
            }
            Tx::Postgres(pooled) => {
                let $connection = &mut pooled.connection;
                let $migrations = POSTGRES;
                $body
            }
        }
    };
}

fn failed(error: impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Migration(error.to_string())
}

fn state(tx: &mut Tx<'_>) -> Result<MigrationState, DatabaseError> {
    on!(tx, connection, migrations => {
        let applied: Vec<MigrationVersion<'static>> = connection.applied_migrations().map_err(failed)?;
        let known = names(&migrations)?;
        if applied.is_empty() {
            return Ok(MigrationState::Empty);
        }
        if let Some(unknown) = applied.iter().find(|version| !known.contains(&version.to_string())) {
            return Ok(MigrationState::FromTheFuture(unknown.to_string()));
        }
        let missing = known.len().saturating_sub(applied.len());
        Ok(if missing == 0 { MigrationState::Current } else { MigrationState::Behind(missing) })
    })
}

fn names(migrations: &EmbeddedMigrations) -> Result<Vec<String>, DatabaseError> {
    let known: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = migrations.migrations().map_err(failed)?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

impl Database {
    /// How the schema compares with what this program knows.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot be asked.
    pub fn migration_state(&self) -> Result<MigrationState, DatabaseError> {
        // Asking makes the table that is asked, so that two who ask at once would be in each other's way.
        self.with_own_connection(|tx| {
            lock(tx)?;
            let state = state(tx)?;
            unlock(tx)?;
            Ok(state)
        })
    }

    /// Brings the schema up to date; answers how many migrations ran. Another process doing the same is waited for.
    ///
    /// # Errors
    /// [`DatabaseError::FromTheFuture`] for a database of a newer version, [`DatabaseError::Migration`] when one fails.
    pub fn migrate(&self) -> Result<usize, DatabaseError> {
        let held = lock_file(self)?;
        let ran = self.with_own_connection(|tx| {
            lock(tx)?;
            let result = match state(tx)? {
                MigrationState::FromTheFuture(name) => Err(DatabaseError::FromTheFuture(name)),
                _ => on!(&mut *tx, connection, migrations => connection
                    .run_pending_migrations(migrations)
                    .map(|ran| ran.len())
                    .map_err(failed)),
            };
            if let (Tx::Postgres(pooled), Ok(1..)) = (&mut *tx, &result) {
                pooled.connection.batch_execute(ASSUMPTIONS)?;
            }
            unlock(tx)?;
            result
        });
        drop(held);
        ran
    }

    /// Refuses a database that is behind or ahead.
    ///
    /// # Errors
    /// [`DatabaseError::Behind`] with the command to run, [`DatabaseError::FromTheFuture`].
    pub fn require_current(&self) -> Result<(), DatabaseError> {
        match self.migration_state()? {
            MigrationState::Current => Ok(()),
            MigrationState::Empty => Err(DatabaseError::Behind(names(&POSTGRES)?.len())),
            MigrationState::Behind(missing) => Err(DatabaseError::Behind(missing)),
            MigrationState::FromTheFuture(name) => Err(DatabaseError::FromTheFuture(name)),
        }
    }
}

/// PostgreSQL: an advisory lock of the session.
fn lock(tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(pooled) => {
            // Whoever migrates may take long, and so may a migration.
            let text = format!("SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})");
            pooled.connection.batch_execute(&text).map_err(DatabaseError::from)
        }
    }
}

fn unlock(tx: &mut Tx<'_>) -> Result<(), DatabaseError> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(pooled) => {
            pooled.connection.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).map_err(DatabaseError::from)
        }
    }
}

/// SQLite: a lock on a file beside the database, held for as long as the handle lives.
fn lock_file(database: &Database) -> Result<Option<File>, DatabaseError> {
    match &*database.0 {
        Inner::Sqlite { file, .. } => file.lock_beside().map(Some).map_err(failed),
        Inner::Postgres { .. } => Ok(None),
    }
}
