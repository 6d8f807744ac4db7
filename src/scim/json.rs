//! The one reader of JSON bodies: stricter than JSON where two readers could disagree about a body.
//!
//! A body that says a thing twice, by `Active` and `active` too, means different things to different readers, so it is
//! refused; so are characters no database keeps (NUL), strings and nestings beyond [`limits`].

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use unicase::Ascii;

use super::error::{ScimError, ScimType};
use super::path::excerpt;
use crate::model::limits;

/// Reads a body, which must be one JSON object in UTF-8 (RFC 7644 §3.1, RFC 8259).
///
/// # Errors
/// `invalidSyntax` if it is not, if a member occurs twice (letter case does not count, RFC 7643 §2.1) or if it is nested
/// deeper than [`limits::JSON_DEPTH`] or weighs more than [`limits::JSON_WEIGHT`]; `invalidValue` if a string holds a NUL character or is longer than
/// [`limits::STRING_CHARACTERS`].
pub fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
    let text = utf8(bytes)?;
    check_weight(text)?;
    let mut refusal = Refusal::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Reader { refusal: &mut refusal, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| refusal.into_error().unwrap_or_else(|| not_json(&error)))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(ScimError::invalid_syntax(format!("the body is {}; send a JSON object", kind(&value))))
}

fn utf8(bytes: &[u8]) -> Result<&str, ScimError> {
    let problem = match bytes {
        [] => "the body is empty; send a JSON object".to_owned(),
        [0xEF, 0xBB, 0xBF, ..] => "the body begins with a byte order mark; send UTF-8 without one".to_owned(),
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, ..] | [_, 0, ..] => {
            "the body is UTF-16 or UTF-32; send UTF-8".to_owned()
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => format!("the body is not UTF-8 from byte {} on; send UTF-8", error.valid_up_to()),
        },
    };
    Err(ScimError::invalid_syntax(problem))
}

/// Room for the members of a body, so that its map need not grow; there is one body, but any number of what is in it.
const MEMBERS_OF_A_RESOURCE: usize = 24;

/// What one byte weighs at most.
const HEAVIEST: usize = 5;

/// Weighs a body before anything of it is built: what may be a few bytes there takes many times as much in memory.
fn check_weight(text: &str) -> Result<(), ScimError> {
    if text.len() <= limits::JSON_WEIGHT / HEAVIEST {
        return Ok(());
    }
    let (mut weight, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            (in_string, escaped) = (escaped || byte != b'"', !escaped && byte == b'\\');
            continue;
        }
        weight = weight.saturating_add(match byte {
            b'"' => {
                in_string = true;
                0
            }
            b'{' => HEAVIEST,
            b'[' => 4,
            b',' => 2,
            _ => 0,
        });
    }
    if weight <= limits::JSON_WEIGHT {
        return Ok(());
    }
    Err(ScimError::invalid_syntax(format!(
        "the body has too many values (an object counts 5, an array 4, a comma 2: {weight}, where {} are allowed); \
         send them in several requests",
        limits::JSON_WEIGHT
    )))
}

