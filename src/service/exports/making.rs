//! A file in the making: rows go in, parts go out, and whoever waits is told how far it has come.

use crate::db::console::exports::{self, Export};
use crate::service::{ServiceError, Services};

use super::table_file::TableFile;

/// Rows of a part.
const PART: usize = 2_000;
/// Rows of a file.
const ROWS: i64 = 200_000;

/// Why no more rows go in.
pub(super) enum Ended {
    /// The file is full.
    Full,
    /// Somebody else makes it, or the server ends: it is begun again.
    Left,
    /// It cannot be made.
    Failed(ServiceError),
}

impl<E: Into<ServiceError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The file.
pub(super) struct Making<'s> {
    services: &'s Services,
    export: Export,
    goes_on: &'s dyn Fn() -> bool,
    part: TableFile,
    rows: usize,
    place: i64,
}

impl<'s> Making<'s> {
    /// Begins it, if nobody else does.
    pub(super) fn begin(
        services: &'s Services,
        mut export: Export,
        goes_on: &'s dyn Fn() -> bool,
    ) -> Result<Option<Self>, ServiceError> {
        let before = export.changed_at;
        (export.changed_at, export.done, export.total) = (services.clock.now(), 0, 0);
        let is_ours = services.live.note(|tx| exports::advance(tx, before, &export))?;
        let part = TableFile::default();
        Ok(is_ours.then_some(Self { services, export, goes_on, part, rows: 0, place: 0 }))
    }

    /// How many rows there will be, as far as that is known.
    pub(super) fn expect(&mut self, total: usize) {
        self.export.total = i64::try_from(total).unwrap_or(i64::MAX);
    }

    /// The names of the columns.
    pub(super) fn columns(&mut self, names: &[&str]) {
        self.part.row(names);
    }

    /// A row.
    pub(super) fn row(&mut self, cells: &[String]) -> Result<(), Ended> {
        if self.export.done >= ROWS {
            return Err(Ended::Full);
        }
        self.part.row(cells);
        self.export.done = self.export.done.saturating_add(1);
        self.rows = self.rows.saturating_add(1);
        if self.rows >= PART { self.write() } else { Ok(()) }
    }

    /// Writes down what has gathered.
    fn write(&mut self) -> Result<(), Ended> {
        if !(self.goes_on)() {
            return Err(Ended::Left);
        }
        let text = std::mem::take(&mut self.part).text().map_err(ServiceError::Internal)?;
        let (export, place) = (&self.export, self.place);
        if !text.is_empty() {
            self.services.live.note(|tx| exports::put_part(tx, export, place, &text))?;
        }
        (self.place, self.rows) = (self.place.saturating_add(1), 0);
        if self.advance()? { Ok(()) } else { Err(Ended::Left) }
    }

    fn advance(&mut self) -> Result<bool, ServiceError> {
        let before = self.export.changed_at;
        self.export.changed_at = self.services.clock.now();
        let export = &self.export;
        Ok(self.services.live.note(|tx| exports::advance(tx, before, export))?)
    }

    /// Ends it; answers whether the file is there.
    pub(super) fn end(mut self, ended: Result<(), Ended>) -> Result<bool, ServiceError> {
        let written = match ended {
            Ok(()) => self.write().map(|()| "ready"),
            Err(Ended::Full) => self.write().map(|()| "cut"),
            Err(other) => Err(other),
        };
        let outcome = match written {
            Ok(outcome) => outcome,
            Err(Ended::Full | Ended::Left) => return Ok(false),
            Err(Ended::Failed(error)) => {
                tracing::error!(export = %self.export.id, error = %error, "a file cannot be made");
                "failed"
            }
        };
        self.export.outcome = Some(outcome.to_owned());
        self.advance()
    }
}
