//! PATCH (RFC 7644 §3.5.2): a list of operations, carried out in order on a copy, all or none.
//!
//! What each operation means is the business of [`super::draft`], which also says what was decided where the RFC is open.

use serde_json::{Map, Value};

use super::ScimError;
use super::draft::{Draft, Selection, immutable, missing};
use super::schema::ResourceType;
use crate::model::limits;

pub use super::draft::{Row, RowsChange, Verb};

/// The schema of the body.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// What the schemas of messages begin with.
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:2.0:";

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What is to be done.
    pub verb: Verb,
    /// To what; without it, to the resource as a whole.
    pub path: Option<String>,
    /// With what.
    pub value: Option<Value>,
}

/// What a PATCH leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// The document, in stored form.
    pub document: Map<String, Value>,
    /// Whether it differs from what was there; says nothing of the rows.
    pub changed: bool,
    /// What is to happen to the rows, in this order.
    pub rows: Vec<RowsChange>,
}

/// Reads the body of a PATCH; the list of operations alone, as some send it in bulk, will do. Letter case does not matter.
///
/// # Errors
/// `invalidSyntax` for anything that is no list of operations, `invalidPath` for a path that is no text, `invalidValue`
/// for a missing value; 413 for more than [`limits::PATCH_OPERATIONS`].
pub fn parse(body: Value) -> Result<Vec<Operation>, ScimError> {
    let operations = match body {
        Value::Object(mut object) => {
            check_message(take(&mut object, "schemas").as_ref(), PATCH_OP)?;
            take(&mut object, "Operations")
        }
        other => Some(other),
    };
    let Some(Value::Array(operations)) = operations else {
        return Err(ScimError::invalid_syntax("the body must have `Operations`, a list of PATCH operations"));
    };
    let (count, most) = (operations.len(), limits::PATCH_OPERATIONS);
    if count == 0 {
        return Err(ScimError::invalid_syntax("`Operations` must have one operation at least"));
    }
    if count > most {
        return Err(ScimError::TooLarge(format!(
            "`Operations` may have {most} operations at most, not {count}; send the rest in another request"
        )));
    }
    let read = |(index, operation)| self::operation(operation).map_err(|error| located(error, index, count));
    operations.into_iter().enumerate().map(read).collect()
}

/// Carries out the operations on a copy of `current`.
///
/// # Errors
/// That of the first operation that fails (RFC 7644 §3.5.2, §3.12): `invalidPath`, `invalidFilter`, `invalidValue`,
/// `mutability`, `noTarget`; 413 for too many members.
pub fn apply(
    resource_type: &ResourceType,
    current: &Map<String, Value>,
    operations: &[Operation],
) -> Result<Patched, ScimError> {
    let mut draft = Draft::new(resource_type, current.clone());
    for (index, Operation { verb, path, value }) in operations.iter().enumerate() {
        let selection = match path {
            Some(path) => Selection::parse(resource_type, path),
            None => Ok(Selection::Resource),
        };
        selection
            .and_then(|selection| draft.apply(*verb, &selection, value.clone()))
            .map_err(|error| located(error, index, operations.len()))?;
    }
    let (document, rows) = draft.finish();
    immutable(resource_type, current, &document)?;
    let lacked = missing(resource_type, current);
    // What was lacking before, say because the schema changed, is no reason to refuse an unrelated change.
    if let Some(name) = missing(resource_type, &document).difference(&lacked).next() {
        return Err(ScimError::invalid_value(format!("`{name}` is required and must not be empty")));
    }
    Ok(Patched { changed: document != *current, document, rows })
}

/// A body without `schemas`, or with those of a resource, is common; one meant for another endpoint is a mistake.
///
/// # Errors
/// `invalidSyntax`.
pub(super) fn check_message(schemas: Option<&Value>, expected: &str) -> Result<(), ScimError> {
    let named: Vec<&str> = schemas.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let is_message = |urn: &&&str| urn.get(..MESSAGES.len()).is_some_and(|start| start.eq_ignore_ascii_case(MESSAGES));
    let other = named.iter().find(is_message).filter(|_| !named.iter().any(|urn| urn.eq_ignore_ascii_case(expected)));
    match other {
        Some(urn) => Err(ScimError::invalid_syntax(format!("`schemas` must be `{expected}`, not `{urn}`"))),
        None => Ok(()),
    }
}

fn operation(operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut operation) = operation else {
        return Err(ScimError::invalid_syntax("an operation must be an object with `op`, `path` and `value`"));
    };
    let verb = match take(&mut operation, "op") {
        Some(Value::String(op)) if op.eq_ignore_ascii_case("add") => Verb::Add,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("remove") => Verb::Remove,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("replace") => Verb::Replace,
        _ => return Err(ScimError::invalid_syntax("`op` must be `add`, `remove` or `replace`")),
    };
    let path = match take(&mut operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path).filter(|path| !path.trim().is_empty()),
        Some(_) => {
            return Err(ScimError::invalid_path("`path` must be text, such as `emails[type eq \"work\"].value`"));
        }
    };
    let value = take(&mut operation, "value");
    if value.is_none() && verb != Verb::Remove {
        return Err(ScimError::invalid_value("`value` is missing; only `remove` does without"));
    }
    Ok(Operation { verb, path, value })
}

/// Takes a member out, in whatever case its name is written.
pub(super) fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.remove(&key)
}

/// Says which of several operations failed.
fn located(error: ScimError, index: usize, count: usize) -> ScimError {
    match error {
        ScimError::BadRequest(kind, detail) if count > 1 => {
            ScimError::BadRequest(kind, format!("operation {} of {count}: {detail}", index + 1))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
