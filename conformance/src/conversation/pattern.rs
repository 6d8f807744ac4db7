//! Patterns of answers: what a body must hold, so that it can be read.
//!
//! | pattern | holds of |
//! |---|---|
//! | `{"a": P}` | an object whose `a` is as `P` says, whatever else it has |
//! | `[P, Q]` | a list of two, in this order |
//! | `"<any>"` | anything but null and absence |
//! | `"<text>"`, `"<number>"`, `"<boolean>"` | a value of this type; a text must not be empty |
//! | `"<unassigned>"` | null, absence, the empty list |
//! | `{"<has>": [P, …]}` | a list with an item for every pattern |
//! | `{"<lacks>": [P, …]}` | a list without any such item, or no list |
//! | `{"<exactly>": [P, …]}` | a list of as many items, in any order, one for every pattern |
//! | `{"<length>": 3}` | a list of three; 0 holds of absence too |
//! | `{"<one of>": [P, …]}` | what one of the patterns holds of |
//! | `{"<contains>": "x"}` | a text with this part, without regard to case |
//! | `{"<not>": P}` | what the pattern does not hold of |
//! | anything else | the same value |

use serde_json::{Map, Value};

/// Why a value is not as the pattern says, and where; `None` if it is.
pub fn mismatch(pattern: &Value, value: &Value) -> Option<String> {
    differs(pattern, value, "")
}

fn differs(pattern: &Value, value: &Value, place: &str) -> Option<String> {
    let holds = match pattern {
        Value::String(text) => match text.as_str() {
            "<any>" => !value.is_null(),
            "<text>" => value.as_str().is_some_and(|text| !text.is_empty()),
            "<number>" => value.is_number(),
            "<boolean>" => value.is_boolean(),
            "<unassigned>" => is_unassigned(value),
            _ => pattern == value,
        },
        Value::Object(members) => match operator(members) {
            Some((name, argument)) => return operated(name, argument, value, place),
            None => return object_differs(members, value, place),
        },
        Value::Array(patterns) => return list_differs(patterns, value, place),
        _ => pattern == value,
    };
    (!holds).then(|| unlike(pattern, value, place))
}

fn is_unassigned(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn unlike(pattern: &Value, value: &Value, place: &str) -> String {
    let place = if place.is_empty() { "/" } else { place };
    format!("`{place}`: expected {}, found {}", excerpt(pattern), excerpt(value))
}

fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 300 { text.chars().take(300).collect::<String>() + "…" } else { text }
}

/// The one member of an object that is an operator.
fn operator(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter().next()?;
    (members.len() == 1 && name.starts_with('<')).then_some((name.as_str(), argument))
}

fn object_differs(members: &Map<String, Value>, value: &Value, place: &str) -> Option<String> {
    if !value.is_object() {
        return Some(unlike(&Value::Object(members.clone()), value, place));
    }
    members.iter().find_map(|(name, pattern)| differs(pattern, &value[name.as_str()], &format!("{place}/{name}")))
}

fn list_differs(patterns: &[Value], value: &Value, place: &str) -> Option<String> {
    match value.as_array() {
        Some(values) if values.len() == patterns.len() => {
            let mut pairs = patterns.iter().zip(values).enumerate();
            pairs.find_map(|(at, (pattern, value))| differs(pattern, value, &format!("{place}/{at}")))
        }
        _ => Some(unlike(&Value::Array(patterns.to_vec()), value, place)),
    }
}

