//! What a condition lets a database leave unread.

use std::collections::{BTreeMap, BTreeSet};

use super::{Condition, Relation, Test};
use crate::scim::path::AttributePath;

/// An index may answer: every resource that fulfils the condition has one of `values` at `path`. Others may have too, so
/// [`super::eval`] still decides.
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
            Self::Holds {
                path,
                test: Test::Text(Relation::Equal, text),
            } => {
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
            Self::Any(conditions) => conditions
                .iter()
                .map(Self::narrowings)
                .reduce(united)
                .unwrap_or_default(),
            Self::Element { path, condition } => condition
                .narrowings()
                .into_iter()
                .map(|narrowing| within(path, narrowing))
                .collect(),
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
                let by_value = |narrowing: &Narrowing| {
                    narrowing.path.sub_attribute.as_deref() == Some("value")
                };
                self.narrowings()
                    .into_iter()
                    .find(by_value)
                    .map(|narrowing| narrowing.values)
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
