//! Whether a resource fulfils a condition: the one meaning of a filter.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::resolve::moment;
use super::{Condition, Relation, Test, Text};
use crate::model::fold;
use crate::scim::path::AttributePath;

/// Whether `value`, a whole resource in canonical spelling (with `id`, `meta` and what else the condition reads) or one
/// element for a condition made by [`super::Filter::resolve_elements`], fulfils `condition`.
///
/// A multi-valued attribute passes when any of its values does (RFC 7644 §3.4.2.2), so `ne`, which is `not eq`, says
/// that none of them equals. A comparison with an attribute that is unassigned or holds a value of another type does
/// not hold, hence `ne` does. Text of an attribute that is not caseExact is compared folded ([`fold`]), moments are
/// compared in time.
pub fn eval(condition: &Condition, value: &Value) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().all(|condition| eval(condition, value)),
        Condition::Any(conditions) => conditions.iter().any(|condition| eval(condition, value)),
        Condition::Not(condition) => !eval(condition, value),
        Condition::Holds { path, test } => any_at(value, path, &|value| passes(test, value)),
        Condition::Element { path, condition } => {
            any_at(value, path, &|element| eval(condition, element))
        }
    }
}

/// Whether any value at `path` passes; null and empty arrays hold none.
fn any_at(value: &Value, path: &AttributePath, test: &dyn Fn(&Value) -> bool) -> bool {
    let owner = match &path.schema {
        Some(schema) => value.get(schema),
        None => Some(value),
    };
    any(
        owner.and_then(|owner| owner.get(&path.attribute)),
        &|value| match &path.sub_attribute {
            Some(sub_attribute) => any(value.get(sub_attribute), test),
            None => test(value),
        },
    )
}

fn any(value: Option<&Value>, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.iter().any(|value| !value.is_null() && test(value)),
        Some(value) => test(value),
    }
}

fn passes(asked: &Test, value: &Value) -> bool {
    match (asked, value) {
        (Test::Present, value) => is_present(value),
        (Test::Text(relation, text), Value::String(value)) => text_passes(*relation, text, value),
        (Test::Boolean(truth), Value::Bool(value)) => truth == value,
        (Test::Number(relation, number), Value::Number(value)) => {
            compare_numbers(value, number).is_some_and(|order| relation.admits(order))
        }
        (Test::Moment(relation, literal), Value::String(value)) => {
            moment(value).is_some_and(|value| relation.admits(value.cmp(literal)))
        }
        _ => false,
    }
}

/// Neither null nor empty nor made of such only (RFC 7643 §2.5, RFC 7644 table 3).
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn text_passes(relation: Relation, text: &Text, value: &str) -> bool {
    let Some(folded) = &text.folded else {
        return relates(relation, value, &text.exact);
    };
    let value = fold(value);
    // Folding drops spaces at the ends of a value; a text that equals it is still part of it.
    relates(relation, &value, folded) || relation.is_part() && value == folded.trim()
}

fn relates(relation: Relation, value: &str, literal: &str) -> bool {
    match relation {
        Relation::Contains => value.contains(literal),
        Relation::StartsWith => value.starts_with(literal),
        Relation::EndsWith => value.ends_with(literal),
        _ => relation.admits(value.cmp(literal)),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
