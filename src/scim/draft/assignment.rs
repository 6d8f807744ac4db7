//! What an object of attributes says, key by key: the body of POST and PUT, and the value of an operation without a path.

use serde_json::{Map, Value};

use super::Selection;
use crate::scim::coerce;
use crate::scim::path::{Target, is_name};
use crate::scim::schema::{Mutability, ResourceType, Returned};
use crate::scim::{ScimError, Switches};

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
/// Left out are names no schema has, where the profile ignores them, and what only the server writes, where
/// `read_only_ignored`.
///
/// # Errors
/// `invalidValue` for an attribute that is given twice, in two spellings, with different values; `invalidSyntax` and
/// `mutability` for what is not left out.
pub fn assignments<'a>(
    switches: &Switches,
    resource_type: &'a ResourceType,
    object: Map<String, Value>,
    read_only_ignored: bool,
) -> Result<Vec<Assignment<'a>>, ScimError> {
    let mut all: Vec<Assignment<'_>> = Vec::with_capacity(object.len());
    for (key, value) in object {
        match (select(switches, resource_type, None, &key)?, value) {
            (None, _) | (Some(Selection::Resource), Value::Null) => {}
            (Some(selection @ Selection::Attribute(..)), value) => {
                add(&mut all, selection, value, key.contains(':'), read_only_ignored)?;
            }
            (Some(Selection::Resource | Selection::Extension(_)), Value::Object(inner)) => {
                for (name, value) in inner {
                    if let Some(selection @ Selection::Attribute(..)) =
                        select(switches, resource_type, Some(&key), &name)?
                    {
                        add(&mut all, selection, value, true, read_only_ignored)?;
                    }
                }
            }
            (Some(selection @ Selection::Extension(_)), Value::Null) => {
                all.push(Assignment { selection, value: Value::Null, order: Order::Whole });
            }
            (Some(Selection::Resource | Selection::Extension(_)), _) => {
                return Err(ScimError::invalid_value(format!("`{key}` must be an object of attributes")));
            }
        }
    }
    all.sort_by_key(|assignment| assignment.order);
    Ok(all)
}

/// What `key` names, within the schema `urn` if there is one; `None` if that is nothing and ignored.
fn select<'a>(
    switches: &Switches,
    resource_type: &'a ResourceType,
    urn: Option<&str>,
    key: &str,
) -> Result<Option<Selection<'a>>, ScimError> {
    // A plain name, as nearly all are, needs no reading.
    let extension = urn.and_then(|urn| resource_type.extension(urn));
    let attribute = match (urn, extension) {
        (None, _) => resource_type.attribute(key),
        (Some(_), extension) => extension.and_then(|extension| extension.schema.attribute(key)),
    };
    if let Some(attribute) = attribute.filter(|attribute| attribute.returned != Returned::Never) {
        return Ok(Some(Selection::Attribute(Target { extension, attribute, sub_attribute: None }, None)));
    }
    let path = urn.map_or_else(|| key.to_owned(), |urn| format!("{urn}:{key}"));
    let selection = Selection::parse(switches, resource_type, &path).ok().filter(|selection| match selection {
        Selection::Resource => switches.core_attributes_under_urn,
        Selection::Extension(_) => true,
        Selection::Attribute(..) => switches.paths_as_keys || is_name(key),
    });
    if selection.is_none() && !switches.unknown_attributes_ignored {
        return Err(coerce::unknown(&path));
    }
    Ok(selection)
}

fn add<'a>(
    all: &mut Vec<Assignment<'a>>,
    selection: Selection<'a>,
    value: Value,
    qualified: bool,
    read_only_ignored: bool,
) -> Result<(), ScimError> {
    let Selection::Attribute(target, elements) = &selection else { return Ok(()) };
    let Target { extension, attribute, sub_attribute } = *target;
    let read_only = |mutability| mutability == Mutability::ReadOnly;
    if read_only(attribute.mutability) || sub_attribute.is_some_and(|sub| read_only(sub.mutability)) {
        if read_only_ignored {
            return Ok(());
        }
        return Err(ScimError::mutability(format!("`{}` is set by the server only; leave it out", target.path())));
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
