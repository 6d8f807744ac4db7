//! What is to be thought of pasted addresses, one by one.

use std::collections::HashMap;

use crate::db::Tx;
use crate::db::console::invitations;
use crate::db::users::listed::{self, Key};
use crate::model::{Caller, ConnectionId, EmailAddress, Moment, UserId, limits};
use crate::service::people::{Person, Standing, table};
use crate::service::{ServiceError, Services};

/// One pasted address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which it is among all that were pasted, from 1.
    pub number: usize,
    /// As it was pasted.
    pub given: String,
    /// What is to be thought of it.
    pub reading: Reading,
}

/// What is to be thought of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It can be invited.
    Ready,
    /// It was invited and the invitation has expired: a new link is sent.
    Expired(Moment),
    /// The same as an earlier one.
    Duplicate(usize),
    /// Somebody of the organization has it.
    Member(UserId),
    /// It was invited already, until then.
    Invited(Moment),
    /// Somebody has it who was deactivated: to be reactivated, not invited.
    Deactivated(UserId),
    /// It is no address; why.
    NotAnAddress(String),
    /// Its domain is not among those allowed.
    OutsideDomains(String),
}

impl Reading {
    /// Whether it is invited.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Ready | Self::Expired(_))
    }
}

/// Takes a text apart into addresses: at commas, semicolons, lines and spaces; of `Name <a@b.c>` the address counts. Of a
/// table with commas and a first line that names its columns, the column `email` counts.
pub fn split(text: &str) -> Vec<String> {
    table::cells(text, &["email", "emailaddress", "mail"]).into_iter().map(|cell| cell.text).collect()
}

/// Reads every pasted address. `domains`: those allowed, in lower case; empty for all. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn readings(
    services: &Services,
    caller: &Caller,
    text: &str,
    domains: &[String],
) -> Result<Vec<Line>, ServiceError> {
    let now = services.clock.now();
    services.live.read(|tx| {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut lines = Vec::new();
        for (at, given) in split(text).into_iter().take(limits::INVITATIONS_AT_ONCE).enumerate() {
            let number = at.saturating_add(1);
            let reading = match given.parse::<EmailAddress>() {
                Err(error) => Reading::NotAnAddress(error.to_string()),
                Ok(address) => {
                    if let Some(first) = seen.get(&address.key()) {
                        Reading::Duplicate(*first)
                    } else {
                        seen.insert(address.key(), number);
                        read(tx, caller, &address, domains, now)?
                    }
                }
            };
            lines.push(Line { number, given: given.chars().take(limits::EMAIL_CHARACTERS).collect(), reading });
        }
        Ok(lines)
    })
}

/// Reads one address.
///
/// # Errors
/// [`ServiceError`].
pub(super) fn read(
    tx: &mut Tx<'_>,
    caller: &Caller,
    address: &EmailAddress,
    domains: &[String],
    now: Moment,
) -> Result<Reading, ServiceError> {
    let domain = address.domain();
    if !domains.is_empty() && !domains.contains(&domain) {
        return Ok(Reading::OutsideDomains(domain));
    }
    let key = address.key();
    for by in [Key::Email(&key), Key::UserName(&key)] {
        if let Some(user) = listed::by_key(tx, caller.organization, ConnectionId::NOBODY, by, 1)?.into_iter().next() {
            let user = crate::db::users::by_id(tx, caller.organization, user.id)?;
            let Some(user) = user else { continue };
            let person = Person::new(user, &HashMap::new())?;
            return Ok(match person.standing() {
                Standing::Active => Reading::Member(person.id),
                Standing::Inactive | Standing::Suspended => Reading::Deactivated(person.id),
            });
        }
    }
    let open = invitations::open_by_email(tx, caller.organization, &key)?;
    Ok(match open {
        None => Reading::Ready,
        Some(open) if open.invitation.expires_at <= now => Reading::Expired(open.invitation.expires_at),
        Some(open) => Reading::Invited(open.invitation.expires_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_they_are_pasted() {
        let pasted = "\u{feff}a@x.org, b@x.org;c@x.org\n d@x.org\te@x.org f@x.org\nAna Ruiz <g@x.org> i@x.org\n\n";
        let expected = ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org", "f@x.org", "g@x.org", "i@x.org"];
        assert_eq!(split(pasted), expected);
        assert_eq!(split("\"h@x.org\",nonsense"), ["h@x.org", "nonsense"]);
        assert!(split(" \n,;\n").is_empty());
    }

    #[test]
    fn of_a_table_the_column_of_addresses_counts() {
        assert_eq!(split("Name,E-Mail,Team\n\"Ruiz, Ana\",a@x.org,ops\nKim,k@x.org,ops\n"), ["a@x.org", "k@x.org"]);
    }
}
