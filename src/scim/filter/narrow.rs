//! What a condition lets a database leave unread.

use std::collections::{BTreeMap, BTreeSet};

use super::{Condition, Relation, Test};
use crate::scim::path::AttributePath;

/// An index may answer: every resource that fulfils the condition has one of `values` at `path`. Others may have too, so
/// [`super::eval()`] still decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// Canonical.
    pub path: AttributePath,
    /// As the client wrote them.
    pub values: Vec<String>,
    /// Whether a value must be equal letter by letter; otherwise [`crate::model::fold`] makes both sides comparable.
    pub case_exact: bool,
}

impl Condition {
    /// Every way in which an index could narrow the candidates, in the order of the filter; the database takes the one
    /// whose path it has an index for. Empty when all resources must be looked at.
    pub fn narrowings(&self) -> Vec<Narrowing> {
        match self {
            Self::Holds { path, test: Test::Text(Relation::Equal, text) } => {
                // An index need not hold empty texts.
                let empty = text.folded.as_deref().unwrap_or(&text.exact).is_empty();
                let narrowing = Narrowing {
                    path: path.clone(),
                    values: vec![text.exact.clone()],
                    case_exact: text.folded.is_none(),
                };
                if empty { Vec::new() } else { vec![narrowing] }
            }
            Self::All(conditions) => conditions.iter().flat_map(Self::narrowings).collect(),
            Self::Any(conditions) => conditions.iter().map(Self::narrowings).reduce(united).unwrap_or_default(),
            Self::Element { path, condition } => {
                condition.narrowings().into_iter().map(|narrowing| within(path, narrowing)).collect()
            }
            Self::Holds { .. } | Self::Not(_) => Vec::new(),
        }
    }

    /// The attributes that decide, by the name under which they stand in a resource: an extension's by the URN of the
    /// extension. In alphabetical order, each once.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let mut names = BTreeSet::new();
        self.each_path(&mut |path| {
            names.insert(path.schema.as_deref().unwrap_or(&path.attribute));
        });
        names.into_iter()
    }

    fn each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a AttributePath)) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.each_path(visit);
                }
            }
            Self::Not(condition) => condition.each_path(visit),
            Self::Holds { path, .. } | Self::Element { path, .. } => visit(path),
        }
    }

    /// The `value`s of the elements of `attribute` that can decide, where only those can: every mention of the attribute
    /// is `value eq`, alone or in brackets with more. Elements with other values may be left out of the resource before
    /// evaluation. `Some` of nothing when the attribute is not mentioned, `None` when all elements are needed.
    pub fn equal_values_of(&self, attribute: &str) -> Option<Vec<String>> {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                let mut values = Vec::new();
                for condition in conditions {
                    values.extend(condition.equal_values_of(attribute)?);
                }
                Some(values)
            }
            Self::Not(condition) => condition.equal_values_of(attribute),
            Self::Holds { path, .. } | Self::Element { path, .. } => {
                if path.schema.is_some() || path.attribute != attribute {
                    return Some(Vec::new());
                }
                let by_value = |narrowing: &Narrowing| narrowing.path.sub_attribute.as_deref() == Some("value");
                self.narrowings().into_iter().find(by_value).map(|narrowing| narrowing.values)
            }
        }
    }
}

/// What holds for either of two conditions: the paths that narrow both, with the values of both.
fn united(left: Vec<Narrowing>, right: Vec<Narrowing>) -> Vec<Narrowing> {
    let mut others = BTreeMap::new();
    for narrowing in right {
        others.entry(narrowing.path.clone()).or_insert(narrowing);
    }
    let mut both = Vec::new();
    for mut narrowing in left {
        if let Some(other) = others.remove(&narrowing.path) {
            narrowing.values.extend(other.values);
            both.push(narrowing);
        }
    }
    both
}

