//! What can go wrong with a database.

use diesel::result::{DatabaseErrorKind, Error};

/// Errors of the database layer.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL cannot be used as it stands.
    #[error("{0}")]
    Url(String),
    /// A SQLite file that is not there.
    #[error("the database file `{0}` does not exist; `muster serve` or `muster migrate` makes one")]
    Missing(String),
    /// The schema is older than this program.
    #[error("the database lacks {0} migrations; run `muster migrate` first")]
    Behind(usize),
    /// The schema is newer than this program.
    #[error("the database bears migration `{0}`, which this version does not know; run a newer version of muster")]
    FromTheFuture(String),
    /// A migration failed.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
    /// The database cannot be reached, or gave up. Worth another try.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refused a statement.
    #[error("the database refused a statement: {0}")]
    Query(#[source] Error),
    /// A row does not hold what it must.
    #[error("table `{table}` holds a row that cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        problem: String,
    },
}

impl DatabaseError {
    pub(super) fn unknown_scheme(scheme: Option<&str>) -> Self {
        let found = scheme.map_or_else(|| "none".to_owned(), |scheme| format!("`{scheme}`"));
        Self::Url(format!(
            "a database URL begins with `sqlite:`, `postgres://` or `postgresql://`, but its scheme is {found}"
        ))
    }

    /// Whether the same request may succeed a little later.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<Error> for DatabaseError {
    fn from(error: Error) -> Self {
        match &error {
            // Time-outs, lost connections, a full disk and a read-only standby arrive without a kind of their own.
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::Unknown
                | DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::UnableToSendCommand,
                information,
            ) => Self::Unavailable(information.message().to_owned()),
            Error::BrokenTransactionManager => Self::Unavailable("the connection broke in a transaction".to_owned()),
            _ => Self::Query(error),
        }
    }
}

impl From<r2d2::Error> for DatabaseError {
    fn from(error: r2d2::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
