//! Resources below the scopes: records, artefacts, whatever an organization declares.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::limits::{ACCESS_NAME_CHARACTERS, LEAF_ID_CHARACTERS};
use super::permission::{is_word, shortened};
use super::{ScopeKind, ScopePath};

/// The text names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not a type.
    #[error(
        "`{0}` is not a resource type, expected 1 to {ACCESS_NAME_CHARACTERS} of `a` to `z`, `0` to `9` and `-`, \
         beginning with a letter"
    )]
    Type(String),
    /// A type that is there already.
    #[error("the resource type `{0}` is reserved, choose another")]
    ReservedType(String),
    /// Not an id.
    #[error(
        "`{0}` is not the id of a resource, expected 1 to {LEAF_ID_CHARACTERS} characters with no control characters"
    )]
    Id(String),
}

/// A type of resources an organization declared; never `organization`, `project`, `environment`, `user`, `group` or
/// `service`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(Arc<str>);

/// What its own system calls a resource: any text, compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafId(Arc<str>);

/// What is known of a person or a resource, for guardrails to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text; moments are texts as RFC 3339 writes them.
    Text(String),
    /// Several texts, in no order.
    Texts(BTreeSet<String>),
}

/// A resource below a scope: roles hold here because they hold at the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id, unique among those of its type.
    pub id: LeafId,
    /// The scope it lies in.
    pub scope: ScopePath,
    /// What is known of it.
    pub facts: BTreeMap<String, Fact>,
}

impl FromStr for ResourceType {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        if !is_word(text) {
            return Err(LeafError::Type(shortened(text)));
        }
        let taken = ScopeKind::from_name(text).is_some() || matches!(text, "user" | "group" | "service");
        if taken { Err(LeafError::ReservedType(text.to_owned())) } else { Ok(Self(text.into())) }
    }
}

impl FromStr for LeafId {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        let fits = !text.is_empty() && text.chars().count() <= LEAF_ID_CHARACTERS;
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(LeafError::Id(shortened(text)))
        }
    }
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

text!(ResourceType, LeafId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_type_is_a_word_that_means_nothing_else() {
        assert_eq!("record".parse::<ResourceType>().unwrap().as_str(), "record");
        for taken in ["organization", "project", "environment", "user", "group", "service"] {
            assert_eq!(taken.parse::<ResourceType>(), Err(LeafError::ReservedType(taken.to_owned())));
        }
        assert!(matches!("Record".parse::<ResourceType>(), Err(LeafError::Type(_))));
    }

    #[test]
    fn a_leaf_is_called_whatever_its_own_system_calls_it() {
        for good in ["record-1", "a//b", "../x", "%2e", "it's \"quoted\"", "ä"] {
            assert_eq!(good.parse::<LeafId>().unwrap().as_str(), good);
        }
        for bad in ["", "a\0", "a\n", &"a".repeat(LEAF_ID_CHARACTERS + 1)] {
            assert!(bad.parse::<LeafId>().is_err(), "{bad:?}");
        }
    }
}
