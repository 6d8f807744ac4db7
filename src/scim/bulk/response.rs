//! The answer to a bulk request (RFC 7644 §3.7.3).

use serde_json::{Value, json};

use crate::scim::error::error_body;

use super::Entry;

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status a single request would have had.
    pub status: u16,
    /// The absolute URL of the resource; none after a POST that failed.
    pub location: Option<String>,
    /// Its entity tag afterwards.
    pub version: Option<String>,
    /// The error object, the text of a JSON object.
    pub error: Option<String>,
}

/// The body, one element for each operation that was tried, in the order of the request. `status` is a plain string
/// (erratum 7916).
pub fn response<'a>(done: impl Iterator<Item = (&'a Entry, &'a Outcome)>) -> String {
    let mut text =
        String::from("{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkResponse\"],\"Operations\":[");
    for (index, (entry, outcome)) in done.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&result(&entry.method, entry.bulk_id.as_deref(), outcome).to_string());
    }
    text.push_str("]}");
    text
}

/// What became of an operation that was not tried because as many had failed as `failOnErrors` allows.
pub fn untried() -> Outcome {
    let detail = "this operation was not tried: as many operations had failed as `failOnErrors` allows";
    Outcome { status: 424, location: None, version: None, error: Some(error_body(424, None, detail)) }
}

/// The result of one operation.
pub fn result(method: &str, bulk_id: Option<&str>, outcome: &Outcome) -> Value {
    let error = outcome.error.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut element = json!({ "method": method, "status": outcome.status.to_string() });
    let others = [
        ("bulkId", bulk_id.map(Value::from)),
        ("location", outcome.location.clone().map(Value::from)),
        ("version", outcome.version.clone().map(Value::from)),
        ("response", error),
    ];
    if let Some(members) = element.as_object_mut() {
        members.extend(others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    element
}
