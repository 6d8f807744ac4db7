//! Where to listen.

use std::fmt;

use super::ConfigError;

/// A host (name or address) and a port, as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    port: u16,
}

impl ListenAddress {
    /// Reads `127.0.0.1:8080`, `localhost:8080` or `[::1]:8080`.
    pub(super) fn parse(setting: &'static str, text: &str) -> Result<Self, ConfigError> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let bare_version_six = |host: &str| host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        match parts {
            Some((host, port)) if url::Host::parse(host).is_ok() && !bare_version_six(host) => {
                Ok(Self { host: host.to_owned(), port })
            }
            _ => Err(ConfigError::Value {
                setting,
                problem: format!("`{text}` is not an address, expected a host and a port such as `127.0.0.1:8080`"),
            }),
        }
    }

    /// The host, as given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 for any that is free.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match url::Host::parse(&self.host) {
            Ok(url::Host::Ipv4(address)) => address.is_loopback(),
            Ok(url::Host::Ipv6(address)) => address.is_loopback(),
            Ok(url::Host::Domain(name)) => name == "localhost",
            Err(_not_a_host) => false,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, loopback) in [
            ("127.0.0.1:8080", true),
            ("localhost:80", true),
            ("[::1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:1", false),
        ] {
            let address = ListenAddress::parse("listen", text).unwrap();
            assert_eq!((address.to_string().as_str(), address.is_loopback()), (text, loopback));
        }
        for text in
            ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "http://a:80", "a b:1"]
        {
            assert!(ListenAddress::parse("listen", text).is_err(), "{text:?}");
        }
    }
}
