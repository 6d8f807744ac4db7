//! Canonical JSON (RFC 8785): one text for one value, so that a signature over the text is one over the value.
//!
//! Numbers are whole and within ±(2^53 − 1), where every reader agrees on their text; nothing a bundle says needs more.

use serde_json::Value;

/// The largest whole number that every reader of JSON holds exactly (RFC 8785 §3.2.2.3).
const MOST: u64 = (1 << 53) - 1;

/// A value that has no canonical text here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the number `{0}` is not whole or too large for canonical JSON, expected a whole number within ±(2^53 - 1)")]
pub struct NotCanonical(String);

/// The canonical text of a value.
///
/// # Errors
/// [`NotCanonical`] for numbers that are not whole or too large.
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().filter(|number| number.unsigned_abs() <= MOST);
            let whole = whole.ok_or_else(|| NotCanonical(number.to_string()))?;
            text.push_str(&whole.to_string());
        }
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // RFC 8785 §3.2.3: by UTF-16 code units, which differs from code points outside the basic plane.
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text)?;
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_as_the_rfc_sorts_them() {
        // RFC 8785 §3.2.3
        let value = json!({ "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7 });
        let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(&value).unwrap(), expected);
    }

    #[test]
    fn texts_are_escaped_as_the_rfc_escapes_them() {
        // RFC 8785 §3.2.2.2
        let value = json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}\u{8}\t\u{c}");
        assert_eq!(canonical(&value).unwrap(), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\\b\\t\\f\"");
    }

    #[test]
    fn only_numbers_that_every_reader_holds_exactly_have_a_text() {
        let largest = 9_007_199_254_740_991_i64;
        assert_eq!(canonical(&json!([0, -1, largest, -largest])).unwrap(), format!("[0,-1,{largest},-{largest}]"));
        for number in [json!(1.5), json!(1e300), json!(largest + 1), json!(u64::MAX)] {
            assert!(canonical(&json!({ "n": number })).is_err(), "{number}");
        }
    }
}
