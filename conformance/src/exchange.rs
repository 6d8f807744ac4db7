//! Requests and answers, as they went over the wire and as a report may show them.

use std::sync::Arc;

use serde_json::Value;

use crate::outcome::{Failure, Stop};

/// What stands in a report in place of a token.
const MASK: &str = "***";

/// Longer texts are cut in a report, so that one group of thousands does not bury the rest.
const SHOWN: usize = 4_000;

/// The schema of every error (RFC 7644 §3.12).
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A request before it is sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `PATCH` and so on.
    pub method: String,
    /// What follows the base URL, with its query.
    pub path: String,
    /// Headers beside the usual ones. `None` leaves a usual one out.
    pub headers: Vec<(String, Option<String>)>,
    /// The body as it is sent.
    pub body: Option<String>,
    /// Whether to come with the other token.
    pub as_other: bool,
}

impl Request {
    /// Without headers of its own and without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// With the other token.
    #[must_use]
    pub fn as_other(mut self) -> Self {
        self.as_other = true;
        self
    }
}

/// A request and what came back, masked, for a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The request: its line, its headers, its body.
    pub request: String,
    /// The answer, in the same way.
    pub answer: String,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// What a report shows of it.
    pub exchange: Arc<Exchange>,
}

impl Answer {
    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A failure that shows this answer.
    pub fn fail(&self, what: impl Into<String>) -> Stop {
        Stop::Failed(Box::new(Failure { what: what.into(), exchange: Some(Arc::clone(&self.exchange)) }))
    }

    /// # Errors
    /// A failure that shows this answer, unless it holds.
    pub fn check(&self, holds: bool, what: &str) -> Result<(), Stop> {
        if holds { Ok(()) } else { Err(self.fail(what)) }
    }

    /// Itself, if the status is the one expected.
    ///
    /// # Errors
    /// A failure that names both.
    pub fn expect(self, status: u16) -> Result<Self, Stop> {
        self.expect_one_of(&[status])
    }

    /// Itself, if the status is one of those expected.
    ///
    /// # Errors
    /// A failure that names both.
    pub fn expect_one_of(self, expected: &[u16]) -> Result<Self, Stop> {
        if expected.contains(&self.status) {
            return Ok(self);
        }
        let expected: Vec<String> = expected.iter().map(u16::to_string).collect();
        Err(self.fail(format!("expected status {}, found {}", expected.join(" or "), self.status)))
    }

    /// Itself, if it is an error object with this status and `scimType` (empty: any).
    ///
    /// # Errors
    /// A failure that says what is missing.
    pub fn expect_error(self, status: u16, scim_type: &str) -> Result<Self, Stop> {
        let answer = self.expect(status)?;
        let schemas = answer.body["schemas"].as_array();
        let is_error = schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == ERROR));
        answer.check(is_error, &format!("the body is no error object: `schemas` lacks `{ERROR}` (RFC 7644 §3.12)"))?;
        let named = answer.body["status"].as_str() == Some(status.to_string().as_str());
        answer.check(named, &format!("`status` in the body is not the string \"{status}\" (RFC 7644 §3.12)"))?;
        let typed = scim_type.is_empty() || answer.body["scimType"] == scim_type;
        answer.check(typed, &format!("`scimType` is not `{scim_type}` (RFC 7644 §3.12, table 9)"))?;
        Ok(answer)
    }

    /// # Errors
    /// A failure that names the place and both values, unless the value at this JSON pointer is the one expected.
    pub fn same(&self, pointer: &str, expected: &Value) -> Result<(), Stop> {
        let found = self.at(pointer);
        if found == expected {
            return Ok(());
        }
        Err(self.fail(format!("`{pointer}`: expected {expected}, found {found}")))
    }

    /// The value at a JSON pointer; null if there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The `id` of the resource in the body.
    ///
    /// # Errors
    /// A failure if there is none.
    pub fn id(&self) -> Result<String, Stop> {
        match self.body["id"].as_str() {
            Some(id) if !id.is_empty() => Ok(id.to_owned()),
            _ => Err(self.fail("the body has no `id` (RFC 7643 §3.1)")),
        }
    }

    /// The ids of the resources of a list, in their order.
    pub fn ids(&self) -> Vec<String> {
        let resources = self.body["Resources"].as_array().into_iter().flatten();
        resources.filter_map(|resource| resource["id"].as_str()).map(str::to_owned).collect()
    }
}

