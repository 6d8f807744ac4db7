//! Statements of one transaction that need not wait for each other's answers.

use super::sql::{Bind, Sql, Statement};
use super::{Dialect, Tx, WriteError};

/// A transaction that is being written. SQLite runs each statement at once; PostgreSQL gets together all whose answer
/// nobody waits for, for a round trip costs more than most of them.
pub(super) struct Pipeline<'tx, 'connection, 'rows> {
    tx: &'tx mut Tx<'connection>,
    waiting: Vec<(Sql<'rows>, Expected)>,
}

/// How many rows a statement has to touch.
#[derive(Clone, Copy)]
enum Expected {
    Any,
    Exactly(usize),
}

impl Expected {
    const fn check(self, touched: usize) -> Result<(), WriteError> {
        match self {
            Self::Exactly(expected) if expected != touched => Err(WriteError::Stale),
            Self::Exactly(_) | Self::Any => Ok(()),
        }
    }
}

impl<'tx, 'connection, 'rows> Pipeline<'tx, 'connection, 'rows> {
    /// In a transaction that has begun: what is sent together with a `BEGIN` that fails would take place by itself.
    pub(super) const fn new(tx: &'tx mut Tx<'connection>) -> Self {
        Self { tx, waiting: Vec::new() }
    }

    /// Of which database.
    pub(super) const fn dialect(&self) -> Dialect {
        match self.tx {
            Tx::Sqlite(_) => Dialect::Sqlite,
            Tx::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Writes rows. Every one must be there as expected, else the request was worked out from something that has changed.
    ///
    /// # Errors
    /// [`WriteError`], here or where the answer is waited for.
    pub(super) fn exactly(
        &mut self,
        statement: &'static Statement,
        rows: Vec<Vec<Bind<'rows>>>,
    ) -> Result<(), WriteError> {
        let expected = Expected::Exactly(rows.len());
        match &mut *self.tx {
            tx @ Tx::Sqlite(_) => expected.check(statement.write_rows(tx, rows)?),
            Tx::Postgres(_) if rows.is_empty() => Ok(()),
            Tx::Postgres(_) => {
                self.waiting.push((statement.over(rows)?, expected));
                Ok(())
            }
        }
    }

    /// Runs a statement, however many rows it touches.
    ///
    /// # Errors
    /// [`WriteError`], here or where the answer is waited for.
    pub(super) fn run(&mut self, statement: Sql<'rows>) -> Result<(), WriteError> {
        match &mut *self.tx {
            tx @ Tx::Sqlite(_) => Expected::Any.check(statement.run(tx)?),
            Tx::Postgres(_) => {
                self.waiting.push((statement, Expected::Any));
                Ok(())
            }
        }
    }

    /// The connection, for a statement whose answer is needed, when what was to be run before it has been.
    ///
    /// # Errors
    /// [`WriteError`] of the first of them that failed.
    pub(super) fn answered(&mut self) -> Result<&mut Tx<'connection>, WriteError> {
        if let Tx::Postgres(pooled) = &mut *self.tx
            && !self.waiting.is_empty()
        {
            let (statements, expected): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
            for (touched, expected) in pooled.run_together(statements).into_iter().zip(expected) {
                expected.check(touched?)?;
            }
        }
        Ok(self.tx)
    }
}
