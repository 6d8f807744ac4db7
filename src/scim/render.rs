//! Resources as text: what is not stored in the document is spliced in, so a read parses nothing.

use std::fmt::Write;

use serde_json::Value;

use crate::model::Moment;

/// What the service provider keeps about a resource (RFC 7643 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta<'a> {
    /// The name of the resource type, `User`.
    pub resource_type: &'a str,
    /// When the resource was added.
    pub created: Moment,
    /// When it was last changed.
    pub last_modified: Moment,
    /// Its absolute URI.
    pub location: String,
    /// Its entity tag, `W/"3-8d9e0f1a"`.
    pub version: String,
}

/// The whole resource: the stored `document`, a JSON object without `id` and `meta`, and without the attribute kept as
/// rows. `rows` is that attribute's name (`groups`, `members`) and its value, the text of a JSON array; clients expect it
/// even if empty.
pub fn resource(document: &str, id: &str, meta: &Meta<'_>, rows: Option<(&str, &str)>) -> String {
    let inside = document.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let rows_length = rows.map_or(0, |(name, array)| name.len().saturating_add(array.len()));
    let mut text = String::with_capacity(inside.len().saturating_add(rows_length).saturating_add(512));
    text.push_str("{\"id\":");
    push_string(&mut text, id);
    if !inside.trim().is_empty() {
        text.push(',');
        text.push_str(inside);
    }
    if let Some((name, array)) = rows {
        text.push(',');
        push_string(&mut text, name);
        text.push(':');
        text.push_str(array);
    }
    text.push_str(",\"meta\":{\"resourceType\":");
    push_string(&mut text, meta.resource_type);
    // Writing to a string cannot fail.
    let _ = write!(text, ",\"created\":\"{}\",\"lastModified\":\"{}\",\"location\":", meta.created, meta.last_modified);
    push_string(&mut text, &meta.location);
    text.push_str(",\"version\":");
    push_string(&mut text, &meta.version);
    text.push_str("}}");
    text
}

/// Appends `value` as a JSON string, quotes included.
pub fn push_string(text: &mut String, value: &str) {
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        let _ = write!(text, "{}", Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn meta() -> Meta<'static> {
        Meta {
            resource_type: "User",
            created: Moment::from_micros(0),
            last_modified: Moment::from_micros(1_500_000),
            location: "https://host/scim/v2/Users/1".to_owned(),
            version: "W/\"1-00\"".to_owned(),
        }
    }

    // Requirement 5
    #[test]
    fn a_resource_has_what_its_document_lacks() {
        let text = resource(r#"{"schemas":["urn:x"],"userName":"a"}"#, "1", &meta(), Some(("groups", "[]")));
        assert_eq!(
            text,
            "{\"id\":\"1\",\"schemas\":[\"urn:x\"],\"userName\":\"a\",\"groups\":[],\"meta\":{\"resourceType\":\"User\",\
             \"created\":\"1970-01-01T00:00:00.000000Z\",\"lastModified\":\"1970-01-01T00:00:01.500000Z\",\
             \"location\":\"https://host/scim/v2/Users/1\",\"version\":\"W/\\\"1-00\\\"\"}}"
        );
    }

    #[test]
    fn an_empty_document_leaves_no_stray_comma() {
        for document in ["{}", "{ }"] {
            let value: Value = serde_json::from_str(&resource(document, "1", &meta(), None)).unwrap();
            assert_eq!(value["id"], "1");
            assert_eq!(value.as_object().unwrap().len(), 2);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_strings_hold_the_text_reads_back(id in any::<String>(), value in any::<String>(), location in any::<String>()) {
            let document = json!({"schemas": ["urn:x"], "a": value}).to_string();
            let meta = Meta { location: location.clone(), ..meta() };
            let read: Value = serde_json::from_str(&resource(&document, &id, &meta, Some(("members", "[1]")))).unwrap();
            prop_assert_eq!(&read["id"], &json!(id));
            prop_assert_eq!(&read["a"], &json!(value));
            prop_assert_eq!(&read["members"], &json!([1]));
            prop_assert_eq!(&read["meta"]["location"], &json!(location));
        }
    }
}
