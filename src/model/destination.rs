//! Destinations: URLs that administrators name, and the addresses behind their names.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::network::{Network, is_public};

/// The longest destination.
const MOST_BYTES: usize = 2048;

/// Why a destination is refused. The text tells what the administrator has written and nothing of what is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Not a URL of the web.
    #[error("the address is not a URL of the web, expected one such as `https://ci.example.com/events`")]
    Form,
    /// Too long.
    #[error("the address is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// A user name, a password or a fragment.
    #[error("the address must hold no user name, password or fragment; credentials have a field of their own")]
    Credentials,
    /// Without TLS to the public internet.
    #[error("the address must begin with `https://`: what is sent there is secret")]
    NotEncrypted,
    /// An address inside.
    #[error("the host is not one of the public internet; an operator may allow its network in `outbound_networks`")]
    NotPublic,
}

/// Where outgoing requests may go: the public internet by TLS, and the networks an operator allows in any way.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    allowed: Vec<Network>,
    anywhere: bool,
}

impl Destinations {
    /// With the networks an operator allows besides.
    pub const fn new(allowed: Vec<Network>) -> Self {
        Self { allowed, anywhere: false }
    }

    /// Anywhere: for a command that goes where the one who runs it says.
    pub const fn anywhere() -> Self {
        Self { allowed: Vec::new(), anywhere: true }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.anywhere || self.allowed.iter().any(|network| network.holds(address))
    }

    /// Reads a destination when it is named. What a name stands for is looked at each time it is connected to.
    ///
    /// # Errors
    /// [`DestinationError`].
    pub fn parse(&self, text: &str) -> Result<Url, DestinationError> {
        if text.len() > MOST_BYTES {
            return Err(DestinationError::TooLong);
        }
        // The URL standard forgives what other readers of the same text do not.
        if text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\\') {
            return Err(DestinationError::Form);
        }
        let url = Url::parse(text).map_err(|_not_a_url| DestinationError::Form)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(DestinationError::Form);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(DestinationError::Credentials);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(DestinationError::Form),
        };
        if let Some(address) = address
            && !is_public(address)
            && !self.is_allowed(address)
        {
            return Err(DestinationError::NotPublic);
        }
        if url.scheme() == "http" && self.allowed.is_empty() && !self.anywhere {
            return Err(DestinationError::NotEncrypted);
        }
        Ok(url)
    }

    /// Whether an address may be connected to; `encrypted`: by TLS.
    ///
    /// # Errors
    /// [`DestinationError::NotPublic`], [`DestinationError::NotEncrypted`].
    pub fn permit(&self, address: SocketAddr, encrypted: bool) -> Result<(), DestinationError> {
        match (self.is_allowed(address.ip()), is_public(address.ip()), encrypted) {
            (true, _, _) | (false, true, true) => Ok(()),
            (false, true, false) => Err(DestinationError::NotEncrypted),
            (false, false, _) => Err(DestinationError::NotPublic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ways to write an address inside; every one of them means loopback, a private network or this link.
    const INSIDE: [&str; 26] = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.5.4/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://１２７.０.０.１/",
    ];

    #[test]
    fn addresses_inside_are_refused_however_they_are_written() {
        for text in INSIDE {
            assert_eq!(Destinations::default().parse(text), Err(DestinationError::NotPublic), "{text}");
        }
        let allowed = Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(allowed.parse("http://127.0.0.1:8080/events").is_ok());
        assert_eq!(allowed.parse("http://10.0.0.1/"), Err(DestinationError::NotPublic));
    }

    #[test]
    fn what_is_no_plain_address_of_the_web_is_refused() {
        let default = Destinations::default();
        for text in [
            "",
            "x",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://",
            "https:// example.com/",
            "https://exa\tmple.com/",
            "https://example.com\\@evil.example/",
            "gopher://example.com/",
        ] {
            assert_eq!(default.parse(text), Err(DestinationError::Form), "{text}");
        }
        for text in ["https://user@example.com/", "https://user:pass@example.com/", "https://example.com/#x"] {
            assert_eq!(default.parse(text), Err(DestinationError::Credentials), "{text}");
        }
        assert_eq!(default.parse("http://example.com/"), Err(DestinationError::NotEncrypted));
        assert_eq!(default.parse(&format!("https://example.com/{}", "x".repeat(2048))), Err(DestinationError::TooLong));
        assert!(default.parse("https://ci.example.com:8443/events?stream=1").is_ok());
    }

    #[test]
    fn what_a_name_stands_for_is_held_to_the_same_rule() {
        let allowed = Destinations::new(vec!["10.0.0.0/8".parse().unwrap()]);
        for (address, encrypted, expected) in [
            ("1.1.1.1:443", true, Ok(())),
            ("1.1.1.1:80", false, Err(DestinationError::NotEncrypted)),
            ("10.0.0.1:80", false, Ok(())),
            ("127.0.0.1:443", true, Err(DestinationError::NotPublic)),
            ("[::ffff:127.0.0.1]:443", true, Err(DestinationError::NotPublic)),
        ] {
            assert_eq!(allowed.permit(address.parse().unwrap(), encrypted), expected, "{address}");
        }
    }
}
