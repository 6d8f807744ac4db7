//! Requests and answers as the request log keeps them: their shape, the names of the schemas, identifiers of this
//! server, and nothing else of what a client wrote.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use url::form_urlencoded;

use super::render;
use super::schema::{Attribute, ResourceTypes};
use crate::model::ResourceId;

/// What stands for a value.
const MASK: &str = "…";

/// Members of the protocol's messages.
const MEMBERS: [&str; 24] = [
    "schemas",
    "id",
    "meta",
    "operations",
    "op",
    "path",
    "value",
    "method",
    "bulkid",
    "data",
    "response",
    "location",
    "version",
    "status",
    "scimtype",
    "detail",
    "resources",
    "totalresults",
    "itemsperpage",
    "startindex",
    "failonerrors",
    "resourcetype",
    "created",
    "lastmodified",
];
/// Words of filters, verbs of PATCH and of bulk requests.
const WORDS: [&str; 23] = [
    "eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le", "and", "or", "not", "true", "false", "null", "add",
    "remove", "replace", "post", "put", "patch", "delete",
];
/// Parameters of queries, by what their values are.
const EXPRESSIONS: [&str; 5] = ["filter", "attributes", "excludedattributes", "sortby", "sortorder"];
const NUMBERS: [&str; 2] = ["startindex", "count"];
/// Values that are canonical for `type` and the like.
const CANONICAL: [&str; 13] = [
    "work", "home", "other", "mobile", "fax", "pager", "user", "group", "direct", "indirect", "users", "groups", "bulk",
];

/// The names that are not of the client's making.
pub struct Names(BTreeSet<String>);

impl Names {
    /// Those of the schemas in force.
    pub fn of(types: &ResourceTypes) -> Self {
        fn gather(attributes: &[Attribute], names: &mut BTreeSet<String>) {
            for attribute in attributes {
                names.insert(attribute.name.to_lowercase());
                gather(&attribute.sub_attributes, names);
            }
        }
        let mut names: BTreeSet<String> = MEMBERS.iter().map(|name| (*name).to_owned()).collect();
        for resource_type in types.all() {
            gather(&resource_type.common, &mut names);
            for schema in resource_type.schemas() {
                names.insert(schema.id.to_lowercase());
                gather(&schema.attributes, &mut names);
            }
        }
        Self(names)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&name.to_lowercase())
    }

    /// Whether every part of a path is known: `name.givenName`, under a schema's URN or not.
    fn has_path(&self, path: &str) -> bool {
        let lower = path.to_lowercase();
        let urn = self.0.iter().find(|name| name.starts_with("urn:") && lower.starts_with(name.as_str()));
        let rest = urn.map_or(lower.as_str(), |urn| lower.get(urn.len()..).unwrap_or_default());
        let rest = rest.trim_start_matches([':', '.']);
        rest.is_empty() || rest.split('.').all(|part| self.0.contains(part))
    }
}

/// A body, masked; `None` if it is not JSON. `answer`: this server wrote it, so its own words stay. It is written while it
/// is read: what a client sends need not be built to be forgotten.
pub fn body(names: &Names, bytes: &[u8], answer: bool) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Masked { names, key: "", answer, out: &mut out }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(out)
}

/// A query, masked; `None` if there is nothing in it that means anything.
pub fn query(names: &Names, text: &str) -> Option<String> {
    let mut parameters = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let lower = name.to_lowercase();
        if EXPRESSIONS.contains(&lower.as_str()) {
            parameters.push(format!("{name}={}", expression(names, &value)));
        } else if NUMBERS.contains(&lower.as_str()) {
            let number = value.bytes().all(|byte| byte.is_ascii_digit());
            parameters.push(format!("{name}={}", if number { &value } else { MASK }));
        }
    }
    (!parameters.is_empty()).then(|| parameters.join("&"))
}

/// A filter or a path, masked: operators and known names stay, in their places.
pub fn expression(names: &Names, text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut characters = text.chars();
    let end = |word: &mut String, out: &mut String| {
        if !word.is_empty() {
            out.push_str(if stays(names, word) { word } else { MASK });
            word.clear();
        }
    };
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                end(&mut word, &mut out);
                let quoted = quoted(&mut characters);
                out.push('"');
                out.push_str(if is_issued(&quoted) { &quoted } else { MASK });
                out.push('"');
            }
            ' ' | '(' | ')' | '[' | ']' | ',' | '/' => {
                end(&mut word, &mut out);
                out.push(character);
            }
            _ => word.push(character),
        }
    }
    end(&mut word, &mut out);
    out
}

