//! Changes to the values of a multi-valued attribute (RFC 7644 §3.5.2).

use serde_json::{Map, Value};

use super::{Elements, Verb, single};
use crate::scim::coerce::{self, Location, is_primary, says};
use crate::scim::filter::{Filter, Literal, Operator, eval};
use crate::scim::schema::{Attribute, Mutability};
use crate::scim::{ScimError, Switches};

/// Sub-attributes that say something about a value and are nothing without it (RFC 7643 §2.4).
const LABELS: [&str; 4] = ["type", "primary", "display", "$ref"];

/// What is left of `held` when `verb` is done to all of `attribute`.
pub fn edit(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    verb: Verb,
    held: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let mut held = into_elements(held);
    let value = value.unwrap_or_default();
    if verb == Verb::Remove && value.is_null() {
        return Ok(None);
    }
    let sent = coerce::elements(switches, attribute, location, value)?;
    match verb {
        Verb::Replace => held = sent,
        Verb::Remove => held.retain(|element| !sent.iter().any(|sent| says(element, sent))),
        Verb::Add => {
            let fresh: Vec<Value> = sent.into_iter().filter(|sent| !coerce::contains(&held, sent)).collect();
            let from = held.len();
            held.extend(fresh);
            one_primary(&mut held, location, |index| index >= from)?;
        }
    }
    finish(held, location)
}

/// The elements an operation is about, or one sub-attribute of theirs.
pub struct Chosen<'a> {
    /// How the profile behaves.
    pub switches: &'a Switches,
    /// Multi-valued.
    pub attribute: &'a Attribute,
    /// The sub-attribute, else the elements as a whole.
    pub sub_attribute: Option<&'a Attribute>,
    /// Which elements; all, if none.
    pub elements: Option<&'a Elements>,
    /// The attribute, for messages.
    pub whole: Location<'a>,
    /// The sub-attribute, for messages.
    pub location: Location<'a>,
}

impl Chosen<'_> {
    /// What is left of `held` when `verb` is done to the elements chosen.
    pub fn edit(&self, verb: Verb, held: Option<Value>, value: Option<Value>) -> Result<Option<Value>, ScimError> {
        let mut held = into_elements(held);
        let chosen: Vec<bool> = held.iter().map(|element| self.chooses(element)).collect();
        let found = chosen.contains(&true);
        if !self.switches.several_targets
            && let Some(elements) = self.elements
            && chosen.iter().filter(|chosen| **chosen).count() > 1
        {
            let (whole, filter) = (self.whole, &elements.filter);
            return Err(ScimError::invalid_filter(format!(
                "several values of `{whole}` fulfil `{filter}`; choose one of them"
            )));
        }
        match self.coerce(verb, value.unwrap_or_default())? {
            None if verb == Verb::Remove && self.elements.is_some() && !found => return Err(self.no_target()),
            None if verb == Verb::Add => {}
            None => self.remove(&mut held, &chosen)?,
            Some(value) if found => {
                self.set(verb, &mut held, &chosen, &value)?;
                one_primary(&mut held, self.whole, |index| chosen.get(index) == Some(&true))?;
            }
            Some(_) if self.elements.is_some() && !self.switches.missing_values_made => return Err(self.no_target()),
            Some(value) => {
                let made = self.make(value)?;
                if !coerce::contains(&held, &made) {
                    let last = held.len();
                    held.push(made);
                    one_primary(&mut held, self.whole, |index| index == last)?;
                }
            }
        }
        finish(held, self.whole)
    }

    fn chooses(&self, element: &Value) -> bool {
        self.elements.is_none_or(|elements| eval(&elements.condition, element))
    }

    /// The value in stored form; none for `remove`, which needs none, and for what means unassigned.
    fn coerce(&self, verb: Verb, value: Value) -> Result<Option<Value>, ScimError> {
        match self.sub_attribute {
            _ if verb == Verb::Remove => Ok(None),
            Some(sub) => coerce::coerce(self.switches, sub, self.location, value),
            None => coerce::single(self.switches, self.attribute, self.whole, value),
        }
    }

    fn remove(&self, held: &mut Vec<Value>, chosen: &[bool]) -> Result<(), ScimError> {
        let mut kept = Vec::with_capacity(held.len());
        for (element, chosen) in held.drain(..).zip(chosen) {
            let element = match self.sub_attribute {
                _ if !chosen => Some(element),
                None => None,
                Some(sub) => {
                    self.check_immutable(sub, &element, None)?;
                    let rest = single::edit_part(self.switches, sub, self.location, Verb::Remove, Some(element), None)?;
                    rest.filter(|rest| LABELS.contains(&sub.name.as_str()) || says_something(rest))
                }
            };
            kept.extend(element);
        }
        *held = kept;
        Ok(())
    }

    fn set(&self, verb: Verb, held: &mut [Value], chosen: &[bool], value: &Value) -> Result<(), ScimError> {
        let several = self.elements.is_none() && held.len() > 1;
        if let Some(sub) = self.sub_attribute.filter(|sub| several && sub.name == "value") {
            let (whole, sub) = (self.whole, &sub.name);
            return Err(ScimError::no_target(format!(
                "`{whole}` has several values; say which one with a filter, such as `{whole}[type eq \"work\"].{sub}`"
            )));
        }
        let chosen_elements = held.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen).map(|(element, _)| element);
        for element in chosen_elements {
            let before = element.take();
            *element = if let Some(sub) = self.sub_attribute {
                let after = single::edit_part(
                    self.switches,
                    sub,
                    self.location,
                    verb,
                    Some(before.clone()),
                    Some(value.clone()),
                )?;
                self.check_immutable(sub, &before, after.as_ref())?;
                self.unpacked(after.unwrap_or_default())?
            } else {
                let base = if verb == Verb::Add { before } else { self.described(before) };
                single::overlay(base, value.clone())
            };
        }
        Ok(())
    }

    /// A `value` may be set to text that is JSON (see [`coerce`]).
    fn unpacked(&self, element: Value) -> Result<Value, ScimError> {
        if self.sub_attribute.is_none_or(|sub| sub.name != "value") {
            return Ok(element);
        }
        Ok(coerce::single(self.switches, self.attribute, self.whole, element)?.unwrap_or_default())
    }

    /// What the filter describes of `element`, as it is written there.
    fn described(&self, mut element: Value) -> Value {
        let terms = self.terms().unwrap_or_default();
        if let Some(object) = element.as_object_mut() {
            object.retain(|name, _| terms.contains_key(name));
        }
        element
    }

    /// The element that the filter describes, with `value` in it.
    fn make(&self, value: Value) -> Result<Value, ScimError> {
        let terms = match self.elements {
            Some(_) => Value::Object(self.terms().ok_or_else(|| self.no_target())?),
            None => Value::Null,
        };
        let made = match self.sub_attribute {
            Some(sub) => {
                let made =
                    single::edit_part(self.switches, sub, self.location, Verb::Replace, Some(terms), Some(value))?;
                self.unpacked(made.unwrap_or_default())?
            }
            None => single::overlay(terms, value),
        };
        if self.chooses(&made) { Ok(made) } else { Err(self.no_target()) }
    }

    fn terms(&self) -> Option<Map<String, Value>> {
        terms(self.switches, self.attribute, self.whole, &self.elements?.filter)
    }

    fn no_target(&self) -> ScimError {
        let filter = self.elements.map(|elements| elements.filter.to_string()).unwrap_or_default();
        ScimError::no_target(format!("no value of `{}` fulfils `{filter}`", self.whole))
    }

    fn check_immutable(&self, sub: &Attribute, before: &Value, after: Option<&Value>) -> Result<(), ScimError> {
        let part = before.get(&sub.name);
        if sub.mutability == Mutability::Immutable
            && part.is_some()
            && part != after.and_then(|after| after.get(&sub.name))
        {
            let (whole, location) = (self.whole, self.location);
            return Err(ScimError::mutability(format!("`{location}` cannot change; replace the value of `{whole}`")));
        }
        Ok(())
    }
}

