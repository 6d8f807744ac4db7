//! Names out of a text that was pasted or uploaded: one after the other, or a column of a table (RFC 4180, with commas,
//! semicolons or tabs).

/// A name with the line it stands on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The line.
    pub line: usize,
    /// The text, white space around it left out.
    pub text: String,
}

/// The cells of the first of these columns the text has, by its first line; every cell where no line names columns.
/// Cells that hold nothing are left out. Of `Name <a@b.c>` the address counts, and what has an `@` is taken apart at
/// spaces, for addresses have none.
pub fn cells(text: &str, columns: &[&str]) -> Vec<Cell> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| first.matches(delimiter).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|one| (count(*one), *one == ',')).unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    // Whatever has quotes that never end is read as far as it goes.
    let records: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    let column = records.first().and_then(|record| {
        let place = |wanted: &&str| record.iter().position(|cell| plain(cell) == **wanted);
        columns.iter().find_map(place)
    });
    let (mut line, mut counted) = (1_usize, 0_usize);
    let mut found = Vec::new();
    for (at, record) in records.iter().enumerate() {
        // A record begins behind the line ends before it, which its position does not count.
        let begins = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let ends = |byte: &&u8| **byte == b'\n';
        let before = text.as_bytes().get(counted..begins).unwrap_or_default().iter().filter(ends).count();
        let rest = text.as_bytes().get(begins..).unwrap_or_default();
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let blank = rest.iter().take(skipped).filter(ends).count();
        line = line.saturating_add(before).saturating_add(blank);
        counted = begins.saturating_add(skipped);
        if column.is_some() && at == 0 {
            continue;
        }
        let whole: Vec<&str> = match column {
            Some(place) => record.get(place).into_iter().collect(),
            None => record.iter().flat_map(|cell| cell.split([',', ';', '\t'])).map(str::trim).collect(),
        };
        for cell in whole.into_iter().filter(|cell| !cell.is_empty()) {
            found.extend(named(cell).into_iter().map(|text| Cell { line, text: text.to_owned() }));
        }
    }
    found
}

/// Everybody one cell names.
fn named(cell: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = cell.trim_matches('"').trim();
    // `Name <address>`, once or more: the name is none of an address that failed.
    while let Some((_, after)) = rest.split_once('<') {
        let Some((address, after)) = after.split_once('>') else { break };
        found.push(address.trim());
        rest = after.trim();
    }
    if rest.contains('@') {
        found.extend(rest.split_whitespace());
    } else if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// The name of a column without what people write differently.
fn plain(cell: &str) -> String {
    cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["id", "username", "email"];

    fn texts(text: &str) -> Vec<(usize, String)> {
        cells(text, &COLUMNS).into_iter().map(|cell| (cell.line, cell.text)).collect()
    }

    fn owned(cells: &[(usize, &str)]) -> Vec<(usize, String)> {
        cells.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn names_are_found_however_they_are_pasted() {
        assert_eq!(texts("ana, kim;lee\n\n  max  \n"), owned(&[(1, "ana"), (1, "kim"), (1, "lee"), (3, "max")]));
        assert_eq!(texts("a@x.org b@x.org\nAna Ruiz"), owned(&[(1, "a@x.org"), (1, "b@x.org"), (2, "Ana Ruiz")]));
        assert_eq!(texts("Ana Ruiz <a@x.org> b@x.org"), owned(&[(1, "a@x.org"), (1, "b@x.org")]));
        assert!(texts(" \n,;\n").is_empty() && texts("").is_empty());
    }

    #[test]
    fn a_column_of_a_table_is_read_by_its_name() {
        let table = "\u{feff}Name;User Name;E-Mail\n\"Ruiz; Ana\";ana;a@x.org\nKim;kim;k@x.org\n;;\n";
        assert_eq!(texts(table), owned(&[(2, "ana"), (3, "kim")]));
        assert_eq!(texts("name,email\r\nAna,a@x.org\r\n"), owned(&[(2, "a@x.org")]));
        assert_eq!(texts("email,id\na@x.org,7\n"), owned(&[(2, "7")]), "the id says more than the address");
    }

    #[test]
    fn a_quote_that_never_ends_is_no_panic() {
        assert!(!texts("\"ana\nkim").is_empty());
    }
}
