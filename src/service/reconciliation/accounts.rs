//! Lists of accounts as CSV.

use crate::model::{DownstreamAccount, limits};

/// Reads a list of accounts: a line with the names of the columns, then one account a line. `account` is needed; `id`,
/// `email`, `userName`, `externalId` and `groups` (with `;` between them) may be there, columns of other names are left
/// alone. Letter case does not matter in the names.
///
/// # Errors
/// What is wrong, with the line.
pub fn read_csv(text: &str) -> Result<Vec<DownstreamAccount>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    let name = column("account").or_else(|| column("login"));
    let name = name.ok_or("the first line must name a column `account`")?;
    let (id, email, user_name) = (column("id"), column("email"), column("userName"));
    let (external_id, groups) = (column("externalId"), column("groups"));
    let mut accounts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |place: Option<usize>| {
            place.and_then(|place| record.get(place)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        if record.iter().any(|text| text.chars().count() > limits::REASON_CHARACTERS) {
            return Err(format!("line {line}: a cell is longer than {} characters", limits::REASON_CHARACTERS));
        }
        let Some(name) = cell(Some(name)) else { return Err(format!("line {line}: `account` is empty")) };
        if accounts.len() >= limits::DOWNSTREAM_ACCOUNTS {
            return Err(format!("the list holds more than {} accounts", limits::DOWNSTREAM_ACCOUNTS));
        }
        let groups = cell(groups).unwrap_or_default();
        accounts.push(DownstreamAccount {
            name,
            id: cell(id),
            email: cell(email),
            user_name: cell(user_name),
            external_id: cell(external_id),
            groups: groups.split(';').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        });
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "\u{feff}EMAIL,Account,shoe size,groups\nAda@example.com, ada ,38,crew; ops;\n,\"b,ob\",,\n";
        let read = read_csv(text).unwrap();
        let names: Vec<&str> = read.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["ada", "b,ob"]);
        assert_eq!(read[0].email.as_deref(), Some("Ada@example.com"));
        assert_eq!(read[0].groups.iter().collect::<Vec<_>>(), ["crew", "ops"]);
        assert_eq!((read[1].email.as_deref(), read[1].groups.len()), (None, 0));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, problem) in [
            ("", "`account`"),
            ("email\na@example.com\n", "`account`"),
            ("account,email\nada,a\n,b\n", "line 3: `account` is empty"),
            ("account,email\nada\n", "line"),
        ] {
            let error = read_csv(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
        let long = format!("account\n{}\n", "x".repeat(limits::REASON_CHARACTERS + 1));
        assert!(read_csv(&long).unwrap_err().contains("line 2"));
    }
}
