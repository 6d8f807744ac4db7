//! Changes to an attribute as a whole, and to a sub-attribute of a single complex one.

use serde_json::{Map, Value};

use super::{Verb, values};
use crate::scim::coerce::{self, Location};
use crate::scim::schema::{Attribute, Kind};
use crate::scim::{ScimError, Switches};

/// What is left of `held` when `verb` is done to all of `attribute`. Adding nothing changes nothing, replacing by nothing
/// leaves unassigned; sub-attributes that are not named stay as they are (RFC 7644 §3.5.2.3), unless the profile replaces
/// the whole.
pub fn edit(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    verb: Verb,
    held: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    if attribute.multi_valued {
        return values::edit(switches, attribute, location, verb, held, value);
    }
    if verb == Verb::Remove {
        return Ok(None);
    }
    let value = value.unwrap_or_default();
    let unassigned = |held| if verb == Verb::Add { held } else { None };
    if attribute.kind != Kind::Complex {
        return Ok(coerce::single(switches, attribute, location, value)?.or_else(|| unassigned(held)));
    }
    let Some(said) = coerce::sub_attributes(switches, attribute, location, value)? else { return Ok(unassigned(held)) };
    let keeps = verb == Verb::Add || switches.replace_keeps_the_rest;
    let mut object = into_object(held.filter(|_| keeps));
    let before = object.get("value").cloned();
    let new_reference = said.iter().any(|(sub, _)| sub.name == "$ref");
    for (sub, value) in said {
        if value.is_some() || verb == Verb::Replace {
            set(&mut object, &sub.name, value);
        }
    }
    if !new_reference {
        drop_stale_reference(&mut object, before.as_ref());
    }
    Ok(non_empty(object))
}

/// `base` with what `new` says in addition or instead; both in stored form.
pub fn overlay(base: Value, new: Value) -> Value {
    match (base, new) {
        (Value::Object(mut object), Value::Object(new)) => {
            let before = object.get("value").cloned();
            let new_reference = new.contains_key("$ref");
            object.extend(new);
            if !new_reference {
                drop_stale_reference(&mut object, before.as_ref());
            }
            Value::Object(object)
        }
        (_, new) => new,
    }
}

/// What is left of the complex value `held` when `verb` is done to its sub-attribute `sub`.
pub fn edit_part(
    switches: &Switches,
    sub: &Attribute,
    location: Location<'_>,
    verb: Verb,
    held: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let mut object = into_object(held);
    let before = object.get("value").cloned();
    let part = object.remove(&sub.name);
    if verb == Verb::Remove && sub.required && part.is_some() {
        return Err(ScimError::mutability(format!("`{location}` is required; replace it instead of removing it")));
    }
    let part = edit(switches, sub, location, verb, part, value)?;
    set(&mut object, &sub.name, part);
    if sub.name != "$ref" {
        drop_stale_reference(&mut object, before.as_ref());
    }
    Ok(non_empty(object))
}

/// `$ref` is the URI of what `value` names (RFC 7643 §2.4), so it does not outlive it.
fn drop_stale_reference(object: &mut Map<String, Value>, before: Option<&Value>) {
    if object.get("value") != before {
        object.remove("$ref");
    }
}

fn set(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
}

fn into_object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn non_empty(object: Map<String, Value>) -> Option<Value> {
    (!object.is_empty()).then_some(Value::Object(object))
}
