//! References to resources that the same request creates (RFC 7644 §3.7.2): `bulkId:qwerty` as a value, at the end of
//! a `$ref`, and in quotes within the path of a PATCH operation.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a reference begins with.
const MARK: &str = "bulkId:";

/// A text around its first reference.
struct Mention<'a> {
    before: &'a str,
    name: &'a str,
    after: &'a str,
}

fn mention(text: &str) -> Option<Mention<'_>> {
    let (before, rest) = text.split_once(MARK)?;
    let (name, after) = match before.chars().next_back() {
        None | Some('/') => (rest, ""),
        Some('"') => {
            let (name, _) = rest.split_once('"')?;
            (name, rest.strip_prefix(name)?)
        }
        Some(_) => return None,
    };
    (!name.is_empty()).then_some(Mention { before, name, after })
}

/// Adds the names of everything that `value` refers to.
pub fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let mut next = mention(text);
            while let Some(Mention { name, after, .. }) = next {
                found.insert(name.to_owned());
                next = mention(after);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| names(element, found)),
        Value::Object(members) => members.values().for_each(|member| names(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts identifiers in the place of references.
///
/// # Errors
/// The first name that `id_of` does not know.
pub fn resolve(value: &mut Value, id_of: &impl Fn(&str) -> Option<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if mention(text).is_some() {
                *text = resolve_text(text, id_of)?;
            }
            Ok(())
        }
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| resolve(element, id_of)),
        Value::Object(members) => members.values_mut().try_for_each(|member| resolve(member, id_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// As [`resolve`], in one text.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_text(text: &str, id_of: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(Mention { before, name, after }) = mention(rest) {
        resolved.push_str(before);
        resolved.push_str(&id_of(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

/// Leaves out of the body of a POST what cannot be resolved yet: the values of attributes that hold such a reference,
/// or the attribute if it has one value.
pub fn prune(body: &mut Value, is_known: &impl Fn(&str) -> bool) {
    let Value::Object(attributes) = body else { return };
    attributes.retain(|name, value| match value {
        Value::Array(values) => {
            values.retain(|value| is_resolvable(value, is_known));
            true
        }
        // The attributes of an extension.
        Value::Object(_) if name.contains(':') => {
            prune(value, is_known);
            true
        }
        _ => is_resolvable(value, is_known),
    });
}

fn is_resolvable(value: &Value, is_known: &impl Fn(&str) -> bool) -> bool {
    let mut named = BTreeSet::new();
    names(value, &mut named);
    named.iter().all(|name| is_known(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(name: &str) -> Option<String> {
        ["a", "b"].contains(&name).then(|| format!("id-{name}"))
    }

    // Requirement 60
    #[test]
    fn references_are_found_as_values_in_links_and_in_filters_and_nowhere_else() {
        let mut value = json!({
            "members": [{ "value": "bulkId:a", "$ref": "https://host/scim/v2/Users/bulkId:b" }],
            "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]",
            "displayName": "our bulkId:c club",
            "title": "bulkId:",
        });
        let mut found = BTreeSet::new();
        names(&value, &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        resolve(&mut value, &ids).unwrap();
        let expected = json!({
            "members": [{ "value": "id-a", "$ref": "https://host/scim/v2/Users/id-b" }],
            "path": "members[value eq \"id-a\" or value eq \"id-b\"]",
            "displayName": "our bulkId:c club",
            "title": "bulkId:",
        });
        assert_eq!(value, expected);
        assert_eq!(resolve(&mut json!([{ "value": "bulkId:zz" }]), &ids), Err("zz".to_owned()));
    }

    #[test]
    fn what_cannot_be_resolved_yet_is_left_out_value_by_value() {
        let mut body = json!({
            "displayName": "g",
            "members": [{ "value": "bulkId:a" }, { "value": "bulkId:later" }],
            "urn:x:User": { "manager": { "value": "bulkId:later" }, "department": "d" },
            "owner": "bulkId:later",
        });
        prune(&mut body, &|name| name == "a");
        let expected = json!({
            "displayName": "g", "members": [{ "value": "bulkId:a" }], "urn:x:User": { "department": "d" },
        });
        assert_eq!(body, expected);
    }
}
