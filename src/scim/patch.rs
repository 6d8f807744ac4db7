//! PATCH (RFC 7644 §3.5.2): a list of operations, carried out in order on a copy, all or none.
//!
//! What each operation means is the business of [`super::draft`], which also says what was decided where the RFC is open.

use serde_json::{Map, Value};

use super::draft::{Draft, Selection, immutable, missing};
use super::path::excerpt;
use super::schema::ResourceType;
use super::{ScimError, Switches};
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
pub fn parse(switches: &Switches, body: Value) -> Result<Vec<Operation>, ScimError> {
    let operations = match body {
        Value::Object(mut object) => {
            check_message(switches, take(&mut object, "schemas").as_ref(), PATCH_OP)?;
            take(&mut object, "Operations")
        }
        other => Some(other).filter(|_| switches.operations_without_message),
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
    let read = |(index, operation)| self::operation(switches, operation).map_err(|error| located(error, index, count));
    operations.into_iter().enumerate().map(read).collect()
}

/// Carries out the operations on a copy of `current`.
///
/// # Errors
/// That of the first operation that fails (RFC 7644 §3.5.2, §3.12): `invalidPath`, `invalidFilter`, `invalidValue`,
/// `mutability`, `noTarget`; 413 for too many members.
pub fn apply(
    switches: &Switches,
    resource_type: &ResourceType,
    current: &Map<String, Value>,
    operations: &[Operation],
) -> Result<Patched, ScimError> {
    let mut draft = Draft::new(switches, resource_type, current.clone());
    for (index, Operation { verb, path, value }) in operations.iter().enumerate() {
        let selection = match path {
            Some(path) => Selection::parse(switches, resource_type, path),
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
pub(super) fn check_message(switches: &Switches, schemas: Option<&Value>, expected: &str) -> Result<(), ScimError> {
    let named: Vec<&str> = schemas.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let is_message = |urn: &&&str| urn.get(..MESSAGES.len()).is_some_and(|start| start.eq_ignore_ascii_case(MESSAGES));
    let is_expected = named.iter().any(|urn| urn.eq_ignore_ascii_case(expected));
    if !is_expected && !switches.incomplete_schemas {
        return Err(ScimError::invalid_syntax(format!("`schemas` must name `{expected}`")));
    }
    if let Some(urn) = named.iter().find(|urn| !urn.eq_ignore_ascii_case(expected) && !switches.unknown_schemas_ignored)
    {
        let urn = excerpt(urn);
        return Err(ScimError::invalid_syntax(format!("`schemas` must be `{expected}` alone, without `{urn}`")));
    }
    match named.iter().find(is_message).filter(|_| !is_expected) {
        Some(urn) => Err(ScimError::invalid_syntax(format!("`schemas` must be `{expected}`, not `{urn}`"))),
        None => Ok(()),
    }
}

fn operation(switches: &Switches, operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut operation) = operation else {
        return Err(ScimError::invalid_syntax("an operation must be an object with `op`, `path` and `value`"));
    };
    let is = |op: &str, verb: &str| op == verb || switches.operations_in_any_case && op.eq_ignore_ascii_case(verb);
    let verb = match take(&mut operation, "op") {
        Some(Value::String(op)) if is(&op, "add") => Verb::Add,
        Some(Value::String(op)) if is(&op, "remove") => Verb::Remove,
        Some(Value::String(op)) if is(&op, "replace") => Verb::Replace,
        _ => return Err(ScimError::invalid_syntax("`op` must be `add`, `remove` or `replace`")),
    };
    let path = match take(&mut operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() && switches.empty_paths => None,
        Some(Value::String(path)) => Some(path),
        Some(_) => {
            return Err(ScimError::invalid_path("`path` must be text, such as `emails[type eq \"work\"].value`"));
        }
    };
    if path.is_none() && !switches.operations_without_path {
        return Err(ScimError::invalid_syntax(
            "an operation must have a `path`; send one operation for each attribute",
        ));
    }
    let value = take(&mut operation, "value");
    if verb == Verb::Remove && value.as_ref().is_some_and(|value| !value.is_null()) && !switches.removal_of_named_values
    {
        return Err(ScimError::invalid_value(
            "`remove` takes no `value`; choose what to remove with a filter, such as `members[value eq \"…\"]`",
        ));
    }
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
