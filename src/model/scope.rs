//! Scopes: the organization, its projects, their environments.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::limits::ACCESS_NAME_CHARACTERS;
use super::{Permission, Reason};

/// The text is no path of a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a scope, expected `/`, `/project` or `/project/environment`, each part 1 to \
     {ACCESS_NAME_CHARACTERS} of `a` to `z`, `0` to `9`, `-`, `_` and `.`, with a letter or digit at both ends"
)]
pub struct ScopePathError(String);

/// Where a role holds: `/` (the organization), `/billing` (a project), `/billing/production` (an environment).
///
/// One spelling each: lower case, no trailing slash, nothing encoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopePath(Arc<str>);

/// What a scope is, by its depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// `/`.
    Organization,
    /// `/project`.
    Project,
    /// `/project/environment`.
    Environment,
}

impl ScopeKind {
    /// The type of the resource in AuthZEN.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Environment => "environment",
        }
    }

    /// Reads the type of a resource.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Organization, Self::Project, Self::Environment].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl ScopePath {
    /// The organization itself.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is.
    pub fn kind(&self) -> ScopeKind {
        match self.parts().count() {
            0 => ScopeKind::Organization,
            1 => ScopeKind::Project,
            _ => ScopeKind::Environment,
        }
    }

    /// The scope around it; `None` for `/`.
    pub fn parent(&self) -> Option<Self> {
        let (above, _) = self.0.rsplit_once('/')?;
        match (above, self.kind()) {
            (_, ScopeKind::Organization) => None,
            ("", _) => Some(Self::root()),
            (above, _) => Some(Self(above.into())),
        }
    }

    /// Itself and every scope around it, innermost first, at most three.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// Whether `inner` is this scope or lies in it.
    pub fn contains(&self, inner: &Self) -> bool {
        inner.ancestors().any(|around| around == *self)
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl FromStr for ScopePath {
    type Err = ScopePathError;

    fn from_str(text: &str) -> Result<Self, ScopePathError> {
        let valid = text == "/"
            || text
                .strip_prefix('/')
                .is_some_and(|below| below.split('/').count() <= 2 && below.split('/').all(is_part));
        if valid { Ok(Self(text.into())) } else { Err(ScopePathError(super::permission::shortened(text))) }
    }
}

fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.len() <= ACCESS_NAME_CHARACTERS
        && part.starts_with(plain)
        && part.ends_with(plain)
        && part.chars().all(|c| plain(c) || matches!(c, '-' | '_' | '.'))
}

impl Borrow<str> for ScopePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many people must and may be able to pass a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateBounds {
    minimum: u32,
    maximum: Option<u32>,
}

/// The bounds of a gate cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the minimum {minimum} of a gate is above its maximum {maximum}, expected at most the maximum")]
pub struct GateError {
    minimum: u32,
    maximum: u32,
}

impl GateBounds {
    /// At least `minimum`, at most `maximum` people.
    ///
    /// # Errors
    /// [`GateError`] when nothing lies between.
    pub const fn new(minimum: u32, maximum: Option<u32>) -> Result<Self, GateError> {
        match maximum {
            Some(maximum) if minimum > maximum => Err(GateError { minimum, maximum }),
            _ => Ok(Self { minimum, maximum }),
        }
    }

    /// Fewer than this is reported.
    pub const fn minimum(self) -> u32 {
        self.minimum
    }

    /// More than this is reported.
    pub const fn maximum(self) -> Option<u32> {
        self.maximum
    }
}

/// A scope of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Where it is; its kind follows.
    pub path: ScopePath,
    /// Whether it is production, and so is everything in it: answers are not to be cached, gates are watched.
    pub production: bool,
    /// The gates watched here.
    pub gates: BTreeMap<Permission, GateBounds>,
    /// What it is for.
    pub description: Option<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ScopePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_has_one_spelling_and_at_most_two_parts() {
        for good in ["/", "/billing", "/billing/production", "/b1/eu-west_1.a"] {
            assert_eq!(path(good).as_str(), good);
        }
        let long = format!("/{}", "a".repeat(ACCESS_NAME_CHARACTERS + 1));
        for bad in [
            "",
            "billing",
            "//",
            "/billing/",
            "/billing//production",
            "/a/b/c",
            "/..",
            "/a/..",
            "/a/.",
            "/%2e%2e",
            "/A",
            "/a b",
            "/a'b",
            "/a\"b",
            "/a\n",
            "/-a",
            "/a-",
            "/ä",
            "/a\0",
            &long,
        ] {
            assert!(bad.parse::<ScopePath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_lies_around_a_scope_is_named_from_the_inside_out() {
        let around: Vec<String> = path("/billing/production").ancestors().map(|scope| scope.to_string()).collect();
        assert_eq!(around, ["/billing/production", "/billing", "/"]);
        assert_eq!(path("/").ancestors().count(), 1);
        assert_eq!(path("/").kind(), ScopeKind::Organization);
        assert_eq!(path("/billing").kind(), ScopeKind::Project);
        assert!(path("/billing").contains(&path("/billing/production")) && path("/").contains(&path("/billing")));
        assert!(!path("/bill").contains(&path("/billing")) && !path("/billing/production").contains(&path("/billing")));
    }

    #[test]
    fn a_gate_that_nothing_satisfies_is_refused() {
        assert!(GateBounds::new(2, Some(1)).is_err());
        assert_eq!(GateBounds::new(2, Some(2)).unwrap().maximum(), Some(2));
        assert_eq!(GateBounds::new(0, None).unwrap().minimum(), 0);
    }
}
