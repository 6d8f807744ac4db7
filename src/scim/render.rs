//! Resources as text: what is not stored in the document is spliced in, so a read parses nothing.

use std::fmt::Write;

use serde_json::{Map, Value};

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
    let _ = write!(text, ",\"created\":\"{}\",\"lastModified\":\"{}\"", meta.created, meta.last_modified);
    text.push_str(",\"location\":");
    push_string(&mut text, &meta.location);
    text.push_str(",\"version\":");
    push_string(&mut text, &meta.version);
    text.push_str("}}");
    text
}

/// Appends an object, members in the order of their names at every depth.
pub fn push_object(text: &mut String, object: &Map<String, Value>) {
    let mut members: Vec<(&String, &Value)> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    text.push('{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_string(text, name);
        text.push(':');
        push_value(text, value);
    }
    text.push('}');
}

fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::Object(object) => push_object(text, object),
        Value::String(value) => push_string(text, value),
        Value::Array(values) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                push_value(text, value);
            }
            text.push(']');
        }
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        // Writing to a string cannot fail.
        Value::Number(_) | Value::Null => drop(write!(text, "{value}")),
    }
}

/// Appends `value` as a JSON string, quotes included.
pub fn push_string(text: &mut String, value: &str) {
    // No early end: bytes are looked at many at a time.
    let (mut controls, mut escapes) = (false, false);
    for byte in value.bytes() {
        controls |= byte < b' ';
        escapes |= byte == b'"' || byte == b'\\';
    }
    if controls {
        let _ = write!(text, "{}", Value::from(value));
        return;
    }
    text.push('"');
    if escapes {
        for character in value.chars() {
            if character == '"' || character == '\\' {
                text.push('\\');
            }
            text.push(character);
        }
    } else {
        text.push_str(value);
    }
    text.push('"');
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

    #[test]
    fn members_stand_in_the_order_of_their_names_at_every_depth() {
        let mut text = String::new();
        let document = json!({"b": [{"z": null, "a": 1.5}, true, "\u{1}\"\\"], "a": {"d": false, "c": {}}, "B": []});
        push_object(&mut text, document.as_object().unwrap());
        assert_eq!(
            text,
            "{\"B\":[],\"a\":{\"c\":{},\"d\":false},\"b\":[{\"a\":1.5,\"z\":null},true,\"\\u0001\\\"\\\\\"]}"
        );
    }

    proptest! {
        #[test]
        fn a_text_is_escaped_as_the_library_escapes_it(value in any::<String>(), quoted in "[\"\\\\a]*") {
            for value in [value, quoted] {
                let mut text = String::new();
                push_string(&mut text, &value);
                prop_assert_eq!(text, json!(value).to_string());
            }
        }

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
