//! Values that have no parts (RFC 7643 §2.3.1 to §2.3.7).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

use super::Location;
use crate::scim::schema::Kind;
use crate::scim::{ScimError, Switches};

/// Padding is left to the client in both alphabets (RFC 7643 §2.3.6).
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A value of `kind`, `None` if unassigned.
pub fn scalar(
    switches: &Switches,
    kind: Kind,
    location: Location<'_>,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    let (right, wanted) = match (kind, &value) {
        (_, Value::Null) => return Ok(None),
        (_, Value::Array(array)) if array.is_empty() => return Ok(None),
        (_, Value::Object(object)) if object.is_empty() => return Ok(None),
        (Kind::Boolean, Value::String(text)) if switches.booleans_as_text => match boolean(text) {
            Some(truth) => return Ok(Some(Value::Bool(truth))),
            None => (false, "true or false"),
        },
        (Kind::Boolean, _) => (value.is_boolean(), "true or false"),
        (Kind::Integer, _) => (value.is_i64() || value.is_u64(), "a whole number"),
        (Kind::Decimal, _) => (value.is_number(), "a number"),
        (Kind::DateTime, _) => {
            (value.as_str().is_some_and(is_date_time), "a date and time such as `2026-01-31T09:30:00Z`")
        }
        (Kind::Binary, _) => (value.as_str().is_some_and(is_base64), "base64 text"),
        (Kind::Reference, _) => (value.is_string(), "the text of a URI"),
        (Kind::String, _) => (value.is_string(), "text"),
        (Kind::Complex, _) => (false, "an object"),
    };
    if right { Ok(Some(value)) } else { Err(expected(location, wanted, &value)) }
}

/// `invalidValue`: says what was wanted and what kind of value came, never the value, which may be a secret.
pub fn expected(location: Location<'_>, wanted: &str, got: &Value) -> ScimError {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "other text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ScimError::invalid_value(format!("`{location}` must be {wanted}, not {got}"))
}

/// Entra writes `"True"` and `"False"`.
fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// xsd:dateTime, where the zone may be left out (RFC 7643 §2.3.5).
fn is_date_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
}

fn is_base64(text: &str) -> bool {
    STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok()
}
