//! Resources as clients send them, in POST and PUT (RFC 7644 §3.3, §3.5.1), brought into stored form.
//!
//! A stored document has canonical names, and `schemas` as the server knows them. It lacks `id`, `meta`,
//! everything else that only the server writes, what is never returned (`password`), what is unassigned, and the
//! attribute that is kept as rows. `schemas` follows from what the resource has: what a client sends of it is only checked,
//! where the profile says so.

use serde_json::{Map, Value};

use super::draft::{Draft, immutable, keep_immutable, missing};
use super::path::excerpt;
use super::schema::ResourceType;
use super::{ScimError, Switches, render};
use crate::model::limits;

pub use super::draft::{Row, RowsChange};

/// A resource a client sent, in stored form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The document.
    pub document: Map<String, Value>,
    /// The values of the attribute kept as rows, each once; `None` if it was not sent.
    pub rows: Option<Vec<Row>>,
}

/// The resource to create from the body of a POST.
///
/// # Errors
/// `invalidSyntax` if the body is no object, `invalidValue` for a value that is wrong or missing; 413 for too many members.
pub fn create(switches: &Switches, resource_type: &ResourceType, body: Value) -> Result<Incoming, ScimError> {
    let incoming = read(switches, resource_type, body)?;
    check_required(resource_type, &incoming.document)?;
    Ok(incoming)
}

/// What the resource `current` is after a PUT: what the body leaves out is unassigned, immutable attributes excepted.
///
/// # Errors
/// As [`create`], and `mutability` for another value of an immutable attribute.
pub fn replace(
    switches: &Switches,
    resource_type: &ResourceType,
    current: &Map<String, Value>,
    body: Value,
) -> Result<Incoming, ScimError> {
    let mut incoming = read(switches, resource_type, body)?;
    keep_immutable(resource_type, current, &mut incoming.document);
    // An extension may be in use only because of what was kept.
    incoming.document = Draft::new(switches, resource_type, incoming.document).finish().0;
    immutable(resource_type, current, &incoming.document)?;
    check_required(resource_type, &incoming.document)?;
    Ok(incoming)
}

/// The canonical text of a document, as it is stored: members in the order of their names, so that equal documents are
/// equal texts.
///
/// # Errors
/// `invalidValue` if it is longer than [`limits::DOCUMENT_BYTES`].
pub fn text(document: &Map<String, Value>) -> Result<String, ScimError> {
    let mut text = String::with_capacity(2_048);
    render::push_object(&mut text, document);
    if text.len() > limits::DOCUMENT_BYTES {
        let (bytes, most) = (text.len(), limits::DOCUMENT_BYTES);
        return Err(ScimError::invalid_value(format!("the resource has {bytes} bytes; {most} are allowed")));
    }
    Ok(text)
}

fn read(switches: &Switches, resource_type: &ResourceType, body: Value) -> Result<Incoming, ScimError> {
    let Value::Object(object) = body else {
        return Err(ScimError::invalid_syntax("the body must be a JSON object, the resource"));
    };
    check_schemas(switches, resource_type, &object)?;
    let mut draft = Draft::new(switches, resource_type, Map::with_capacity(object.len()));
    draft.assign(object)?;
    let (document, changes) = draft.finish();
    let rows = changes.into_iter().fold(None, |rows, change| match change {
        RowsChange::Replace(rows) => Some(rows),
        RowsChange::Add(more) => Some(rows.into_iter().flatten().chain(more).collect()),
        RowsChange::Remove(_) | RowsChange::RemoveWhere(_) | RowsChange::Clear => rows,
    });
    Ok(Incoming { document, rows })
}

/// `schemas` names the base schema, every extension the body uses, and nothing else (RFC 7643 §3).
fn check_schemas(
    switches: &Switches,
    resource_type: &ResourceType,
    body: &Map<String, Value>,
) -> Result<(), ScimError> {
    let sent =
        body.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).and_then(|(_, value)| value.as_array());
    let named: Vec<&str> = sent.into_iter().flatten().filter_map(Value::as_str).collect();
    let used = |urn: &str| body.iter().any(|(name, value)| name.eq_ignore_ascii_case(urn) && !value.is_null());
    let extensions = resource_type.extensions.iter().map(|extension| extension.schema.id.as_str());
    let needed = std::iter::once(resource_type.schema.id.as_str()).chain(extensions.filter(|urn| used(urn)));
    let mut missing = needed.filter(|urn| !named.iter().any(|named| named.eq_ignore_ascii_case(urn)));
    if let Some(urn) = missing.next().filter(|_| !switches.incomplete_schemas) {
        return Err(ScimError::invalid_syntax(format!("`schemas` must name `{urn}`")));
    }
    let unknown = |urn: &&&str| !resource_type.schemas().any(|schema| schema.is(urn));
    if let Some(urn) = named.iter().find(unknown).filter(|_| !switches.unknown_schemas_ignored) {
        let urn = excerpt(urn);
        return Err(ScimError::invalid_syntax(format!("`{urn}` is no schema of {}; see /Schemas", resource_type.name)));
    }
    Ok(())
}

fn check_required(resource_type: &ResourceType, document: &Map<String, Value>) -> Result<(), ScimError> {
    match missing(resource_type, document).first() {
        Some(name) => Err(ScimError::invalid_value(format!("`{name}` is required and must not be empty"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
