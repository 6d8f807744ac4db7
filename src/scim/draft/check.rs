//! What must hold of a document as a whole (RFC 7643 §7: `required`, `mutability` immutable).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::scim::ScimError;
use crate::scim::coerce::{Location, is_stored};
use crate::scim::schema::{Attribute, Mutability, ResourceType};

/// What `document` lacks although it is required: attributes, sub-attributes of what it has, extensions.
pub fn missing(resource_type: &ResourceType, document: &Map<String, Value>) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for attribute in resource_type.attributes().filter(|attribute| demands(attribute) && attribute.name != "schemas") {
        if resource_type.rows_attribute.as_ref() != Some(&attribute.name) {
            look(attribute, Location::new(None, &attribute.name), document.get(&attribute.name), &mut missing);
        }
    }
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        match document.get(urn) {
            Some(object) => {
                for attribute in extension.schema.attributes.iter().filter(|attribute| demands(attribute)) {
                    let location = Location::new(Some(urn), &attribute.name);
                    look(attribute, location, object.get(&attribute.name), &mut missing);
                }
            }
            None if extension.required => {
                missing.insert(urn.clone());
            }
            None => {}
        }
    }
    missing
}

/// Whether there is anything to miss.
fn demands(attribute: &Attribute) -> bool {
    attribute.required || attribute.sub_attributes.iter().any(|sub| sub.required)
}

fn look(attribute: &Attribute, location: Location<'_>, value: Option<&Value>, missing: &mut BTreeSet<String>) {
    if attribute.required && is_stored(attribute) && value.is_none_or(is_blank) {
        missing.insert(location.to_string());
    }
    let elements = match value {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.required && is_stored(sub)) {
        if elements.iter().any(|element| element.get(&sub.name).is_none_or(is_blank)) {
            missing.insert(location.sub(&sub.name).to_string());
        }
    }
}

/// A required text that is empty is as good as none.
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// # Errors
/// `mutability` for an immutable attribute that had a value before and has another now, or none (RFC 7643 §7). The
/// values of a multi-valued attribute come and go as wholes.
pub fn immutable(
    resource_type: &ResourceType,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<(), ScimError> {
    for Fixed { keys, location } in fixed(resource_type) {
        let held = get(before, &keys);
        if held.is_some() && held != get(after, &keys) {
            return Err(ScimError::mutability(format!("`{location}` is set once and cannot change; leave it out")));
        }
    }
    Ok(())
}

/// Copies into `after` the immutable attributes of `before` that it does not mention (RFC 7644 §3.5.1).
pub fn keep_immutable(resource_type: &ResourceType, before: &Map<String, Value>, after: &mut Map<String, Value>) {
    for Fixed { keys, .. } in fixed(resource_type) {
        if let Some(value) = get(before, &keys)
            && get(after, &keys).is_none()
        {
            put(after, &keys, value.clone());
        }
    }
}

/// An immutable attribute, or an immutable sub-attribute of a single complex one.
struct Fixed<'a> {
    keys: Vec<&'a str>,
    location: Location<'a>,
}

fn fixed(resource_type: &ResourceType) -> Vec<Fixed<'_>> {
    let base = resource_type.attributes().map(|attribute| (None, attribute));
    let extensions = resource_type.extensions.iter().flat_map(|extension| {
        extension.schema.attributes.iter().map(|attribute| (Some(extension.schema.id.as_str()), attribute))
    });
    let mut all = Vec::new();
    for (urn, attribute) in base.chain(extensions) {
        let location = Location::new(urn, &attribute.name);
        let keys: Vec<&str> = urn.into_iter().chain([attribute.name.as_str()]).collect();
        let is_fixed = |attribute: &Attribute| attribute.mutability == Mutability::Immutable && is_stored(attribute);
        if !attribute.multi_valued && is_stored(attribute) {
            for sub in attribute.sub_attributes.iter().filter(|sub| is_fixed(sub)) {
                let keys = keys.iter().copied().chain([sub.name.as_str()]).collect();
                all.push(Fixed { keys, location: location.sub(&sub.name) });
            }
        }
        if is_fixed(attribute) {
            all.push(Fixed { keys, location });
        }
    }
    all
}

fn get<'a>(document: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(document.get(*first)?, |value, key| value.get(key))
}

fn put(document: &mut Map<String, Value>, keys: &[&str], value: Value) {
    match keys {
        [] => {}
        [key] => {
            document.insert((*key).to_owned(), value);
        }
        [key, rest @ ..] => {
            let inner = document.entry(*key).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}
