//! What commands write: data to standard output, complaints to standard error.

use std::io::Write;

use crate::model::Moment;

use super::error::CommandError;
use super::redaction;

/// What a table shows where there is nothing.
pub(super) const NOTHING: &str = "-";

/// A moment in a table: nobody reads a list to the microsecond.
pub(super) fn seconds(moment: Moment) -> String {
    let text = moment.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// One line of data.
pub(super) fn line(text: &str) -> Result<(), CommandError> {
    self::text(&format!("{text}\n"))
}

/// Data as it stands.
pub(super) fn text(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| CommandError::Failed(format!("cannot write to standard output: {error}")))
}

/// A table: a row of headings and rows of as many cells, in columns as wide as they need to be.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Result<(), CommandError> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&headings.map(str::to_owned)).chain(rows) {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    text(&out)
}

/// One line that says why a command failed.
pub(super) fn complain(error: &CommandError) {
    let message: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
    warn(&format!("error: {}\n", redaction::without_passwords(&message.join(" "))));
}

/// Text on standard error. There is nobody left to tell when that fails.
pub(super) fn warn(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
