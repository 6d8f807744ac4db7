//! Variables in requests and patterns, and the makers of long bodies.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What has been kept so far, by name.
pub type Variables = BTreeMap<String, Value>;

/// A text with its variables filled in.
///
/// # Errors
/// A sentence, if a variable has no value.
pub fn fill_text(text: &str, variables: &Variables) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        match look_up(name, variables)? {
            Value::String(text) => filled.push_str(text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn look_up<'a>(name: &str, variables: &'a Variables) -> Result<&'a Value, String> {
    // `person.2` is the second of a list.
    let found = variables.get(name).or_else(|| {
        let (list, number) = name.rsplit_once('.')?;
        variables.get(list)?.get(number.parse::<usize>().ok()?.checked_sub(1)?)
    });
    found.ok_or_else(|| format!("`${{{name}}}` has no value"))
}

/// A value with its variables filled in and its makers carried out:
/// `{"<each>": "person", "make": …}` is a list with one item for every one of `person`;
/// `{"<merge>": […]}` is the objects in it made one, the later ones winning.
///
/// # Errors
/// A sentence, if a variable has no value or a maker is none.
pub fn fill(value: &Value, variables: &Variables) -> Result<Value, String> {
    match value {
        Value::String(text) => {
            let whole =
                text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('}'));
            whole
                .map_or_else(|| fill_text(text, variables).map(Value::String), |name| look_up(name, variables).cloned())
        }
        Value::Array(values) => values.iter().map(|value| fill(value, variables)).collect(),
        Value::Object(members) => fill_object(members, variables),
        other => Ok(other.clone()),
    }
}

fn fill_object(members: &Map<String, Value>, variables: &Variables) -> Result<Value, String> {
    if let Some(list) = members.get("<each>") {
        let name = list.as_str().ok_or("`<each>` is the name of a list")?;
        let items = look_up(name, variables)?.as_array().ok_or_else(|| format!("`{name}` is no list"))?;
        let make = members.get("make").ok_or("`<each>` needs `make`")?;
        let mut variables = variables.clone();
        let made = items.clone().into_iter().map(|item| {
            variables.insert(name.to_owned(), item);
            fill(make, &variables)
        });
        return made.collect();
    }
    if let Some(parts) = members.get("<merge>") {
        let mut merged = json!({});
        for part in parts.as_array().into_iter().flatten() {
            merge(&mut merged, fill(part, variables)?);
        }
        return Ok(merged);
    }
    let filled = members.iter().map(|(name, value)| Ok((fill_text(name, variables)?, fill(value, variables)?)));
    filled.collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

/// Objects are made one, anything else is replaced.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let pairs =
            [("run", json!("ab12")), ("person", json!(["1", "2"])), ("user", json!({ "id": "7", "name": { "a": 1 } }))];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn filled(value: Value) -> Value {
        fill(&value, &variables()).unwrap()
    }

    #[test]
    fn variables_stand_in_texts_names_and_alone() {
        assert_eq!(filled(json!({ "x-${run}": "a${run}b ${person.2}" })), json!({ "x-ab12": "aab12b 2" }));
        assert_eq!(filled(json!(["${user}", "${person}"])), json!([{ "id": "7", "name": { "a": 1 } }, ["1", "2"]]));
        assert_eq!(filled(json!("${run")), json!("${run"));
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        for text in ["${nobody}", "a ${person.3}", "${person.0}"] {
            assert!(fill(&json!(text), &variables()).unwrap_err().contains("has no value"), "{text}");
        }
    }

    #[test]
    fn lists_are_made_item_by_item() {
        let maker = json!({ "<each>": "person", "make": { "op": "add", "value": "${person}" } });
        assert_eq!(filled(maker), json!([{ "op": "add", "value": "1" }, { "op": "add", "value": "2" }]));
        assert!(fill(&json!({ "<each>": "run", "make": 1 }), &variables()).is_err());
    }

    #[test]
    fn objects_are_made_one_the_later_winning() {
        let maker = json!({ "<merge>": ["${user}", { "name": { "b": 2 }, "id": "8" }] });
        assert_eq!(filled(maker), json!({ "id": "8", "name": { "a": 1, "b": 2 } }));
    }
}
