//! A resource while a request changes it: what `add`, `remove` and `replace` of RFC 7644 §3.5.2 mean, attribute by
//! attribute. Creating and replacing a resource are the same work on an empty draft.
//!
//! What the RFC leaves open, or identity providers need otherwise, is decided so, where the switches of the profile do not
//! say otherwise:
//!
//! * `add` or `replace` with a value filter that no element fulfils makes the element, where the filter is made of `eq`
//!   alone (`emails[type eq "work"].value`); else, and always for `remove`, it is `noTarget`.
//! * `replace` of the elements a filter selects keeps what the filter says of them, where the new value is silent.
//! * `remove` of a multi-valued attribute with a value removes those values only; of what is absent it changes nothing.
//! * an element loses its labels (`type`, `primary`, …) with the last of what they were about.
//! * a new `value` without a new `$ref` drops the old `$ref`.
//! * an attribute of one extension is found without its URN (`manager`); with it, it counts more.

mod assignment;
mod check;
mod rows;
mod selection;
mod single;
mod values;

use serde_json::{Map, Value};

use super::coerce::{self, Location};
use super::path::Target;
use super::schema::{Extension, Mutability, ResourceType};
use super::{ScimError, Switches};
use crate::model::limits;

pub use check::{immutable, keep_immutable, missing};
pub use rows::{Row, RowsChange};
pub use selection::{Elements, Selection};

/// What an operation does (RFC 7644 §3.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Adds values, sets single ones.
    Add,
    /// Leaves unassigned.
    Remove,
    /// Sets, whatever was there.
    Replace,
}

/// A copy of a resource's document, and the changes to its rows, in order.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    switches: &'a Switches,
    resource_type: &'a ResourceType,
    document: Map<String, Value>,
    rows: Vec<RowsChange>,
    row_count: usize,
    values_looked_at: usize,
}

impl<'a> Draft<'a> {
    /// Starts from `document`.
    pub fn new(switches: &'a Switches, resource_type: &'a ResourceType, document: Map<String, Value>) -> Self {
        Self { switches, resource_type, document, rows: Vec::new(), row_count: 0, values_looked_at: 0 }
    }

    /// Carries out one operation; after an error the draft is of no use.
    ///
    /// # Errors
    /// `mutability`, `noTarget` or `invalidValue`; 413 for too many members.
    pub fn apply(&mut self, verb: Verb, selection: &Selection<'a>, value: Option<Value>) -> Result<(), ScimError> {
        match selection {
            Selection::Attribute(target, elements) => self.change(verb, target, elements.as_deref(), value),
            Selection::Resource if verb == Verb::Remove => {
                Err(ScimError::no_target("`remove` needs the path of an attribute; to delete the resource use DELETE"))
            }
            Selection::Resource => match value {
                Some(Value::Object(object)) => self.assign_value(verb, object),
                _ => Err(ScimError::invalid_value("without a path, `value` must be an object of attributes")),
            },
            Selection::Extension(extension) => self.change_extension(verb, extension, value),
        }
    }

    /// Sets every attribute that `body` has. What only the server writes is ignored: clients send back what they were
    /// given (RFC 7644 §3.3, §3.5.1).
    ///
    /// # Errors
    /// As [`Draft::apply`]; `invalidSyntax` for a name no schema has, where such are not ignored.
    pub fn assign(&mut self, body: Map<String, Value>) -> Result<(), ScimError> {
        self.assign_as(Verb::Replace, body, true)
    }

    /// Carries out `verb` for every attribute of the value of an operation.
    fn assign_value(&mut self, verb: Verb, value: Map<String, Value>) -> Result<(), ScimError> {
        self.assign_as(verb, value, self.switches.read_only_values_ignored)
    }

    fn assign_as(&mut self, verb: Verb, object: Map<String, Value>, read_only_ignored: bool) -> Result<(), ScimError> {
        for assignment in assignment::assignments(self.switches, self.resource_type, object, read_only_ignored)? {
            self.apply(verb, &assignment.selection, Some(assignment.value))?;
        }
        Ok(())
    }

    /// The document with its `schemas` (RFC 7643 §3: an extension is listed while it is in use), and the rows' changes.
    pub fn finish(mut self) -> (Map<String, Value>, Vec<RowsChange>) {
        let used = |extension: &&Extension| self.document.contains_key(&extension.schema.id);
        let extensions = self.resource_type.extensions.iter().filter(used).map(|extension| &extension.schema);
        let schemas = std::iter::once(&self.resource_type.schema).chain(extensions);
        let schemas = schemas.map(|schema| Value::from(schema.id.as_str())).collect();
        self.document.insert("schemas".to_owned(), Value::Array(schemas));
        self.rows.iter_mut().for_each(RowsChange::collapse);
        (self.document, self.rows)
    }

    fn change_extension(&mut self, verb: Verb, extension: &Extension, value: Option<Value>) -> Result<(), ScimError> {
        let urn = &extension.schema.id;
        match (verb, value) {
            (Verb::Remove, _) if extension.required => Err(ScimError::mutability(format!("`{urn}` is required"))),
            (Verb::Remove, _) | (Verb::Replace, Some(Value::Null)) => {
                self.document.remove(urn);
                Ok(())
            }
            (Verb::Add, Some(Value::Null)) => Ok(()),
            (_, value) => self.assign_value(verb, Map::from_iter([(urn.clone(), value.unwrap_or_default())])),
        }
    }

