//! Values of clients in stored form (RFC 7643 §2.3 to §2.5).
//!
//! Stored form has canonical names, no unassigned values (`null`, `[]` and absence mean the same, RFC 7643 §2.5), nothing
//! that only the server writes and nothing that is never returned. Text comes back exactly as it was sent. Tolerated,
//! because identity providers send it, each where a switch of the profile says so:
//!
//! * a boolean as text in any case (`"False"`);
//! * a complex value as the text of its `value`, as an array of one, or as JSON inside that text;
//! * a multi-valued attribute as one value without the array;
//! * `displayName` where the schema says `display`;
//! * sub-attributes no schema knows, which are dropped.

mod scalar;
mod values;

use std::fmt;

use serde_json::{Map, Value};

use super::path::excerpt;
use super::schema::{Attribute, Kind, Mutability, Returned};
use super::{ScimError, Switches, json};
use crate::model::limits;

pub use values::{collapse, contains, is_primary, says};

/// Where a value stands, for messages: `emails.value`, `urn:…:User:manager`.
#[derive(Debug, Clone, Copy)]
pub struct Location<'a> {
    urn: Option<&'a str>,
    attribute: &'a str,
    sub_attribute: Option<&'a str>,
}

impl<'a> Location<'a> {
    /// An attribute of the extension `urn`, or of the base schema.
    pub const fn new(urn: Option<&'a str>, attribute: &'a str) -> Self {
        Self { urn, attribute, sub_attribute: None }
    }

    /// One of its sub-attributes.
    #[must_use]
    pub const fn sub(self, sub_attribute: &'a str) -> Self {
        Self { sub_attribute: Some(sub_attribute), ..self }
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute)?;
        match self.sub_attribute {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Whether clients write it and the server keeps it.
pub fn is_stored(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::ReadOnly && attribute.returned != Returned::Never
}

/// The whole of `attribute` in stored form; `None` is unassigned.
///
/// # Errors
/// `invalidValue`, naming the attribute and what was expected.
pub fn coerce(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if attribute.multi_valued {
        let elements = elements(switches, attribute, location, value)?;
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    } else {
        single(switches, attribute, location, value)
    }
}

/// The values of a multi-valued attribute in stored form, each once (RFC 7643 §2.4).
///
/// # Errors
/// `invalidValue`, also for too many values and for more than one that is primary.
pub fn elements(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
    let sent = list(switches, location, value)?;
    check_count(location, sent.len())?;
    let mut kept = Vec::with_capacity(sent.len());
    for element in sent {
        if element.is_array() {
            return Err(scalar::expected(location, "a list of values, not of lists", &element));
        }
        kept.extend(single(switches, attribute, location, element)?);
    }
    let kept = collapse(kept);
    if kept.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(ScimError::invalid_value(format!(
            "`{location}` may have one primary value; mark the others as false"
        )));
    }
    Ok(kept)
}

/// The values of a list, which one value may stand for.
///
/// # Errors
/// `invalidValue` where it may not.
pub fn list(switches: &Switches, location: Location<'_>, value: Value) -> Result<Vec<Value>, ScimError> {
    match value {
        Value::Array(sent) => Ok(sent),
        Value::Null => Ok(Vec::new()),
        one if switches.single_values_for_lists => Ok(vec![one]),
        one => Err(scalar::expected(location, "a list", &one)),
    }
}

/// # Errors
/// `invalidValue`, if `count` is more than [`limits::VALUES_PER_ATTRIBUTE`].
pub fn check_count(location: Location<'_>, count: usize) -> Result<(), ScimError> {
    let most = limits::VALUES_PER_ATTRIBUTE;
    if count > most {
        return Err(ScimError::invalid_value(format!("`{location}` may have {most} values at most, not {count}")));
    }
    Ok(())
}

/// One value of `attribute`, whether that is multi-valued or not.
///
/// # Errors
/// As [`coerce`].
pub fn single(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if attribute.kind != Kind::Complex {
        return scalar::scalar(switches, attribute.kind, location, value);
    }
    let mut kept = Map::new();
    for (sub, value) in sub_attributes(switches, attribute, location, value)?.unwrap_or_default() {
        if let Some(value) = value {
            kept.insert(sub.name.clone(), value);
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}

/// Sub-attributes, each with the value it is said to have; `None` is unassigned.
pub type Said<'a> = Vec<(&'a Attribute, Option<Value>)>;

/// What `value` says of the sub-attributes of a complex attribute; nothing where the whole is unassigned.
///
/// # Errors
/// `invalidValue`, also for a sub-attribute that is named twice; `invalidSyntax` for an unknown one that is not ignored.
pub fn sub_attributes<'a>(
    switches: &Switches,
    attribute: &'a Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Option<Said<'a>>, ScimError> {
    let Some(object) = object(switches, attribute, location, value)? else { return Ok(None) };
    let mut said: Said<'a> = Vec::with_capacity(object.len());
    for (name, value) in object {
        let Some(sub) = sub_attribute(switches, attribute, &name) else {
            if switches.unknown_attributes_ignored {
                continue;
            }
            return Err(unknown(&location.sub(&name).to_string()));
        };
        if !is_stored(sub) {
            continue;
        }
        let value = coerce(switches, sub, location.sub(&sub.name), value)?;
        match said.iter_mut().find(|(known, _)| known.name == sub.name) {
            None => said.push((sub, value)),
            // `display` beside `displayName`, or one of two spellings empty: what is assigned counts.
            Some((_, known)) if known.is_none() => *known = value,
            Some((_, known)) if value.is_none() || *known == value => {}
            Some(_) => {
                let location = location.sub(&sub.name);
                return Err(ScimError::invalid_value(format!("`{location}` is given twice; give it once")));
            }
        }
    }
    Ok(Some(said))
}

/// The sub-attribute a client means: Entra writes `displayName` for `display`.
fn sub_attribute<'a>(switches: &Switches, attribute: &'a Attribute, name: &str) -> Option<&'a Attribute> {
    let known = attribute.sub_attribute(name);
    if known.is_none() && switches.display_called_display_name && name.eq_ignore_ascii_case("displayName") {
        return attribute.sub_attribute("display");
    }
    known
}

