//! A part of a table as a file for spreadsheets (RFC 4180), in which nothing is a formula.

/// The part.
pub(super) struct TableFile(csv::Writer<Vec<u8>>, Option<csv::Error>);

impl Default for TableFile {
    fn default() -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new()), None)
    }
}

impl TableFile {
    /// Adds a row; the first holds the names of the columns.
    pub(super) fn row(&mut self, cells: &[impl AsRef<str>]) {
        let written = self.0.write_record(cells.iter().map(|cell| plain(cell.as_ref())));
        if let Err(error) = written {
            self.1.get_or_insert(error);
        }
    }

    /// The text.
    pub(super) fn text(self) -> Result<String, String> {
        if let Some(error) = self.1 {
            return Err(error.to_string());
        }
        let bytes = self.0.into_inner().map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }
}

/// What spreadsheets would carry out stands behind an apostrophe.
fn plain(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_file_is_a_formula() {
        let mut file = TableFile::default();
        file.row(&["name", "note"]);
        file.row(&["=cmd()", "a \"b\", c"]);
        file.row(&["+1", "-2"]);
        file.row(&["@x", "\tx"]);
        let text = file.text().unwrap();
        assert_eq!(text, "name,note\r\n'=cmd(),\"a \"\"b\"\", c\"\r\n'+1,'-2\r\n'@x,'\tx\r\n");
    }
}
