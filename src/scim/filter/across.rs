//! Queries over several resource types (RFC 7644 §3.4.2.1): what the type alone decides is decided before any resource is
//! looked at.

use serde_json::Value;

use super::Condition;
use super::eval::passes;

impl Condition {
    /// The condition for resources of the type called `name`: what asks for `meta.resourceType` is settled, and so is
    /// what follows from that.
    #[must_use]
    pub fn for_type(self, name: &str) -> Self {
        match self {
            Self::Holds { path, test }
                if path.schema.is_none()
                    && path.attribute == "meta"
                    && path.sub_attribute.as_deref() == Some("resourceType") =>
            {
                if passes(&test, &Value::String(name.to_owned())) {
                    Self::All(Vec::new())
                } else {
                    Self::Any(Vec::new())
                }
            }
            Self::All(conditions) => {
                let settled = conditions.into_iter().map(|condition| condition.for_type(name));
                let rest: Vec<Self> = settled.filter(|condition| !condition.is_always()).collect();
                if rest.iter().any(Self::is_never) { Self::Any(Vec::new()) } else { Self::All(rest) }
            }
            Self::Any(conditions) => {
                let settled = conditions.into_iter().map(|condition| condition.for_type(name));
                let rest: Vec<Self> = settled.filter(|condition| !condition.is_never()).collect();
                if rest.iter().any(Self::is_always) { Self::All(Vec::new()) } else { Self::Any(rest) }
            }
            Self::Not(condition) => match condition.for_type(name) {
                condition if condition.is_always() => Self::Any(Vec::new()),
                condition if condition.is_never() => Self::All(Vec::new()),
                condition => Self::Not(Box::new(condition)),
            },
            other => other,
        }
    }

    /// Whether every resource fulfils it, as far as that shows without looking at one.
    pub const fn is_always(&self) -> bool {
        matches!(self, Self::All(conditions) if conditions.is_empty())
    }

    /// Whether no resource fulfils it, as far as that shows without looking at one.
    pub const fn is_never(&self) -> bool {
        matches!(self, Self::Any(conditions) if conditions.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use crate::scim::Switches;
    use crate::scim::schema::ResourceTypes;

    fn settled(text: &str) -> (Condition, Condition) {
        let types = ResourceTypes::builtin().unwrap();
        let filter = Filter::parse(text, &Switches::DEFAULT).unwrap();
        let of = |resource_type| filter.clone().resolve_across(resource_type, &Switches::DEFAULT).unwrap();
        (of(&types.user).for_type("User"), of(&types.group).for_type("Group"))
    }

    // Requirement 42
    #[test]
    fn the_type_alone_decides_what_asks_for_the_type_or_for_what_it_does_not_have() {
        for text in [
            "meta.resourceType eq \"User\"",
            "not (meta.resourceType eq \"Group\")",
            "meta.resourceType pr and meta.resourceType ne \"Group\"",
            "meta.resourceType eq \"User\" or members pr",
            "nothing eq null and not (displayName pr and members pr) and meta.resourceType sw \"U\"",
        ] {
            let (user, group) = settled(text);
            assert!(user.is_always() || text.contains("members"), "{text}: {user:?}");
            assert!(group.is_never() || text.contains("members"), "{text}: {group:?}");
        }
        let (user, group) = settled("userName eq \"x\" and displayName pr");
        assert!(matches!(user, Condition::All(conditions) if conditions.len() == 2));
        assert!(group.is_never());
        let (user, group) = settled("meta.resourceType eq \"Group\" and displayName eq \"x\"");
        assert!(user.is_never());
        assert_eq!(group.narrowings().len(), 1);
        let (user, group) = settled("nothing pr or nothing.at eq 1");
        assert!(user.is_never() && group.is_never());
    }
}