/// The object a complex value stands for, `None` if it is unassigned.
fn object(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Option<Map<String, Value>>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(unpack(switches, attribute, object))),
        Value::Array(array) if array.is_empty() => Ok(None),
        Value::Array(mut array) if switches.lists_for_objects && array.len() < 2 => match array.pop() {
            None => Ok(None),
            Some(nested @ Value::Array(_)) => Err(scalar::expected(location, "an object", &nested)),
            Some(only) => object(switches, attribute, location, only),
        },
        Value::String(text) if switches.text_for_objects && attribute.sub_attribute("value").is_some() => {
            if text.is_empty() {
                return Ok(None);
            }
            let mut object = Map::new();
            object.insert("value".to_owned(), Value::String(text));
            Ok(Some(unpack(switches, attribute, object)))
        }
        other => Err(scalar::expected(location, "an object", &other)),
    }
}

/// Entra sends a role as JSON inside the text of `value`: `{"id": …, "value": …, "displayName": …}`. Anything that is
/// not an object of known sub-attributes with a `value` of its own is text and stays it.
fn unpack(switches: &Switches, attribute: &Attribute, mut outer: Map<String, Value>) -> Map<String, Value> {
    if !switches.objects_packed_in_text {
        return outer;
    }
    let packed = |(name, value): (&String, &Value)| {
        let text = value.as_str().filter(|text| name.eq_ignore_ascii_case("value") && text.starts_with('{'))?;
        attribute.sub_attribute(name).filter(|sub| sub.kind == Kind::String)?;
        let Ok(Value::Object(mut inner)) = json::parse(text.as_bytes()) else { return None };
        inner.retain(|name, _| !name.eq_ignore_ascii_case("id"));
        let known = inner.keys().all(|name| sub_attribute(switches, attribute, name).is_some());
        (known && inner.keys().any(|name| name.eq_ignore_ascii_case("value"))).then_some(inner)
    };
    let Some(inner) = outer.iter().find_map(packed).filter(|_| attribute.multi_valued) else { return outer };
    outer.retain(|name, _| {
        let outer = sub_attribute(switches, attribute, name).map(|sub| &sub.name);
        !inner.keys().any(|name| sub_attribute(switches, attribute, name).map(|sub| &sub.name) == outer)
    });
    outer.extend(inner);
    outer
}

/// The refusal of an attribute that no schema has.
pub fn unknown(name: &str) -> ScimError {
    let name = excerpt(name);
    ScimError::invalid_syntax(format!("`{name}` is defined by no schema here; leave it out, or see /Schemas"))
}

#[cfg(test)]
mod tests;
