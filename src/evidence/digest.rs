//! Digests: what arrived, named without being kept.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;

/// SHA-256 of a request's body; `None` of an empty one.
pub fn of_body(body: &[u8]) -> Option<[u8; DIGEST_BYTES]> {
    if body.is_empty() { None } else { digest(&SHA256, body).as_ref().try_into().ok() }
}

/// As hexadecimal digits.
pub fn text(digest: &[u8; DIGEST_BYTES]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_named_by_its_digest_and_none_by_nothing() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_body(b"abc").map(|digest| text(&digest)).as_deref(), Some(expected));
        assert_eq!(of_body(b""), None);
    }
}