/// What stands up to the closing quote.
fn quoted(characters: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => {
                // An escaped character makes it no identifier of ours; which one it is does not matter.
                text.push('\\');
                characters.next();
            }
            _ => text.push(character),
        }
    }
    text
}

fn stays(names: &Names, word: &str) -> bool {
    let lower = word.to_lowercase();
    WORDS.contains(&lower.as_str())
        || ["users", "groups", "ascending", "descending"].contains(&lower.as_str())
        || names.has_path(word)
        || is_issued(word)
}

/// Whether it is an identifier such as this server issues (UUIDv7).
fn is_issued(text: &str) -> bool {
    text.parse::<ResourceId>().is_ok() && text.as_bytes().get(14) == Some(&b'7')
}

/// Reads one value and writes what is shown of it. `key`: the lower-case name it stands under.
struct Masked<'a> {
    names: &'a Names,
    key: &'a str,
    answer: bool,
    out: &'a mut String,
}

impl Masked<'_> {
    fn number(self, number: &impl ToString) {
        let known = ["totalresults", "itemsperpage", "startindex", "failonerrors"].contains(&self.key);
        if known {
            self.out.push_str(&number.to_string());
        } else {
            self.out.push('0');
        }
    }
}

impl<'de> DeserializeSeed<'de> for Masked<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Masked<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.out.push_str("null");
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(&number);
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(&number);
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(&Value::from(number));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        render::push_string(self.out, &masked_text(self.names, self.key, text, self.answer));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { names, key, answer, out } = self;
        out.push('[');
        let first = out.len();
        loop {
            let end = out.len();
            if end > first {
                out.push(',');
            }
            if elements.next_element_seed(Masked { names, key, answer, out })?.is_none() {
                out.truncate(end);
                out.push(']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { names, answer, out, .. } = self;
        out.push('{');
        let first = out.len();
        while let Some(name) = members.next_key::<String>()? {
            if out.len() > first {
                out.push(',');
            }
            let lower = name.to_lowercase();
            if names.0.contains(&lower) {
                render::push_string(out, &name);
            } else {
                render::push_string(out, &expression(names, &name));
            }
            out.push(':');
            members.next_value_seed(Masked { names, key: &lower, answer, out })?;
        }
        out.push('}');
        Ok(())
    }
}

fn masked_text<'a>(names: &Names, key: &str, text: &'a str, answer: bool) -> Cow<'a, str> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    let stays = match key {
        _ if text.is_empty() => true,
        "schemas" => names.has(text) || is_message(text),
        "op" | "method" => is_one_of(&WORDS),
        "type" | "resourcetype" => is_one_of(&CANONICAL),
        "id" | "value" => is_issued(text),
        "path" => return Cow::Owned(expression(names, text)),
        "detail" if answer => return Cow::Owned(masked_detail(names, text)),
        "scimtype" | "status" | "created" | "lastmodified" => answer,
        _ => false,
    };
    Cow::Borrowed(if stays { text } else { MASK })
}

/// Whether it is the URN of a message of the protocol (RFC 7644 §3.1).
fn is_message(urn: &str) -> bool {
    const MESSAGES: &str = "urn:ietf:params:scim:api:messages:2.0:";
    urn.len() < 64 && urn.get(..MESSAGES.len()).is_some_and(|start| start.eq_ignore_ascii_case(MESSAGES))
}

