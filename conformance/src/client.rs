//! Sends requests and records what goes over the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use ureq::config::AutoHeaderValue;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::Url;

use crate::exchange::{Answer, Exchange, Request, show};
use crate::outcome::{Failure, Stop};

/// Longer than the most patient identity provider waits (Okta: 60 seconds).
const PATIENCE: Duration = Duration::from_mins(1);

/// Servers close a connection that is idle for longer, some after five seconds; one that is just being closed must not be
/// used.
const IDLE: Duration = Duration::from_secs(2);

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The status, the headers and the body of an answer.
type Parts = (u16, Vec<(String, String)>, String);

/// The server under test.
#[derive(Debug, Clone)]
pub struct Target {
    /// The SCIM base URL, without a slash at its end.
    base_url: String,
    /// The bearer token.
    token: String,
    /// A token of another organization, for what must not be seen.
    other_token: Option<String>,
}

impl Target {
    /// # Errors
    /// A sentence, if the URL is none of HTTP.
    pub fn new(base_url: &str, token: &str, other_token: Option<&str>) -> Result<Self, String> {
        let url = Url::parse(base_url).map_err(|error| format!("`{base_url}` is not a URL ({error})"))?;
        if !["http", "https"].contains(&url.scheme()) || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{base_url}` is not a base URL; expected `https://host/path`"));
        }
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            other_token: other_token.map(str::to_owned),
        })
    }

    /// The SCIM base URL, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether there is a token of another organization.
    pub fn has_other(&self) -> bool {
        self.other_token.is_some()
    }
}

/// A client of the server under test. Threads may share it.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    /// One that opens a connection for every request.
    patient: ureq::Agent,
    /// Whether the server has answered in HTTP/1.0, which ends a connection with its answer.
    closes: AtomicBool,
    target: Target,
}

impl Client {
    /// A client that sends nothing beside what it is told to.
    pub fn new(target: Target) -> Self {
        // A provider may be installed already: then that one is used.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let certificates = rustls_native_certs::load_native_certs().certs;
        let roots = certificates.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots))).build();
        let agent = |connections: usize| -> ureq::Agent {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .allow_non_standard_methods(true)
                .max_redirects(0)
                .max_idle_connections_per_host(connections)
                .max_idle_age(IDLE)
                .user_agent(AutoHeaderValue::None)
                .accept(AutoHeaderValue::None)
                .accept_encoding(AutoHeaderValue::None)
                .timeout_global(Some(PATIENCE))
                .tls_config(tls.clone())
                .build()
                .into()
        };
        Self { agent: agent(64), patient: agent(0), closes: AtomicBool::new(false), target }
    }

    /// The server under test.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a request.
    ///
    /// # Errors
    /// A failure if there is no answer at all.
    pub fn send(&self, request: &Request) -> Result<Answer, Stop> {
        let secrets = [self.target.token.as_str(), self.target.other_token.as_deref().unwrap_or_default()];
        let shown = |status: &str, headers: &[(String, String)], text: &str| {
            show(request, &self.target.base_url, (status, headers, text), &secrets)
        };
        let (status, headers, text) = self.answer(request).map_err(|error| {
            let exchange = shown("(no answer)", &[], &error);
            let what = format!("no answer: {error}");
            Stop::Failed(Box::new(Failure { what, exchange: Some(Arc::new(exchange)) }))
        })?;
        let exchange: Exchange = shown(&status.to_string(), &headers, &text);
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text, body, exchange: Arc::new(exchange) })
    }

    fn answer(&self, request: &Request) -> Result<Parts, String> {
        let uri = format!("{}{}", self.target.base_url, request.path);
        let mut built = ureq::http::Request::builder().method(request.method.as_str()).uri(uri);
        for (name, value) in self.headers(request) {
            built = built.header(name, value);
        }
        let agent = if self.closes.load(Ordering::Relaxed) { &self.patient } else { &self.agent };
        let result = match &request.body {
            Some(body) => agent.run(built.body(body.clone()).map_err(|error| error.to_string())?),
            None => agent.run(built.body(()).map_err(|error| error.to_string())?),
        };
        let mut response = result.map_err(|error| error.to_string())?;
        if response.version() == ureq::http::Version::HTTP_10 {
            self.closes.store(true, Ordering::Relaxed);
        }
        let named = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(named).collect();
        let bytes =
            response.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), headers, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The usual headers, and the request's own in their place.
    fn headers(&self, request: &Request) -> Vec<(String, String)> {
        let token = match &self.target.other_token {
            Some(other) if request.as_other => other,
            _ => &self.target.token,
        };
        let mut headers = vec![
            ("Authorization".to_owned(), format!("Bearer {token}")),
            ("User-Agent".to_owned(), concat!("scim-conformance/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("Accept".to_owned(), "application/scim+json".to_owned()),
        ];
        if request.body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/scim+json".to_owned()));
        }
        for (name, value) in &request.headers {
            headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
            if let Some(value) = value {
                headers.push((name.clone(), value.clone()));
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_one_of_http_without_a_query() {
        assert_eq!(Target::new("https://h/scim/v2/", "t", None).unwrap().base_url(), "https://h/scim/v2");
        for wrong in ["", "h/scim", "ftp://h", "https://h/?x=1", "https://h/#x"] {
            assert!(Target::new(wrong, "t", None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_of_its_own_takes_the_place_of_a_usual_one() {
        let client = Client::new(Target::new("http://h", "mine", Some("theirs")).unwrap());
        let mut request = Request::new("GET", "/Users").header("accept", "*/*").as_other();
        request.headers.push(("user-agent".to_owned(), None));
        let headers = client.headers(&request);
        assert_eq!(
            headers,
            [("Authorization", "Bearer theirs"), ("accept", "*/*")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }
}
