//! The address clients use.

use std::fmt;

use url::{Host, Url};
use validator::ValidateUrl;

use super::{ConfigError, ListenAddress};

/// An absolute http or https URL without credentials, query, fragment and trailing slash: the base of every link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads the setting.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        // The text is not repeated: what is wrong with it may be the password in it.
        let refuse = |problem: &str| ConfigError::Value { setting: "public_url", problem: problem.to_owned() };
        let absolute = "expected an absolute URL such as `https://muster.example.com`";
        if !text.validate_url() {
            return Err(refuse(absolute));
        }
        let url = Url::parse(text).map_err(|error| refuse(&format!("{error}, {absolute}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse("expected a URL that begins with `https://` or `http://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("expected a URL without user name and password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("expected a URL without `?` and `#`"));
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// What it is when nothing is said: `http://`, the host as given, and the port.
    pub(super) fn of(listen: &ListenAddress, port: u16) -> Self {
        Self(format!("http://{}:{port}", listen.host()))
    }

    /// The text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is https.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it means this machine wherever it is read.
    pub fn is_loopback(&self) -> bool {
        match Url::parse(&self.0).ok().as_ref().and_then(Url::host) {
            Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_absolute_http_url_and_loses_its_trailing_slash() {
        for (given, kept) in [
            ("https://muster.example.com", "https://muster.example.com"),
            ("https://muster.example.com/", "https://muster.example.com"),
            ("https://example.com/muster/", "https://example.com/muster"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(PublicUrl::parse(given).unwrap().as_str(), kept);
        }
        for bad in [
            "",
            "muster.example.com",
            "/scim",
            "ftp://example.com",
            "https://",
            "https://u:canary@example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "javascript:alert(1)",
        ] {
            let message = PublicUrl::parse(bad).unwrap_err().to_string();
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn it_knows_whether_it_means_this_machine() {
        for (text, loopback) in [
            ("http://localhost:80", true),
            ("http://0.0.0.0:80", true),
            ("http://[::1]", true),
            ("https://muster.example.com", false),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
