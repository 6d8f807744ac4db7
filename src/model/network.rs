//! Which addresses may be connected to: those of the public internet, and the networks an operator allows.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network, expected an address and a length such as `10.0.0.0/8` or `fd00::/8`")]
pub struct NetworkError(String);

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, bits: u32) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), bits }
    }

    const fn v6(a: u16, b: u16, c: u16, bits: u32) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), bits }
    }

    /// Whether an address is of this network. IPv4 written as IPv6 is IPv4.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32, self.bits),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

/// Whether the first `bits` of `length` are the same.
fn same(one: u128, other: u128, length: u32, bits: u32) -> bool {
    (one ^ other).checked_shr(length.saturating_sub(bits)).unwrap_or_default() == 0
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, bits) = text.trim().split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_not_an_address| wrong())?;
        let bits: u32 = bits.parse().map_err(|_not_a_number| wrong())?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        if bits > length { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

/// IPv4 that is not the public internet: the special-purpose registry of RFC 6890, multicast, and what is reserved.
const NOT_PUBLIC_V4: [Network; 15] = [
    Network::v4(0, 0, 0, 8),
    Network::v4(10, 0, 0, 8),
    Network::v4(100, 64, 0, 10),
    Network::v4(127, 0, 0, 8),
    Network::v4(169, 254, 0, 16),
    Network::v4(172, 16, 0, 12),
    Network::v4(192, 0, 0, 24),
    Network::v4(192, 0, 2, 24),
    Network::v4(192, 88, 99, 24),
    Network::v4(192, 168, 0, 16),
    Network::v4(198, 18, 0, 15),
    Network::v4(198, 51, 100, 24),
    Network::v4(203, 0, 113, 24),
    Network::v4(224, 0, 0, 4),
    Network::v4(240, 0, 0, 4),
];

/// Only this part of IPv6 is given out to the public internet …
const PUBLIC_V6: Network = Network::v6(0x2000, 0, 0, 3);
/// … and of it not protocol assignments with Teredo, documentation, and 6to4, which leads on to IPv4.
const NOT_PUBLIC_V6: [Network; 4] = [
    Network::v6(0x2001, 0, 0, 23),
    Network::v6(0x2001, 0xdb8, 0, 32),
    Network::v6(0x2002, 0, 0, 16),
    Network::v6(0x3fff, 0, 0, 20),
];

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    let none = |networks: &[Network]| !networks.iter().any(|network| network.holds(address));
    match address.to_canonical() {
        IpAddr::V4(_) => none(&NOT_PUBLIC_V4),
        IpAddr::V6(_) => PUBLIC_V6.holds(address) && none(&NOT_PUBLIC_V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "2606:4700::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let others = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in others {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.holds("10.1.255.255".parse().unwrap()));
        assert!(network.holds("::ffff:10.1.0.1".parse().unwrap()), "IPv4 in another writing");
        assert!(!network.holds("10.2.0.0".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds("9.9.9.9".parse().unwrap()));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().holds("::1".parse().unwrap()));
        assert!("::1/128".parse::<Network>().unwrap().holds("::1".parse().unwrap()));
        assert!(!"::1/128".parse::<Network>().unwrap().holds("::2".parse().unwrap()));
        for text in ["", "10.0.0.0", "10.0.0.0/33", "::/129", "10.0/8", "x/8", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
