//! The body of a bulk request (RFC 7644 §3.7), read and checked before anything is done.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::limits;
use crate::scim::patch::{check_message, take};
use crate::scim::path::excerpt;
use crate::scim::schema::ResourceTypes;
use crate::scim::{ScimError, Switches};

/// The schema of the body.
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// As written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(text))
    }
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// Users.
    Users,
    /// Groups.
    Groups,
}

impl Endpoint {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Users => "/Users",
            Self::Groups => "/Groups",
        }
    }
}

/// An operation that can be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What is to be done.
    pub method: Method,
    /// To what kind of resource.
    pub endpoint: Endpoint,
    /// To which; empty for POST. May be a reference, `bulkId:qwerty`.
    pub id: String,
    /// Only at this version (`If-Match`, RFC 7644 §3.14).
    pub version: Option<String>,
    /// The body; null for DELETE.
    pub data: Value,
}

/// One element of `Operations`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The method as the answer repeats it.
    pub method: String,
    /// What the client calls it.
    pub bulk_id: Option<String>,
    /// The operation, or why it cannot be one.
    pub operation: Result<Operation, ScimError>,
}

impl Entry {
    /// The path of what it is about, as far as it can be told.
    pub fn path(&self) -> String {
        match &self.operation {
            Ok(operation) => operation.endpoint.path().to_owned(),
            Err(_) => "/Bulk".to_owned(),
        }
    }
}

/// A bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    /// After so many errors work stops (RFC 7644 §3.7.3).
    pub fail_on_errors: Option<usize>,
    /// The operations, in the order of the request.
    pub entries: Vec<Entry>,
}

/// Reads a bulk request. What is wrong with one operation alone is that operation's error.
///
/// # Errors
/// `invalidSyntax` for anything that is no bulk request; `invalidValue` for a wrong `failOnErrors` and for a `bulkId`
/// that names two operations; 413 for more than [`limits::BULK_OPERATIONS`].
pub fn parse(switches: &Switches, types: &ResourceTypes, body: Value) -> Result<Bulk, ScimError> {
    let Value::Object(mut body) = body else {
        return Err(ScimError::invalid_syntax("the body must be a JSON object, the bulk request"));
    };
    check_message(switches, take(&mut body, "schemas").as_ref(), BULK_REQUEST)?;
    let fail_on_errors = match take(&mut body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(number) => Some(
            number.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0).ok_or_else(
                || {
                    ScimError::invalid_value(
                        "`failOnErrors` must be a number, 1 or more; leave it out to do everything",
                    )
                },
            )?,
        ),
    };
    let Some(Value::Array(operations)) = take(&mut body, "Operations") else {
        return Err(ScimError::invalid_syntax("the body must have `Operations`, a list of operations"));
    };
    let (count, most) = (operations.len(), limits::BULK_OPERATIONS);
    if count > most {
        return Err(ScimError::TooLarge(format!(
            "`Operations` may have {most} operations at most (maxOperations), not {count}; send the rest in another request"
        )));
    }
    let entries: Vec<Entry> = operations.into_iter().map(|operation| entry(types, operation)).collect();
    let mut seen = HashSet::new();
    let twice = entries.iter().filter_map(|entry| entry.bulk_id.as_deref()).find(|bulk_id| !seen.insert(*bulk_id));
    match twice {
        Some(bulk_id) => Err(ScimError::invalid_value(format!(
            "two operations have the `bulkId` `{}`; give each another one",
            excerpt(bulk_id)
        ))),
        None => Ok(Bulk { fail_on_errors, entries }),
    }
}

fn entry(types: &ResourceTypes, value: Value) -> Entry {
    let mut object = match value {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let method = text(&mut object, "method");
    let bulk_id = text(&mut object, "bulkId").ok().flatten().filter(|bulk_id| !bulk_id.is_empty());
    let repeated = method.as_ref().ok().and_then(Option::as_deref).map(excerpt).unwrap_or_default();
    let operation = method.and_then(|method| operation(types, method.as_deref(), bulk_id.as_deref(), object));
    let method = operation.as_ref().map_or(repeated, |operation| operation.method.as_str().to_owned());
    Entry { method, bulk_id, operation }
}

fn operation(
    types: &ResourceTypes,
    method: Option<&str>,
    bulk_id: Option<&str>,
    mut object: Map<String, Value>,
) -> Result<Operation, ScimError> {
    let method = method.and_then(Method::read).ok_or_else(|| {
        ScimError::invalid_syntax("an operation must have a `method`, one of POST, PUT, PATCH and DELETE")
    })?;
    let path = text(&mut object, "path")?
        .ok_or_else(|| ScimError::invalid_syntax("an operation must have a `path`, such as `/Users`"))?;
    let (endpoint, id) = place(types, &path)?;
    match (method, id.is_empty()) {
        (Method::Post, false) => {
            return Err(ScimError::MethodNotAllowed(format!(
                "`POST` needs the path of an endpoint, not `{}`",
                excerpt(&path)
            )));
        }
        (Method::Put | Method::Patch | Method::Delete, true) => {
            let (method, path) = (method.as_str(), excerpt(&path));
            return Err(ScimError::MethodNotAllowed(format!("`{method}` needs the path of a resource, not `{path}`")));
        }
        (Method::Post, true) if bulk_id.is_none() => {
            return Err(ScimError::invalid_value("`POST` needs a `bulkId`, a text by which the answer names it"));
        }
        _ => {}
    }
    let version = text(&mut object, "version")?;
    let data = match (method, take(&mut object, "data")) {
        (Method::Delete, _) => Value::Null,
        (_, Some(data)) if !data.is_null() => data,
        _ => {
            return Err(ScimError::invalid_syntax(format!(
                "`{}` needs `data`, the body of the request",
                method.as_str()
            )));
        }
    };
    Ok(Operation { method, endpoint, id, version, data })
}

/// A member that is a text if it is there.
fn text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ScimError> {
    match take(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ScimError::invalid_syntax(format!("`{name}` of an operation must be a text"))),
    }
}