/// A sentence of this server: what stands between backticks may be the client's.
fn masked_detail(names: &Names, text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return MASK.to_owned();
    }
    let shown = parts.iter().enumerate().map(|(at, part)| {
        let ours = at.is_multiple_of(2) || names.has_path(part) || WORDS.contains(part) || is_issued(part);
        if ours { *part } else { MASK }
    });
    shown.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

    fn names() -> Names {
        Names::of(&ResourceTypes::builtin().unwrap())
    }

    fn request(value: &Value) -> Value {
        serde_json::from_str(&body(&names(), value.to_string().as_bytes(), false).unwrap()).unwrap()
    }

    #[test]
    fn a_body_keeps_its_shape_and_loses_its_values() {
        let sent = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:secret"],
            "userName": "ana@example.com", "active": true, "externalId": ID, "password": "hunter2", "secret-name": 7,
            "emails": [{ "value": "ana@example.com", "type": "work", "primary": true }, { "value": ID, "type": "ana" }],
            "name": { "givenName": "Ana", "middleName": "" }, "detail": "ana", "status": "ana", "title": null,
        });
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "…"],
            "userName": "…", "active": true, "externalId": "…", "password": "…", "…": 0,
            "emails": [{ "value": "…", "type": "work", "primary": true }, { "value": ID, "type": "…" }],
            "name": { "givenName": "…", "middleName": "" }, "detail": "…", "status": "…", "title": null,
        });
        assert_eq!(request(&sent), expected);
    }

    #[test]
    fn a_patch_shows_what_was_to_be_done_to_what() {
        let sent = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ana@example.com" },
            { "op": "remove", "path": format!("members[value eq \"{ID}\"]") },
            { "op": "ana", "path": "ana" },
            { "op": "add", "value": { "name.givenName": "Ana", "emails[value eq \"ana@x\"].type": "work" } },
        ] });
        let shown = request(&sent);
        let operations = &shown["Operations"];
        assert_eq!(operations[0], json!({ "op": "Replace", "path": "emails[type eq \"…\"].value", "value": "…" }));
        assert_eq!(operations[1]["path"], format!("members[value eq \"{ID}\"]"));
        assert_eq!(operations[2], json!({ "op": "…", "path": "…" }));
        assert_eq!(operations[3]["value"], json!({ "name.givenName": "…", "emails[value eq \"…\"].type": "…" }));
    }

    #[test]
    fn a_query_keeps_its_parameters_and_loses_what_is_sought() {
        for (sent, shown) in [
            ("filter=userName+eq+%22ana%40x.io%22&count=5", Some("filter=userName eq \"…\"&count=5")),
            ("filter=userName eq ana", Some("filter=userName eq …")),
            (
                "filter=emails[type eq \"work\" and value co \"a\\\"na\"]",
                Some("filter=emails[type eq \"…\" and value co \"…\"]"),
            ),
            (
                "filter=not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\")",
                Some("filter=not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"…\")"),
            ),
            ("filter=ana", Some("filter=…")),
            (
                "attributes=userName,emails.value,ana&startIndex=ana",
                Some("attributes=userName,emails.value,…&startIndex=…"),
            ),
            ("access_token=secret&x=ana", None),
            ("", None),
        ] {
            assert_eq!(query(&names(), sent).as_deref(), shown, "{sent}");
        }
    }

    #[test]
    fn an_answer_keeps_the_words_of_this_server_and_no_others() {
        let detail = "`userName` is `ana`; send a text; see `emails.value` and `members.value`";
        let sent = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "scimType": "invalidValue", "detail": detail });
        let shown: Value = serde_json::from_str(&body(&names(), sent.to_string().as_bytes(), true).unwrap()).unwrap();
        assert_eq!(shown["detail"], "`userName` is `…`; send a text; see `emails.value` and `members.value`");
        assert_eq!((&shown["status"], &shown["scimType"]), (&json!("400"), &json!("invalidValue")));
        assert_eq!(masked_detail(&names(), "`a` b`"), "…");
    }

    #[test]
    fn what_would_be_refused_is_shown_masked_as_well() {
        for (sent, shown) in [
            (r#"{"active":true,"Active":"ana","ana":1,"bea":[]}"#, r#"{"active":true,"Active":"…","…":0,"…":[]}"#),
            (r#"["ana",[],{},-1.5,null]"#, r#"["…",[],{},0,null]"#),
            (
                r#"{"startIndex":-1.5,"totalResults":3,"op":"a\u0000d"}"#,
                r#"{"startIndex":-1.5,"totalResults":3,"op":"…"}"#,
            ),
            (r#"{"userName":"a\"b","scimT\u0079pe":"ana"}"#, r#"{"userName":"…","scimType":"…"}"#),
        ] {
            assert_eq!(body(&names(), sent.as_bytes(), false).as_deref(), Some(shown), "{sent}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_kept() {
        let deep = "[".repeat(70_000);
        for text in ["", "{\"userName\": ana", "ana", "\u{0}", "{} ana", "[1,]", &deep] {
            assert_eq!(body(&names(), text.as_bytes(), false), None, "{text}");
        }
    }
}