/// The two halves of an exchange as a report shows them, without these secrets.
pub fn show(request: &Request, base: &str, answer: (&str, &[(String, String)], &str), secrets: &[&str]) -> Exchange {
    let mut headers = vec![("authorization".to_owned(), format!("Bearer {MASK}"))];
    for (name, value) in &request.headers {
        let value = value.clone().unwrap_or_else(|| "(not sent)".to_owned());
        let value = if name.eq_ignore_ascii_case("authorization") { MASK.to_owned() } else { value };
        headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        headers.push((name.to_lowercase(), value));
    }
    let first = format!("{} {base}{}", request.method, request.path);
    let request = part(&first, &headers, request.body.as_deref().unwrap_or_default(), secrets);
    Exchange { request, answer: part(answer.0, answer.1, answer.2, secrets) }
}

fn part(first: &str, headers: &[(String, String)], body: &str, secrets: &[&str]) -> String {
    let mut text = first.to_owned();
    for (name, value) in headers {
        text.extend(["\n", name, ": ", value]);
    }
    if !body.is_empty() {
        text.push_str("\n\n");
        text.push_str(body);
    }
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, MASK);
    }
    if text.chars().count() > SHOWN {
        text = text.chars().take(SHOWN).collect::<String>() + "…";
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        let exchange = Arc::new(Exchange { request: "GET /x".to_owned(), answer: status.to_string() });
        Answer {
            status,
            headers: vec![("etag".to_owned(), "W/\"1\"".to_owned())],
            text: body.to_string(),
            body,
            exchange,
        }
    }

    #[test]
    fn tokens_are_masked_wherever_they_stand() {
        let request =
            Request::new("GET", "/Users?x=s3cret").header("Authorization", "Bearer s3cret").json(&json!("s3cret"));
        let shown = show(
            &request,
            "http://h",
            ("200", &[("x".to_owned(), "s3cret".to_owned())], "other"),
            &["s3cret", "other", ""],
        );
        assert!(!format!("{shown:?}").contains("s3cret") && !shown.answer.contains("other"), "{shown:?}");
        assert!(shown.request.starts_with("GET http://h/Users?x=***\n"), "{shown:?}");
    }

    #[test]
    fn long_bodies_are_cut() {
        let shown = show(&Request::new("GET", "/"), "", ("200", &[], &"ä".repeat(SHOWN * 2)), &[]);
        assert_eq!(shown.answer.chars().count(), SHOWN + 1);
    }

    #[test]
    fn an_error_object_needs_its_schema_its_status_as_text_and_its_type() {
        let good = json!({ "schemas": [ERROR], "status": "400", "scimType": "noTarget" });
        assert!(answer(400, good.clone()).expect_error(400, "noTarget").is_ok());
        assert!(answer(400, good.clone()).expect_error(400, "").is_ok());
        assert!(answer(400, good.clone()).expect_error(400, "invalidPath").is_err());
        assert!(answer(404, good.clone()).expect_error(400, "").is_err());
        for (name, wrong) in [("status", json!(400)), ("schemas", json!([])), ("scimType", Value::Null)] {
            let mut bad = good.clone();
            bad[name] = wrong;
            assert!(answer(400, bad).expect_error(400, "noTarget").is_err(), "{name}");
        }
    }

    #[test]
    fn values_headers_and_ids_are_found() {
        let one = answer(200, json!({ "id": "1", "name": { "givenName": "A" } }));
        assert_eq!((one.header("ETag"), one.header("Location")), ("W/\"1\"", ""));
        assert!(one.same("/name/givenName", &json!("A")).is_ok() && one.same("/name/x", &json!("A")).is_err());
        assert_eq!(one.id().ok().as_deref(), Some("1"));
        assert!(answer(200, json!({ "id": "" })).id().is_err());
        assert_eq!(answer(200, json!({ "Resources": [{ "id": "1" }, {}, { "id": "2" }] })).ids(), ["1", "2"]);
    }
}
