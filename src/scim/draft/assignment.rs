//! What an object of attributes says, key by key: the body of POST and PUT, and the value of an operation without a path.

use serde_json::{Map, Value};

use super::Selection;
use crate::scim::ScimError;
use crate::scim::path::Target;
use crate::scim::schema::{Mutability, ResourceType};

/// One attribute and what it is to be.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The attribute.
    pub selection: Selection<'a>,
    /// Its value.
    pub value: Value,
    order: Order,
}

/// What counts more comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// An attribute of an extension, named without the URN.
    Unqualified,
    /// An attribute or an extension.
    Whole,
    /// `name.givenName`
    Part,
    /// `emails[type eq "work"].value`
    Elements,
}

/// Reads `object`. Keys may be names, paths with dots and value filters, names behind a URN, or URNs, in any letter case.
/// Left out are names no schema has and what only the server writes.
///
/// # Errors
/// `invalidValue` for an attribute that is given twice, in two spellings, with different values.
pub fn assignments(resource_type: &ResourceType, object: Map<String, Value>) -> Result<Vec<Assignment<'_>>, ScimError> {
    let mut all: Vec<Assignment<'_>> = Vec::with_capacity(object.len());
    for (key, value) in object {
        let Ok(selection) = Selection::parse(resource_type, &key) else { continue };
        match (selection, value) {
            (selection @ Selection::Attribute(..), value) => add(&mut all, selection, value, key.contains(':'))?,
            (Selection::Resource | Selection::Extension(_), Value::Object(inner)) => {
                for (name, value) in inner {
                    if let Ok(selection @ Selection::Attribute(..)) =
                        Selection::parse(resource_type, &format!("{key}:{name}"))
                    {
                        add(&mut all, selection, value, true)?;
                    }
                }
            }
            (selection @ Selection::Extension(_), Value::Null) => {
                all.push(Assignment { selection, value: Value::Null, order: Order::Whole });
            }
            (Selection::Resource, Value::Null) => {}
            (Selection::Resource | Selection::Extension(_), _) => {
                return Err(ScimError::invalid_value(format!("`{key}` must be an object of attributes")));
            }
        }
    }
    all.sort_by_key(|assignment| assignment.order);
    Ok(all)
}

fn add<'a>(
    all: &mut Vec<Assignment<'a>>,
    selection: Selection<'a>,
    value: Value,
    qualified: bool,
) -> Result<(), ScimError> {
    let Selection::Attribute(target, elements) = &selection else { return Ok(()) };
    let Target { extension, attribute, sub_attribute } = *target;
    let read_only = |mutability| mutability == Mutability::ReadOnly;
    if read_only(attribute.mutability) || sub_attribute.is_some_and(|sub| read_only(sub.mutability)) {
        return Ok(());
    }
    let order = match (sub_attribute, elements) {
        (_, Some(_)) => Order::Elements,
        (Some(_), None) => Order::Part,
        (None, None) if extension.is_some() && !qualified => Order::Unqualified,
        (None, None) => Order::Whole,
    };
    if order == Order::Whole {
        let same = |known: &&Assignment<'_>| match &known.selection {
            Selection::Attribute(known_target, _) => {
                known.order == order && std::ptr::eq(known_target.attribute, attribute)
            }
            _ => false,
        };
        match all.iter().find(same) {
            Some(known) if known.value != value => {
                return Err(ScimError::invalid_value(format!("`{}` is given twice; give it once", target.path())));
            }
            Some(_) => return Ok(()),
            None => {}
        }
    }
    all.push(Assignment { selection, value, order });
    Ok(())
}