/// Which endpoint a path relative to the base URL names, and which resource of it, if any.
fn place(types: &ResourceTypes, path: &str) -> Result<(Endpoint, String), ScimError> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let (endpoint, id, rest) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    let is = |known: &str| known.strip_prefix('/') == Some(endpoint);
    let endpoint = if is(&types.user.endpoint) {
        Some(Endpoint::Users)
    } else if is(&types.group.endpoint) {
        Some(Endpoint::Groups)
    } else {
        None
    };
    match (endpoint, rest) {
        (Some(endpoint), None) => Ok((endpoint, id.unwrap_or_default().to_owned())),
        _ => Err(ScimError::NotFound(format!(
            "the `path` `{}` is none a bulk operation can have; use `/Users`, `/Users/{{id}}`, `/Groups` or `/Groups/{{id}}`",
            excerpt(path)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bulk(operations: &Value) -> Result<Bulk, ScimError> {
        let types = ResourceTypes::builtin().unwrap();
        parse(&Switches::DEFAULT, &types, json!({ "schemas": [BULK_REQUEST], "Operations": operations }))
    }

    fn refused(operation: &Value) -> (u16, String) {
        let bulk = bulk(&json!([operation])).unwrap();
        let error = bulk.entries[0].operation.clone().unwrap_err();
        (error.status(), error.to_string())
    }

    #[test]
    fn an_operation_is_read_with_names_in_any_case() {
        let read = bulk(&json!([
            { "METHOD": "patch", "Path": "/Groups/1", "version": "W/\"3\"", "data": { "Operations": [] } },
            { "method": "DELETE", "path": "/Users/bulkId:x", "bulkId": "d", "data": { "ignored": 1 } },
        ]))
        .unwrap();
        let first = read.entries[0].operation.clone().unwrap();
        assert_eq!((first.method, first.endpoint, first.id.as_str()), (Method::Patch, Endpoint::Groups, "1"));
        assert_eq!((first.version.as_deref(), read.entries[0].method.as_str()), (Some("W/\"3\""), "PATCH"));
        let second = read.entries[1].operation.clone().unwrap();
        assert_eq!((second.id.as_str(), second.data), ("bulkId:x", Value::Null));
    }

    // Requirement 60
    #[test]
    fn what_is_wrong_with_one_operation_is_its_own_error() {
        let user = json!({ "userName": "x" });
        for (operation, status, word) in [
            (json!(1), 400, "method"),
            (json!({ "method": "GET", "path": "/Users/1" }), 400, "method"),
            (json!({ "method": 1, "path": "/Users" }), 400, "method"),
            (json!({ "method": "POST", "bulkId": "a", "data": user }), 400, "path"),
            (json!({ "method": "POST", "path": "/Users", "data": user }), 400, "bulkId"),
            (json!({ "method": "POST", "path": "/Users", "bulkId": "a" }), 400, "data"),
            (json!({ "method": "POST", "path": "/Users/1", "bulkId": "a", "data": user }), 405, "endpoint"),
            (json!({ "method": "PUT", "path": "/Users", "data": user }), 405, "resource"),
            (json!({ "method": "DELETE", "path": "/Users/1/2" }), 404, "/Users/1/2"),
            (json!({ "method": "POST", "path": "/Bulk", "bulkId": "a", "data": {} }), 404, "/Bulk"),
            (json!({ "method": "POST", "path": "https://x/Users", "bulkId": "a", "data": {} }), 404, "path"),
            (json!({ "method": "PUT", "path": "/Users/1", "version": 3, "data": user }), 400, "version"),
        ] {
            let (found, detail) = refused(&operation);
            assert_eq!(found, status, "{operation}: {detail}");
            assert!(detail.contains(word), "{operation}: {detail}");
        }
    }

    // Requirements 59, 60, 61
    #[test]
    fn what_is_wrong_with_the_whole_is_refused_before_anything_is_done() {
        let delete = json!({ "method": "DELETE", "path": "/Users/1", "bulkId": "twice" });
        assert_eq!(bulk(&json!([delete, delete])).unwrap_err().status(), 400);
        let many: Vec<Value> =
            (0..=limits::BULK_OPERATIONS).map(|_| json!({ "method": "DELETE", "path": "/Users/1" })).collect();
        let error = bulk(&json!(many)).unwrap_err();
        assert_eq!(error.status(), 413);
        assert!(error.to_string().contains("1000 operations"), "{error}");
        let types = ResourceTypes::builtin().unwrap();
        for body in [
            json!([]),
            json!({}),
            json!({ "Operations": {} }),
            json!({ "Operations": [], "failOnErrors": 0 }),
            json!({ "Operations": [], "failOnErrors": "1" }),
            json!({ "Operations": [], "failOnErrors": -1 }),
            json!({ "Operations": [], "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"] }),
        ] {
            assert_eq!(parse(&Switches::DEFAULT, &types, body.clone()).unwrap_err().status(), 400, "{body}");
        }
    }
}
