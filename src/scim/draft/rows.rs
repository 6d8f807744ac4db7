//! Changes to the attribute that is kept as rows, the members of a group: never the list, only what changes of it, so
//! that two requests at once lose nothing (RFC 7644 §3.5.2).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Elements, Verb, values};
use crate::scim::coerce::{self, Location};
use crate::scim::filter::{Condition, Filter, Literal, Operator};
use crate::scim::schema::Attribute;
use crate::scim::{ScimError, Switches};

/// One value of the attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// The id it names (`members.value`).
    pub value: String,
    /// What that is, where the client says so: `User` or `Group` (`members.type`).
    pub kind: Option<String>,
}

/// One change to the rows. Adding what is there and removing what is not are no errors and no changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowsChange {
    /// These too.
    Add(Vec<Row>),
    /// These and no others.
    Replace(Vec<Row>),
    /// Without these, by value.
    Remove(Vec<String>),
    /// Without those that fulfil the condition, which is evaluated on one member (`{"value": …, "type": …}`).
    RemoveWhere(Condition),
    /// None.
    Clear,
}

impl RowsChange {
    /// How many rows it names.
    pub fn len(&self) -> usize {
        match self {
            Self::Add(rows) | Self::Replace(rows) => rows.len(),
            Self::Remove(values) => values.len(),
            Self::RemoveWhere(_) | Self::Clear => 0,
        }
    }

    /// Whether it names no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes `next` up if the two are one change; else gives it back.
    pub(super) fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Add(rows), Self::Add(more)) => rows.extend(more),
            (Self::Remove(values), Self::Remove(more)) => values.extend(more),
            (_, next) => return Some(next),
        }
        None
    }

    /// Names each row once.
    pub(super) fn collapse(&mut self) {
        match self {
            Self::Add(rows) | Self::Replace(rows) => *rows = unique(std::mem::take(rows)),
            Self::Remove(values) => {
                let mut seen = HashSet::with_capacity(values.len());
                values.retain(|value| seen.insert(value.clone()));
            }
            Self::RemoveWhere(_) | Self::Clear => {}
        }
    }
}

/// What `verb` means for the rows. The value names members as `[{"value": …}]`, as one object or as an id alone;
/// sub-attributes other than `value` and `type` are the server's business.
pub fn changes(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    verb: Verb,
    elements: Option<&Elements>,
    value: Option<Value>,
) -> Result<Vec<RowsChange>, ScimError> {
    let Some(elements) = elements else {
        return Ok(match (verb, value.unwrap_or_default()) {
            (Verb::Remove, Value::Null) => vec![RowsChange::Clear],
            (Verb::Remove, value) => {
                let values: Vec<String> =
                    rows(switches, attribute, location, value)?.into_iter().map(|row| row.value).collect();
                some(RowsChange::Remove(values))
            }
            (Verb::Add, value) => some(RowsChange::Add(rows(switches, attribute, location, value)?)),
            (Verb::Replace, value) => vec![RowsChange::Replace(rows(switches, attribute, location, value)?)],
        });
    };
    let removed = match equal_values(&elements.filter) {
        Some(values) => RowsChange::Remove(values),
        None => RowsChange::RemoveWhere(elements.condition.clone()),
    };
    if verb == Verb::Remove {
        return Ok(vec![removed]);
    }
    if verb == Verb::Add && !switches.missing_values_made {
        return Err(ScimError::no_target(format!(
            "`add` to `{location}` without a filter makes members; leave it out"
        )));
    }
    let sent = value.unwrap_or_default();
    let value = if is_unassigned(&sent) {
        let Some(terms) = values::terms(switches, attribute, location, &elements.filter).filter(|_| verb == Verb::Add)
        else {
            return Ok(if verb == Verb::Add { Vec::new() } else { vec![removed] });
        };
        Value::Object(terms)
    } else {
        sent
    };
    let value = match value {
        Value::Array(values) => values,
        one => vec![one],
    };
    let added = RowsChange::Add(rows(switches, attribute, location, Value::Array(value))?);
    Ok(if verb == Verb::Add { vec![added] } else { vec![removed, added] })
}

/// Reads rows, each once.
fn rows(
    switches: &Switches,
    attribute: &Attribute,
    location: Location<'_>,
    value: Value,
) -> Result<Vec<Row>, ScimError> {
    let sent = coerce::list(switches, location, value)?;
    let mut read = Vec::with_capacity(sent.len());
    for value in sent.into_iter().filter(|value| !is_unassigned(value)) {
        read.push(row(switches, attribute, location, value)?);
    }
    Ok(unique(read))
}

fn row(switches: &Switches, attribute: &Attribute, location: Location<'_>, value: Value) -> Result<Row, ScimError> {
    let object = match value {
        Value::String(value) if switches.text_for_objects => {
            return id(location, Value::String(value)).map(|value| Row { value, kind: None });
        }
        Value::Object(object) => object,
        _ => return Err(ScimError::invalid_value(format!("`{location}` must be a list of objects with a `value`"))),
    };
    let (mut value, mut kind) = (Value::Null, None);
    for (name, part) in object {
        if name.eq_ignore_ascii_case("value") {
            value = part;
        } else if name.eq_ignore_ascii_case("type") && !part.is_null() {
            kind = Some(kind_of(attribute, location, &part)?);
        } else if !switches.unknown_attributes_ignored && attribute.sub_attribute(&name).is_none() {
            return Err(coerce::unknown(&location.sub(&name).to_string()));
        }
    }
    Ok(Row { value: id(location, value)?, kind })
}

fn id(location: Location<'_>, value: Value) -> Result<String, ScimError> {
    match value {
        Value::String(id) if !id.is_empty() => Ok(id),
        _ => Err(ScimError::invalid_value(format!("`{}` must be the id of a resource", location.sub("value")))),
    }
}

fn kind_of(attribute: &Attribute, location: Location<'_>, value: &Value) -> Result<String, ScimError> {
    let known = attribute.sub_attribute("type").map(|sub| sub.canonical_values.as_slice()).unwrap_or_default();
    let text = value.as_str().unwrap_or_default();
    known.iter().find(|known| known.eq_ignore_ascii_case(text)).cloned().ok_or_else(|| {
        ScimError::invalid_value(format!("`{}` must be one of {}", location.sub("type"), known.join(", ")))
    })
}

/// The ids of `value eq "a" or value eq "b" …`; none if the filter asks anything else.
fn equal_values(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Or(filters) => {
            let mut all = Vec::with_capacity(filters.len());
            for filter in filters {
                all.extend(equal_values(filter)?);
            }
            Some(all)
        }
        Filter::Compare { path, operator: Operator::Equal, literal: Literal::String(text) }
            if path.attribute.eq_ignore_ascii_case("value") =>
        {
            Some(vec![text.clone()])
        }
        _ => None,
    }
}

/// The first of each value, which learns its kind from the others.
fn unique(rows: Vec<Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(known) = seen.get(&row.value).and_then(|index| kept.get_mut(*index)) {
            known.kind = known.kind.take().or(row.kind);
        } else {
            seen.insert(row.value.clone(), kept.len());
            kept.push(row);
        }
    }
    kept
}

fn some(change: RowsChange) -> Vec<RowsChange> {
    if change.is_empty() { Vec::new() } else { vec![change] }
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}
