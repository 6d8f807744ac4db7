//! Names that are nobody's to take: those that stand for nobody, and those that stand for the product or for whoever
//! runs it.
//!
//! They are compared as a whole and folded, so that neither letter case nor width nor invisible characters make another
//! name of one. What people enter is refused; what a connection sends is kept as it is, for nothing here is found, joined
//! or trusted by its name.

use super::fold;

/// Names that some program or other takes for nobody.
const NOBODY: [&str; 10] = ["", "-1", "0", "anonymous", "nil", "nobody", "none", "null", "system", "undefined"];
/// Names of whoever rules a server.
const PRODUCT: [&str; 6] = ["admin", "administrator", "muster", "root", "superuser", "sysadmin"];
/// Parts of this server, which stand in the log and in filters beside connections.
const PARTS: [&str; 3] = ["command-line", "local", "server"];
/// Names by which people expect to be written to by whoever runs a server (RFC 2142 has several).
const VOICES: [&str; 10] = [
    "abuse",
    "help",
    "helpdesk",
    "hostmaster",
    "no-reply",
    "noreply",
    "postmaster",
    "security",
    "support",
    "webmaster",
];

/// The name is one of those.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name `{0}` is reserved, for it stands for the product itself or for nobody; choose another")]
pub struct ReservedName(pub String);

/// Whether a name stands for nobody.
pub fn stands_for_nobody(name: &str) -> bool {
    NOBODY.contains(&fold(name).as_str())
}

/// Refuses what nothing may be called: a role, a group.
///
/// # Errors
/// [`ReservedName`].
pub fn check_name(name: &str) -> Result<(), ReservedName> {
    let is_reserved = stands_for_nobody(name) || PRODUCT.contains(&fold(name).as_str());
    if is_reserved { Err(ReservedName(name.trim().to_owned())) } else { Ok(()) }
}

/// Refuses what no source of people may be called: a connection.
///
/// # Errors
/// [`ReservedName`].
pub fn check_source(name: &str) -> Result<(), ReservedName> {
    check_name(name)?;
    if PARTS.contains(&fold(name).as_str()) { Err(ReservedName(name.trim().to_owned())) } else { Ok(()) }
}

/// Refuses what nobody may be called who could be taken to speak for the product: a person, an organization. A team may
/// well be called `support`.
///
/// # Errors
/// [`ReservedName`].
pub fn check_speaker(name: &str) -> Result<(), ReservedName> {
    check_name(name)?;
    if VOICES.contains(&fold(name).as_str()) { Err(ReservedName(name.trim().to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_name_is_one_in_every_spelling_and_as_a_part_of_another_it_is_not() {
        for name in
            ["admin", " ADMIN ", "ａｄｍｉｎ", "ad\u{200b}min", "Root", "MUSTER", "null", "0", "System", "Anonymous"]
        {
            assert!(check_name(name).is_err() && check_speaker(name).is_err(), "{name:?}");
        }
        for name in ["Support", "ＳＵＰＰＯＲＴ", "postmaster"] {
            assert!(check_name(name).is_ok() && check_speaker(name).is_err(), "{name:?}");
        }
        for name in ["admins", "admin@example.com", "root cause", "Muster fans", "00", "support crew", "default"] {
            assert!(check_name(name).is_ok() && check_speaker(name).is_ok(), "{name:?}");
        }
        assert!(check_source("ＬＯＣＡＬ").is_err() && check_source("Server").is_err() && check_name("local").is_ok());
        assert!(stands_for_nobody("\u{200b} ") && stands_for_nobody("NULL") && !stands_for_nobody("admin"));
    }
}
