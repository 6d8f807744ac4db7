//! The values of a multi-valued attribute among themselves (RFC 7643 §2.4).

use std::collections::HashMap;

use serde_json::Value;

/// Each value once: two of the same `type` and `value` are one, which has the sub-attributes of both, the later's where
/// they differ.
pub fn collapse(elements: Vec<Value>) -> Vec<Value> {
    /// So few are compared pair by pair, which is faster.
    const FEW: usize = 8;
    let is_different = |(index, element): (usize, &Value)| {
        !elements.iter().take(index).any(|earlier| identity(earlier) == identity(element))
    };
    if elements.len() <= FEW && elements.iter().enumerate().all(is_different) {
        return elements;
    }
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    let mut seen: HashMap<(Value, Value), usize> = HashMap::with_capacity(elements.len());
    for element in elements {
        let (kind, value) = identity(&element);
        let identity = (kind.clone(), value.clone());
        let known = seen.get(&identity).and_then(|index| kept.get_mut(*index));
        match (known, element) {
            (Some(Value::Object(known)), Value::Object(later)) => known.extend(later),
            (Some(_), _) => {}
            (None, element) => {
                seen.insert(identity, kept.len());
                kept.push(element);
            }
        }
    }
    kept
}

/// What tells two values apart: `type` and `value`; the whole where there is no `value`.
fn identity(element: &Value) -> (&Value, &Value) {
    match element.get("value") {
        Some(value) => (element.get("type").unwrap_or(&Value::Null), value),
        None => (&Value::Null, element),
    }
}

/// Whether one of `elements` already says everything that `sent` says (RFC 7644 §3.5.2.1).
pub fn contains(elements: &[Value], sent: &Value) -> bool {
    elements.iter().any(|element| says(element, sent))
}

/// Whether `element` has every sub-attribute of `sent`, with the same values.
pub fn says(element: &Value, sent: &Value) -> bool {
    match (element, sent) {
        (Value::Object(element), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| element.get(name) == Some(value))
        }
        _ => element == sent,
    }
}

/// Whether this is the primary value.
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
