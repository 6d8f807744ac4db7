//! A client that expects its server to die.

use std::time::Duration;

use muster::clock::Clock;
use serde_json::Value;

/// A SCIM client over one kept connection.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: bool,
    pub(super) body: Value,
}

impl Client {
    /// `base` is `http://` and where the server listens.
    pub(super) fn new(base: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        let agent = config.timeout_global(Some(Duration::from_secs(20))).build().into();
        Self { agent, base: format!("{base}/scim/v2"), token: token.to_owned() }
    }

    /// The answer, if there is one.
    pub(super) fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        let mut response = if body.is_null() {
            self.agent.run(request.body(()).unwrap())?
        } else {
            let request = request.header("Content-Type", "application/scim+json");
            self.agent.run(request.body(body.to_string()).unwrap())?
        };
        let (status, retry_after) = (response.status().as_u16(), response.headers().contains_key("Retry-After"));
        let text = response.body_mut().read_to_string()?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Ok(Answer { status, retry_after, body })
    }

    /// Creates a user of this name.
    pub(super) fn create(&self, name: &str) -> Result<Answer, ureq::Error> {
        let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
        self.send("POST", "/Users", &serde_json::json!({ "schemas": [schema], "userName": name }))
    }

    /// PATCH with one operation.
    pub(super) fn patch(&self, path: &str, operation: &Value) -> Result<Answer, ureq::Error> {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.send("PATCH", path, &serde_json::json!({ "schemas": [schema], "Operations": [operation] }))
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.send("GET", path, &Value::Null)
    }
}

/// Tries until it succeeds. Whatever is tried must take a while by itself.
///
/// # Panics
/// When that takes longer than two minutes.
#[track_caller]
pub(super) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Clock::monotonic();
    while began.elapsed() < Duration::from_mins(2) {
        if let Some(found) = attempt() {
            return found;
        }
        std::thread::yield_now();
    }
    panic!("{what} does not happen");
}