fn not_json(error: &serde_json::Error) -> ScimError {
    ScimError::invalid_syntax(format!("the body is not valid JSON: {error}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Why the reader stopped, carried beside the deserializer's own error, which holds text only.
#[derive(Default)]
struct Refusal {
    problem: Option<(ScimType, String)>,
    /// The way to the value, innermost step first: written while the recursion unwinds, so it costs nothing until then.
    steps: Vec<String>,
}

impl Refusal {
    fn refuse<E: Error>(&mut self, kind: ScimType, problem: String) -> E {
        self.problem = Some((kind, problem));
        E::custom("refused")
    }

    fn into_error(self) -> Option<ScimError> {
        let (kind, problem) = self.problem?;
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            path.push('/');
            path.push_str(step);
        }
        let place = if path.is_empty() { "the body".to_owned() } else { format!("`{path}`") };
        Some(ScimError::BadRequest(kind, format!("{place} {problem}")))
    }
}

/// Reads one value that stands inside `depth` others.
struct Reader<'a> {
    refusal: &'a mut Refusal,
    depth: usize,
}

impl Reader<'_> {
    fn inner(&mut self) -> Reader<'_> {
        Reader { refusal: self.refusal, depth: self.depth.saturating_add(1) }
    }

    fn check_depth<E: Error>(&mut self) -> Result<(), E> {
        if self.depth < limits::JSON_DEPTH {
            return Ok(());
        }
        let problem = format!("is nested too deep; send at most {} levels", limits::JSON_DEPTH);
        Err(self.refusal.refuse(ScimType::InvalidSyntax, problem))
    }

    fn check_string<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let problem = if text.contains('\0') {
            "holds a NUL character; remove it".to_owned()
        } else if text.len() > limits::STRING_CHARACTERS && text.chars().count() > limits::STRING_CHARACTERS {
            format!("is too long; send at most {} characters", limits::STRING_CHARACTERS)
        } else {
            return Ok(());
        };
        Err(self.refusal.refuse(ScimType::InvalidValue, problem))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Value, E> {
        self.check_string(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut values = Vec::new();
        loop {
            match elements.next_element_seed(self.inner()) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => {
                    self.refusal.steps.push(values.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut object = Map::with_capacity(if self.depth == 0 { MEMBERS_OF_A_RESOURCE } else { 0 });
        while let Some(name) = members.next_key::<String>()? {
            let read = self.check_string(&name).and_then(|()| members.next_value_seed(self.inner()));
            match read {
                Ok(value) => match object.entry(name) {
                    Entry::Vacant(place) => {
                        place.insert(value);
                    }
                    Entry::Occupied(earlier) => return Err(self.twice(earlier.key())),
                },
                Err(error) => {
                    self.refusal.steps.push(excerpt(&name));
                    return Err(error);
                }
            }
        }
        match named_twice(&object) {
            Some(name) => Err(self.twice(name)),
            None => Ok(Value::Object(object)),
        }
    }
}

/// A name that differs from another one in letter case only. Few names are compared pair by pair, which is faster.
fn named_twice(object: &Map<String, Value>) -> Option<&str> {
    const FEW: usize = 32;
    if object.len() <= FEW {
        let earlier = |index| object.keys().take(index);
        let mut names = object.keys().enumerate();
        let twice = names.find(|(index, name)| {
            earlier(*index).any(|other| other.len() == name.len() && other.eq_ignore_ascii_case(name))
        });
        return twice.map(|(_, name)| name.as_str());
    }
    let mut seen = HashSet::new();
    object.keys().map(String::as_str).find(|name| !seen.insert(Ascii::new(*name)))
}

impl Reader<'_> {
    fn twice<E: Error>(&mut self, name: &str) -> E {
        let problem = format!("has the member `{}` twice (letter case does not count); send it once", excerpt(name));
        self.refusal.refuse(ScimType::InvalidSyntax, problem)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(body: impl AsRef<[u8]>) -> (ScimType, String) {
        let error = parse(body.as_ref()).unwrap_err();
        (error.scim_type().unwrap(), error.to_string())
    }

    #[test]
    fn an_object_is_read_as_it_stands() {
        let body = r#"{"a":[1,-2,1.5,true,null,"ü\u00fc\ud83d\ude00"],"b":{"c":{}}}"#;
        assert_eq!(parse(body.as_bytes()).unwrap(), json!({"a": [1, -2, 1.5, true, null, "üü😀"], "b": {"c": {}}}));
    }

    #[test]
    fn a_body_is_weighed_before_it_is_built_and_what_stands_in_strings_weighs_nothing() {
        let body = |commas: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(commas));
        let most = (limits::JSON_WEIGHT - 9) / 2;
        assert!(parse(body(most).as_bytes()).is_ok());
        let (kind, problem) = refusal(body(most + 1));
        assert_eq!(kind, ScimType::InvalidSyntax);
        assert!(problem.contains("300000"), "{problem}");
        let harmless = format!("\"{}\\\"{}\"", ",{[".repeat(5_000), ",".repeat(1_000));
        let many = vec![harmless; 30].join(",");
        assert!(parse(format!("{{\"a\":[{many}]}}").as_bytes()).is_ok());
        let operation =
            r#"{"op":"add","path":"members","value":[{"value":"0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a","type":"User"}]}"#;
        let operations = vec![operation; 10_000].join(",");
        assert!(parse(format!("{{\"Operations\":[{operations}]}}").as_bytes()).is_ok());
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_by_name() {
        let (kind, detail) = refusal(r#"{"active":true,"active":true}"#);
        assert_eq!(kind, ScimType::InvalidSyntax);
        assert_eq!(detail, "the body has the member `active` twice (letter case does not count); send it once");
        let (kind, detail) = refusal(r#"{"a":[{"x":{"Active":false,"b":1,"active":true}}]}"#);
        assert_eq!(kind, ScimType::InvalidSyntax);
        assert!(detail.starts_with("`/a/0/x` has the member `active` twice"), "{detail}");
    }

    #[test]
    fn a_nul_character_is_refused_wherever_it_stands() {
        let (kind, detail) = refusal(r#"{"emails":[{"value":"a\u0000b"}]}"#);
        assert_eq!(
            (kind, detail.as_str()),
            (ScimType::InvalidValue, "`/emails/0/value` holds a NUL character; remove it")
        );
        assert_eq!(refusal(r#"{"a\u0000":1}"#).0, ScimType::InvalidValue);
    }

    #[test]
    fn strings_are_counted_in_characters() {
        let body = |length: usize| json!({"a": "ü".repeat(length)}).to_string();
        assert!(parse(body(limits::STRING_CHARACTERS).as_bytes()).is_ok());
        let (kind, detail) = refusal(body(limits::STRING_CHARACTERS + 1));
        assert_eq!(
            (kind, detail.as_str()),
            (ScimType::InvalidValue, "`/a` is too long; send at most 16384 characters")
        );
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        let body = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(parse(body(limits::JSON_DEPTH).as_bytes()).is_ok());
        for depth in [limits::JSON_DEPTH + 1, 70_000] {
            let (kind, detail) = refusal(body(depth));
            assert_eq!(kind, ScimType::InvalidSyntax);
            assert!(detail.contains("is nested too deep; send at most 32 levels"), "{detail}");
        }
    }

    #[test]
    fn what_is_not_one_json_object_in_utf_8_is_refused_in_clear_words() {
        let digits = format!("{{\"a\":{}}}", "9".repeat(1_000_000));
        let utf_16: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: [(&[u8], &str); 14] = [
            (b"", "the body is empty"),
            (b"\xEF\xBB\xBF{}", "byte order mark"),
            (&utf_16, "UTF-16"),
            (b"\xFE\xFF\0{\0}", "UTF-16"),
            (b"{\"a\":\"\xFF\"}", "not UTF-8 from byte 6 on"),
            (br#"{"a":"\ud800"}"#, "not valid JSON"),
            (br#"{"a":"\udc00x"}"#, "not valid JSON"),
            (b"{} x", "trailing characters"),
            (br#"{"a":1e999999}"#, "number out of range"),
            (digits.as_bytes(), "number out of range"),
            (br#"{"a":NaN}"#, "not valid JSON"),
            (br#"{"a":1"#, "EOF while parsing"),
            (b"[]", "the body is an array; send a JSON object"),
            (b"\"x\"", "the body is a string; send a JSON object"),
        ];
        for (body, expected) in bodies {
            let (kind, detail) = refusal(body);
            assert_eq!(kind, ScimType::InvalidSyntax, "{detail}");
            assert!(detail.contains(expected), "{detail}");
        }
    }

    #[test]
    fn a_message_stays_short_however_long_the_name() {
        assert!(refusal(format!("{{\"{0}\":1,\"{0}\":2}}", "n".repeat(10_000))).1.len() < 300);
    }

    fn bodies() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"A\""),
            Just("\"\\u0000\""),
            Just("\"\\ud800\""),
            Just("-1e5"),
            Just("true"),
            Just("null"),
            Just(" "),
        ];
        prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_is_accepted_is_what_any_reader_of_json_reads(body in bodies()) {
            if let Ok(value) = parse(format!("{{\"x\":{body}}}").as_bytes()) {
                let plain: Value = serde_json::from_str(&format!("{{\"x\":{body}}}")).unwrap();
                prop_assert_eq!(value, plain);
            }
        }
    }
}
