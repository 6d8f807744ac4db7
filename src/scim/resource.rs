//! Resources as clients send them, in POST and PUT (RFC 7644 §3.3, §3.5.1), brought into stored form.
//!
//! A stored document has canonical names in sorted order and `schemas` as the server knows them. It lacks `id`, `meta`,
//! everything else that only the server writes, what is never returned (`password`), what is unassigned, and the
//! attribute that is kept as rows. Whatever `schemas` a client sends is ignored, and so are attributes no schema has.

use serde_json::{Map, Value};

use super::ScimError;
use super::draft::{Draft, Verb, immutable, keep_immutable, missing};
use super::schema::ResourceType;
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
pub fn create(resource_type: &ResourceType, body: Value) -> Result<Incoming, ScimError> {
    let incoming = read(resource_type, body)?;
    check_required(resource_type, &incoming.document)?;
    Ok(incoming)
}

/// What the resource `current` is after a PUT: what the body leaves out is unassigned, immutable attributes excepted.
///
/// # Errors
/// As [`create`], and `mutability` for another value of an immutable attribute.
pub fn replace(resource_type: &ResourceType, current: &Map<String, Value>, body: Value) -> Result<Incoming, ScimError> {
    let mut incoming = read(resource_type, body)?;
    keep_immutable(resource_type, current, &mut incoming.document);
    // An extension may be in use only because of what was kept.
    incoming.document = Draft::new(resource_type, incoming.document).finish().0;
    immutable(resource_type, current, &incoming.document)?;
    check_required(resource_type, &incoming.document)?;
    Ok(incoming)
}

/// The canonical text of a document, as it is stored.
///
/// # Errors
/// `invalidValue` if it is longer than [`limits::DOCUMENT_BYTES`].
pub fn text(document: &Map<String, Value>) -> Result<String, ScimError> {
    let text = serde_json::to_string(document)
        .map_err(|error| ScimError::invalid_value(format!("the resource cannot be written as JSON: {error}")))?;
    if text.len() > limits::DOCUMENT_BYTES {
        let (bytes, most) = (text.len(), limits::DOCUMENT_BYTES);
        return Err(ScimError::invalid_value(format!("the resource has {bytes} bytes; {most} are allowed")));
    }
    Ok(text)
}

fn read(resource_type: &ResourceType, body: Value) -> Result<Incoming, ScimError> {
    let Value::Object(object) = body else {
        return Err(ScimError::invalid_syntax("the body must be a JSON object, the resource"));
    };
    let mut draft = Draft::new(resource_type, Map::new());
    draft.assign(Verb::Replace, object)?;
    let (document, changes) = draft.finish();
    let rows = changes.into_iter().fold(None, |rows, change| match change {
        RowsChange::Replace(rows) => Some(rows),
        RowsChange::Add(more) => Some(rows.into_iter().flatten().chain(more).collect()),
        RowsChange::Remove(_) | RowsChange::RemoveWhere(_) | RowsChange::Clear => rows,
    });
    Ok(Incoming { document, rows })
}

fn check_required(resource_type: &ResourceType, document: &Map<String, Value>) -> Result<(), ScimError> {
    match missing(resource_type, document).first() {
        Some(name) => Err(ScimError::invalid_value(format!("`{name}` is required and must not be empty"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
