//! Names people give: slugs of organizations, names of organizations and connections.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use validator::ValidateLength;

use super::limits::{NAME_CHARACTERS, SLUG_CHARACTERS};
use super::reserved::{self, ReservedName};

/// The text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a slug.
    #[error(
        "`{0}` is not a slug, expected 1 to {SLUG_CHARACTERS} of `a` to `z`, `0` to `9` and `-`, with no `-` at either end"
    )]
    Slug(String),
    /// Not a name.
    #[error("`{0}` is not a name, expected 1 to {NAME_CHARACTERS} characters with no control characters")]
    Name(String),
    /// A name with a meaning of its own.
    #[error(transparent)]
    Reserved(#[from] ReservedName),
}

/// The name of an organization in URLs and on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(String);

/// The name of an organization for people: trimmed, in Unicode's composed form (NFC).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// The name of a connection: as [`Name`], in compatibility form (NFKC) so that no two look the same, none reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionName(String);

impl FromStr for Slug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = text.validate_length(Some(1), Some(slug_characters()), None);
        if fits && text.chars().all(allowed) && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Slug(shortened(text)))
        }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        checked(text.trim().nfc().collect(), text).map(Self)
    }
}

impl FromStr for ConnectionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = checked(text.nfkc().collect::<String>().trim().to_owned(), text)?;
        reserved::check_source(&name)?;
        Ok(Self(name))
    }
}

impl From<Slug> for Name {
    /// Every slug is a name.
    fn from(slug: Slug) -> Self {
        Self(slug.0)
    }
}

fn checked(name: String, given: &str) -> Result<String, NameError> {
    let fits = name.validate_length(Some(1), Some(name_characters()), None);
    if fits && !name.chars().any(char::is_control) { Ok(name) } else { Err(NameError::Name(shortened(given))) }
}

fn slug_characters() -> u64 {
    u64::try_from(SLUG_CHARACTERS).unwrap_or(u64::MAX)
}

fn name_characters() -> u64 {
    u64::try_from(NAME_CHARACTERS).unwrap_or(u64::MAX)
}

/// A message repeats no more than somebody would read, on one line.
fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

macro_rules! text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text!(Slug, Name, ConnectionName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_letters_digits_and_inner_hyphens() {
        for good in ["acme", "a", "7-of-9", &"a".repeat(SLUG_CHARACTERS)] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        for bad in ["", "Acme", "-a", "a-", "a b", "a/b", "ä", "a\n", &"a".repeat(SLUG_CHARACTERS + 1)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_holds_no_control_characters() {
        assert_eq!(" Acme Inc. ".parse::<Name>().unwrap().as_str(), "Acme Inc.");
        for bad in ["", "  ", "a\0b", "a\nb", &"a".repeat(NAME_CHARACTERS + 1)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_connection_cannot_take_a_reserved_name_in_any_spelling() {
        assert_eq!("Okta".parse::<ConnectionName>().unwrap().as_str(), "Okta");
        for bad in ["local", " LOCAL ", "ｌｏｃａｌ", "nobody", "Admin", "mus\u{ad}ter"] {
            assert!(matches!(bad.parse::<ConnectionName>(), Err(NameError::Reserved(_))), "{bad:?}");
        }
    }
}
