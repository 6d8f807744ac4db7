//! Permissions, and the names of roles and guardrails.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::limits::ACCESS_NAME_CHARACTERS;

/// The namespace of administration, where no organization declares permissions of its own.
const RESERVED_NAMESPACE: &str = "organization";

/// The text names no permission, role or guardrail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// Not a permission.
    #[error(
        "`{0}` is not a permission, expected a name such as `build:view`: `a` to `z`, `0` to `9` and `-`, at most \
         {ACCESS_NAME_CHARACTERS} characters, beginning with a letter"
    )]
    Permission(String),
    /// Not the name of a role.
    #[error(
        "`{0}` is not the name of a role, expected 1 to {ACCESS_NAME_CHARACTERS} of `a` to `z`, `0` to `9` and `-`, \
         beginning with a letter"
    )]
    Role(String),
    /// Not the name of a guardrail.
    #[error(
        "`{0}` is not the name of a guardrail, expected 1 to {ACCESS_NAME_CHARACTERS} of `a` to `z`, `0` to `9` and \
         `-`, beginning with a letter"
    )]
    Guardrail(String),
}

/// A named action, `build:view`. In AuthZEN it is the action's name.
///
/// A namespace may be left out (`read`). `organization:` is reserved for administration; `organization:*` stands for
/// all of it and is the only wildcard, so that a permission added to the catalogue is in no role by accident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Arc<str>);

/// The name of a role, unique in its organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Arc<str>);

/// The name of a guardrail (`@id`), unique in its organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuardrailId(Arc<str>);

impl Permission {
    /// Everything under `organization:`.
    pub const EVERYTHING_RESERVED: &'static str = "organization:*";

    /// Whether it administers the organization: under `organization:`, the wildcard included.
    pub fn is_reserved(&self) -> bool {
        self.0.split_once(':').is_some_and(|(namespace, _)| namespace == RESERVED_NAMESPACE)
    }

    /// Whether it stands for everything under `organization:`.
    pub fn is_wildcard(&self) -> bool {
        &*self.0 == Self::EVERYTHING_RESERVED
    }

    /// Whether holding this is holding `asked`.
    pub fn covers(&self, asked: &Self) -> bool {
        self == asked || (self.is_wildcard() && asked.is_reserved())
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let shaped = match text.split_once(':') {
            Some((namespace, name)) => is_word(namespace) && is_word(name),
            None => is_word(text),
        };
        let fits = text.len() <= ACCESS_NAME_CHARACTERS;
        if fits && (shaped || text == Self::EVERYTHING_RESERVED) {
            Ok(Self(text.into()))
        } else {
            Err(PermissionError::Permission(shortened(text)))
        }
    }
}

impl FromStr for RoleName {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        if is_word(text) { Ok(Self(text.into())) } else { Err(PermissionError::Role(shortened(text))) }
    }
}

impl FromStr for GuardrailId {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        if is_word(text) { Ok(Self(text.into())) } else { Err(PermissionError::Guardrail(shortened(text))) }
    }
}

/// Whether the text is a word as permissions and their like are made of.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= ACCESS_NAME_CHARACTERS
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// As much of what was given as a message repeats, on one line.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(ACCESS_NAME_CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

macro_rules! text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
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

text!(Permission, RoleName, GuardrailId);

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    #[test]
    fn a_permission_is_a_name_with_or_without_a_namespace() {
        for good in ["build:view", "read", "deploy:run-now", "organization:read-evidence", "organization:*", "a:b2"] {
            assert_eq!(permission(good).as_str(), good);
        }
        let long = format!("build:{}", "a".repeat(ACCESS_NAME_CHARACTERS - 5));
        for bad in ["", ":", "build:", ":view", "Build:view", "build:*", "*", "a:b:c", "build view", "2b", "a-", &long]
        {
            assert!(bad.parse::<Permission>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_reserved_wildcard_covers_more_than_itself() {
        let all = permission("organization:*");
        assert!(all.covers(&permission("organization:read-evidence")) && all.covers(&all));
        assert!(!all.covers(&permission("deploy:run")) && !all.covers(&permission("organization")));
        assert!(permission("deploy:run").covers(&permission("deploy:run")));
        assert!(!permission("organization:read-evidence").covers(&all));
    }
}