fn operated(name: &str, argument: &Value, value: &Value, place: &str) -> Option<String> {
    let patterns = argument.as_array().map_or(&[][..], Vec::as_slice);
    let values = value.as_array().map_or(&[][..], Vec::as_slice);
    let matches = |pattern: &Value, value: &Value| differs(pattern, value, "").is_none();
    let has = |pattern: &Value| values.iter().any(|value| matches(pattern, value));
    let holds = match name {
        "<has>" => patterns.iter().all(has),
        "<lacks>" => !patterns.iter().any(has),
        "<exactly>" => {
            values.len() == patterns.len() && patterns.iter().all(has) && (value.is_array() || patterns.is_empty())
        }
        "<length>" => argument.as_u64() == u64::try_from(values.len()).ok() && (value.is_array() || value.is_null()),
        "<one of>" => patterns.iter().any(|pattern| matches(pattern, value)),
        "<contains>" => {
            let part = argument.as_str().unwrap_or_default().to_lowercase();
            value.as_str().is_some_and(|text| text.to_lowercase().contains(&part))
        }
        "<not>" => !matches(argument, value),
        _ => return Some(format!("`{name}` is no pattern")),
    };
    (!holds).then(|| unlike(&serde_json::json!({ name: argument }), value, place))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn assert_holds(pattern: Value, of: &[Value], not_of: &[Value]) {
        for value in of {
            assert_eq!(mismatch(&pattern, value), None);
        }
        for value in not_of {
            assert!(mismatch(&pattern, value).is_some(), "{pattern} holds of {value}");
        }
    }

    #[test]
    fn an_object_may_have_more_members_than_its_pattern() {
        assert_holds(
            json!({ "a": { "b": 1 } }),
            &[json!({ "a": { "b": 1, "c": 2 }, "d": 3 })],
            &[json!({ "a": { "b": 2 } }), json!({}), json!([]), json!(1)],
        );
    }

    #[test]
    fn a_list_has_as_many_items_in_the_same_order() {
        assert_holds(
            json!([1, "<any>"]),
            &[json!([1, 2])],
            &[json!([2, 1]), json!([1]), json!([1, 2, 3]), json!([1, null]), json!(null)],
        );
    }

    #[test]
    fn scalars_are_the_same_value_of_the_same_type() {
        assert_holds(json!(1), &[json!(1)], &[json!("1"), json!(2), json!(null)]);
        assert_holds(json!(null), &[json!(null)], &[json!([])]);
        assert_holds(json!("a"), &[json!("a")], &[json!("A")]);
    }

    #[test]
    fn any_is_anything_there_is() {
        assert_holds(json!("<any>"), &[json!(0), json!(""), json!([])], &[json!(null)]);
    }

    #[test]
    fn types_are_told_apart() {
        assert_holds(json!("<text>"), &[json!("a")], &[json!(""), json!(1)]);
        assert_holds(json!("<number>"), &[json!(1)], &[json!("1")]);
        assert_holds(json!("<boolean>"), &[json!(false)], &[json!("False"), json!(0)]);
    }

    #[test]
    fn unassigned_is_null_absent_or_an_empty_list() {
        assert_holds(
            json!({ "a": "<unassigned>" }),
            &[json!({}), json!({ "a": null }), json!({ "a": [] })],
            &[json!({ "a": "" }), json!({ "a": {} }), json!({ "a": [1] })],
        );
    }

    #[test]
    fn has_needs_an_item_for_every_pattern() {
        assert_holds(
            json!({ "<has>": [{ "v": 1 }, { "v": 2 }] }),
            &[json!([{ "v": 3 }, { "v": 2 }, { "v": 1 }])],
            &[json!([{ "v": 1 }]), json!(null)],
        );
    }

    #[test]
    fn lacks_needs_that_no_item_is_such() {
        assert_holds(
            json!({ "<lacks>": [{ "v": 1 }] }),
            &[json!([{ "v": 2 }]), json!([]), json!(null)],
            &[json!([{ "v": 2 }, { "v": 1 }])],
        );
    }

    #[test]
    fn exactly_is_in_any_order_and_no_more() {
        assert_holds(json!({ "<exactly>": [1, 2] }), &[json!([2, 1])], &[json!([1]), json!([1, 2, 3]), json!(null)]);
        assert_holds(json!({ "<exactly>": [] }), &[json!([]), json!(null)], &[json!([1])]);
    }

    #[test]
    fn length_counts_items() {
        assert_holds(json!({ "<length>": 2 }), &[json!([1, 2])], &[json!([1]), json!(null), json!("ab")]);
        assert_holds(json!({ "<length>": 0 }), &[json!([]), json!(null)], &[json!([1]), json!("")]);
    }

    #[test]
    fn one_of_needs_one_and_not_needs_none() {
        assert_holds(json!({ "<one of>": ["a", "<number>"] }), &[json!("a"), json!(7)], &[json!("b"), json!(null)]);
        assert_holds(json!({ "<not>": "a" }), &[json!("b"), json!(null)], &[json!("a")]);
    }

    #[test]
    fn contains_looks_for_a_part_in_any_letter_case() {
        assert_holds(
            json!({ "<contains>": "SCIM+json" }),
            &[json!("application/scim+json; x")],
            &[json!("json"), json!(1)],
        );
    }

    #[test]
    fn a_mismatch_names_the_place_and_both_values() {
        let found = mismatch(&json!({ "a": [{ "b": 1 }] }), &json!({ "a": [{ "b": 2 }] }));
        assert_eq!(found.as_deref(), Some("`/a/0/b`: expected 1, found 2"));
        assert_eq!(mismatch(&json!({ "<hsa>": [] }), &json!([])).as_deref(), Some("`<hsa>` is no pattern"));
    }
}