    fn change(
        &mut self,
        verb: Verb,
        target: &Target<'a>,
        elements: Option<&Elements>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let Target { extension, attribute, sub_attribute } = *target;
        let whole = Location::new(extension.map(|extension| extension.schema.id.as_str()), &attribute.name);
        let location = sub_attribute.map_or(whole, |sub| whole.sub(&sub.name));
        let innermost = sub_attribute.unwrap_or(attribute);
        if attribute.mutability == Mutability::ReadOnly || innermost.mutability == Mutability::ReadOnly {
            return Err(ScimError::mutability(format!("`{location}` is set by the server only; leave it out")));
        }
        if extension.is_none() && self.resource_type.rows_attribute.as_ref() == Some(&attribute.name) {
            return self.change_rows(verb, target, location, elements, value);
        }
        if extension.is_none() && attribute.name == "schemas" && verb != Verb::Remove {
            // Follows from what the resource has.
            return Ok(());
        }
        if !coerce::is_stored(attribute) || !coerce::is_stored(innermost) {
            if verb != Verb::Remove {
                coerce::coerce(self.switches, innermost, location, value.unwrap_or_default())?;
            }
            return Ok(());
        }
        if elements.is_some() && sub_attribute.is_none() && !self.switches.whole_values_as_targets {
            return Err(ScimError::invalid_path(format!(
                "a filter on `{whole}` must be followed by a sub-attribute, as in `{whole}[type eq \"work\"].value`"
            )));
        }
        let switches = self.switches;
        let held = self.take(extension, &attribute.name);
        self.look_at(held.as_ref(), elements, value.as_ref())?;
        let was_assigned = held.is_some();
        let left = match sub_attribute {
            None if elements.is_none() => single::edit(switches, attribute, whole, verb, held, value)?,
            _ if attribute.multi_valued => {
                values::Chosen { switches, attribute, sub_attribute, elements, whole, location }
                    .edit(verb, held, value)?
            }
            Some(sub) => single::edit_part(switches, sub, location, verb, held, value)?,
            None => return Err(ScimError::invalid_path(format!("`{whole}` has one value; leave the filter out"))),
        };
        if verb == Verb::Remove && attribute.required && was_assigned && left.is_none() {
            return Err(ScimError::mutability(format!("`{whole}` is required; replace it instead of removing it")));
        }
        self.put(extension, &attribute.name, left);
        Ok(())
    }

    fn change_rows(
        &mut self,
        verb: Verb,
        target: &Target<'a>,
        location: Location<'_>,
        elements: Option<&Elements>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if target.sub_attribute.is_some() {
            let name = &target.attribute.name;
            return Err(ScimError::mutability(format!("`{location}` cannot change; add or remove whole `{name}`")));
        }
        for change in rows::changes(self.switches, target.attribute, location, verb, elements, value)? {
            self.row_count += change.len();
            if self.row_count > limits::MEMBERS_PER_REQUEST {
                let most = limits::MEMBERS_PER_REQUEST;
                return Err(ScimError::TooLarge(format!(
                    "one request may name {most} `{location}` at most; send the rest in another"
                )));
            }
            let apart = match self.rows.last_mut() {
                Some(last) => last.join(change),
                None => Some(change),
            };
            self.rows.extend(apart);
        }
        Ok(())
    }

    /// Bounds the work of one request: each value held is compared with each sent, or with each term of the filter.
    fn look_at(
        &mut self,
        held: Option<&Value>,
        elements: Option<&Elements>,
        sent: Option<&Value>,
    ) -> Result<(), ScimError> {
        let count = |value: Option<&Value>| value.and_then(Value::as_array).map_or(1, Vec::len);
        self.values_looked_at += 1 + count(held) * elements.map_or_else(|| count(sent), Elements::terms);
        if self.values_looked_at > limits::VALUES_LOOKED_AT {
            return Err(ScimError::TooLarge(
                "the operations look at too many values; send them in several requests".into(),
            ));
        }
        Ok(())
    }

    fn take(&mut self, extension: Option<&Extension>, name: &str) -> Option<Value> {
        match extension {
            None => self.document.remove(name),
            Some(extension) => self.document.get_mut(&extension.schema.id)?.as_object_mut()?.remove(name),
        }
    }

    /// Leaves no empty extension behind.
    fn put(&mut self, extension: Option<&Extension>, name: &str, value: Option<Value>) {
        let Some(extension) = extension else {
            self.document.extend(value.map(|value| (name.to_owned(), value)));
            return;
        };
        let urn = &extension.schema.id;
        match (self.document.get_mut(urn), value) {
            (Some(Value::Object(object)), Some(value)) => {
                object.insert(name.to_owned(), value);
            }
            (Some(Value::Object(object)), None) if !object.is_empty() => {}
            (_, Some(value)) => {
                self.document.insert(urn.clone(), Value::Object(Map::from_iter([(name.to_owned(), value)])));
            }
            (_, None) => {
                self.document.remove(urn);
            }
        }
    }
}
