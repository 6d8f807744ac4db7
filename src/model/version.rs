//! Versions of a resource and the preconditions a client may put on them (RFC 7644 §3.14).

use super::ResourceId;

/// Counts the changes of one resource, membership included; starts at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// The version of a resource just created.
    pub const FIRST: Self = Self(1);

    /// Wraps a number read from the database.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number as the database holds it.
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The weak entity tag of `resource` at this version, quotes included.
    ///
    /// The tail of the resource's id makes the tag of one resource useless for any other.
    pub fn entity_tag(self, resource: ResourceId) -> String {
        let mut id = String::with_capacity(36);
        resource.push_to(&mut id);
        let tail = id.get(28..).unwrap_or_default();
        ["W/\"", &self.0.to_string(), "-", tail, "\""].concat()
    }
}

/// What `If-Match` or `If-None-Match` asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// No such header.
    #[default]
    None,
    /// `*`: any version.
    Any,
    /// A list of entity tags, each as sent (`W/"3-…"` or `"3-…"`).
    Tags(Vec<String>),
}

impl Precondition {
    /// Reads the value of the header; several headers are joined by commas before.
    pub fn parse(header: &str) -> Self {
        let header = header.trim();
        if header == "*" {
            return Self::Any;
        }
        Self::Tags(header.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect())
    }

    /// Whether the tag is named. Compares weakly (RFC 9110 §8.8.3.2): our tags are all weak.
    pub fn names(&self, entity_tag: &str) -> bool {
        let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| opaque(tag) == opaque(entity_tag)),
        }
    }

    /// Whether a write under `If-Match` may go on for a resource that bears `entity_tag` now.
    pub fn allows(&self, entity_tag: &str) -> bool {
        matches!(self, Self::None) || self.names(entity_tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: i64) -> String {
        let id = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a".parse().unwrap();
        Version::new(number).entity_tag(id)
    }

    #[test]
    fn a_tag_is_weak_and_bound_to_its_resource() {
        assert_eq!(tag(3), "W/\"3-8d9e0f1a\"");
    }

    #[test]
    fn preconditions_take_a_star_a_list_and_strong_spellings() {
        assert!(Precondition::parse("*").allows(&tag(3)));
        assert!(Precondition::parse("W/\"1-x\", \"3-8d9e0f1a\"").allows(&tag(3)));
        assert!(!Precondition::parse("W/\"2-8d9e0f1a\"").allows(&tag(3)));
        assert!(Precondition::None.allows(&tag(3)));
        assert!(!Precondition::None.names(&tag(3)));
    }
}