/// What a filter made of `eq` and `and` alone says of an element; nothing, if it is made of anything else.
pub fn terms(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    filter: &Filter,
) -> Option<Map<String, Value>> {
    match filter {
        Filter::And(filters) => {
            let mut all = Map::new();
            for filter in filters {
                all.extend(terms(switches, attribute, location, filter)?);
            }
            Some(all)
        }
        Filter::Compare { path, operator: Operator::Equal, literal } => {
            let own = path.schema.is_none() && path.sub_attribute.is_none();
            let sub = attribute.sub_attribute(&path.attribute).filter(|sub| own && coerce::is_stored(sub))?;
            let value = match literal {
                Literal::String(text) => Value::from(text.as_str()),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::Boolean(truth) => Value::Bool(*truth),
                Literal::Null => Value::Null,
            };
            let value = coerce::coerce(switches, sub, location.sub(&sub.name), value).ok()?;
            Some(value.map(|value| (sub.name.clone(), value)).into_iter().collect())
        }
        _ => None,
    }
}

/// Setting one value as primary ends it for the others (RFC 7644 §3.5.2); `changed` are the elements just written.
fn one_primary(held: &mut [Value], location: Location<'_>, changed: impl Fn(usize) -> bool) -> Result<(), ScimError> {
    let set = held.iter().enumerate().filter(|(index, element)| changed(*index) && is_primary(element)).count();
    if set > 1 {
        return Err(ScimError::invalid_value(format!("`{location}` may have one primary value; set one")));
    }
    for (index, element) in held.iter_mut().enumerate() {
        if set == 1
            && !changed(index)
            && is_primary(element)
            && let Some(primary) = element.get_mut("primary")
        {
            *primary = Value::Bool(false);
        }
    }
    Ok(())
}

fn says_something(element: &Value) -> bool {
    element.as_object().is_none_or(|object| object.keys().any(|name| !LABELS.contains(&name.as_str())))
}

fn finish(mut held: Vec<Value>, location: Location<'_>) -> Result<Option<Value>, ScimError> {
    held.retain(|element| !element.is_null());
    let held = coerce::collapse(held);
    coerce::check_count(location, held.len())?;
    Ok((!held.is_empty()).then_some(Value::Array(held)))
}

fn into_elements(held: Option<Value>) -> Vec<Value> {
    match held {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    }
}