fn within(path: &AttributePath, narrowing: Narrowing) -> Narrowing {
    let path = AttributePath {
        schema: path.schema.clone(),
        attribute: path.attribute.clone(),
        sub_attribute: Some(narrowing.path.attribute),
    };
    Narrowing { path, ..narrowing }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::model::fold;
    use crate::scim::Switches;
    use crate::scim::filter::{Filter, eval, samples};
    use crate::scim::schema::ResourceTypes;

    fn condition(text: &str) -> Condition {
        let types = ResourceTypes::builtin().unwrap();
        Filter::parse(text, &Switches::DEFAULT).unwrap().resolve(&types.user, &Switches::DEFAULT).unwrap()
    }

    fn narrowings(text: &str) -> Vec<(String, Vec<String>)> {
        let narrowings = condition(text).narrowings();
        narrowings.into_iter().map(|narrowing| (narrowing.path.to_string(), narrowing.values)).collect()
    }

    fn one(path: &str, values: &[&str]) -> (String, Vec<String>) {
        (path.to_owned(), values.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn equality_narrows_alone_in_conjunctions_in_brackets_and_in_disjunctions_on_one_path() {
        for (text, expected) in [
            (r#"userName eq "Bob""#, vec![one("userName", &["Bob"])]),
            (r#"title pr and userName eq "b" and active eq true"#, vec![one("userName", &["b"])]),
            (r#"userName eq "a" or userName eq "b""#, vec![one("userName", &["a", "b"])]),
            (
                r#"(userName eq "a" and externalId eq "1") or (externalId eq "2" and title pr)"#,
                vec![one("externalId", &["1", "2"])],
            ),
            (r#"emails eq "x""#, vec![one("emails.value", &["x"])]),
            (
                r#"emails[type eq "work"].value eq "x""#,
                vec![one("emails.type", &["work"]), one("emails.value", &["x"])],
            ),
            (
                r#"manager eq "m""#,
                vec![one("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", &["m"])],
            ),
        ] {
            assert_eq!(narrowings(text), expected, "{text}");
        }
    }

    #[test]
    fn what_an_index_cannot_answer_does_not_narrow() {
        for text in [
            r#"userName eq "a" or title pr"#,
            r#"userName eq "a" or externalId eq "b""#,
            r#"not (userName eq "a")"#,
            r#"userName ne "a""#,
            r#"userName sw "a""#,
            r#"userName eq "\u200b""#,
            "active eq true",
            "title pr",
        ] {
            assert_eq!(narrowings(text), [], "{text}");
        }
    }

    #[test]
    fn a_condition_tells_which_attributes_it_reads() {
        let condition = condition(r#"not (groups.value eq "g") or emails[type eq "x"] and (manager pr or emails pr)"#);
        let names: Vec<&str> = condition.attributes().collect();
        assert_eq!(names, ["emails", "groups", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]);
    }

    #[test]
    fn only_elements_with_the_compared_values_are_needed_unless_something_else_is_asked_of_them() {
        for (text, expected) in [
            (r#"groups.value eq "a" or groups eq "b""#, Some(vec!["a", "b"])),
            (r#"not (groups.value eq "a")"#, Some(vec!["a"])),
            (r#"groups[value eq "a" and display co "x"]"#, Some(vec!["a"])),
            ("title pr", Some(vec![])),
            (r#"groups.value eq "a" and groups.display eq "x""#, None),
            (r#"groups[value eq "a" or display eq "x"]"#, None),
            (r#"groups[not (value eq "a")]"#, None),
            (r#"groups.value sw "a""#, None),
            ("groups pr", None),
        ] {
            let values = condition(text).equal_values_of("groups");
            assert_eq!(values, expected.map(|values| values.iter().map(ToString::to_string).collect()), "{text}");
        }
    }

    fn same(narrowing: &Narrowing, value: &Value) -> bool {
        let same =
            |value: &str, wanted: &String| value == wanted || !narrowing.case_exact && fold(value) == fold(wanted);
        value.as_str().is_some_and(|value| narrowing.values.iter().any(|wanted| same(value, wanted)))
    }

    fn has(narrowing: &Narrowing, user: &Value) -> bool {
        let owner = narrowing.path.schema.as_ref().map_or(Some(user), |schema| user.get(schema));
        let several = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        let values = owner.and_then(|owner| owner.get(&narrowing.path.attribute)).map(several).unwrap_or_default();
        values.iter().any(|value| match &narrowing.path.sub_attribute {
            Some(sub_attribute) => value.get(sub_attribute).is_some_and(|value| same(narrowing, value)),
            None => same(narrowing, value),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_fulfils_a_condition_is_among_its_narrowed_candidates(
            text in samples::filter(),
            user in samples::user(),
        ) {
            let condition = condition(&text);
            if eval(&condition, &user) {
                for narrowing in condition.narrowings() {
                    prop_assert!(has(&narrowing, &user), "{}: {:?}", text, narrowing);
                }
            }
        }

        #[test]
        fn elements_that_are_not_needed_do_not_decide(text in samples::filter(), user in samples::user()) {
            let condition = condition(&text);
            for attribute in ["emails", "groups"] {
                if let Some(values) = condition.equal_values_of(attribute) {
                    let mut fewer = user.clone();
                    if let Some(elements) = fewer[attribute].as_array_mut() {
                        let needed = |value: &str| values.iter().any(|wanted| fold(wanted) == fold(value));
                        elements.retain(|element| element["value"].as_str().is_some_and(needed));
                    }
                    prop_assert_eq!(eval(&condition, &fewer), eval(&condition, &user), "{}", text);
                }
            }
        }
    }
}
