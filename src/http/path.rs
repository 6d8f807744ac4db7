//! Paths: taken apart and decoded in one place, once.

use std::borrow::Cow;

/// How often an encoded path is decoded to find out what it was meant for.
const DECODINGS: usize = 4;

/// The segments of a path, decoded once; empty ones are left out, so `//Users/` is `/Users`. An encoded `/` is part of
/// its segment. `None` if a segment is not valid percent-encoding of UTF-8.
pub fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

/// Whether a path is meant for the surface whose first segment is `name`, however it is spelled: encoded once or more, in
/// other letter case, with empty and `.` segments, with `;parameters`. Only one spelling leads to a resource; the others
/// must still meet the same authentication and the same form of answer.
pub fn is_under(name: &str, path: &str) -> bool {
    let first = |path: &str| {
        path.split(['/', '\\'])
            .map(|segment| segment.split(';').next().unwrap_or_default().trim())
            .find(|segment| !segment.is_empty() && *segment != ".")
            .is_some_and(|segment| segment.eq_ignore_ascii_case(name))
    };
    // The usual spelling costs nothing.
    if path.strip_prefix('/').and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('/')) {
        return true;
    }
    let mut path = Cow::Borrowed(path);
    for _ in 0..DECODINGS {
        if first(&path) {
            return true;
        }
        match decode(&path) {
            Some(Cow::Owned(decoded)) => path = Cow::Owned(decoded),
            _ => return false,
        }
    }
    false
}

/// Percent-decoding (RFC 3986 §2.1); `+` is itself. `None` if what follows a `%` is not two hexadecimal digits, or if the
/// bytes are not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next()?)? << 4 | digit(bytes.next()?)? } else { byte });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Whether the bytes are UTF-8 once decoded. A `%` that begins no encoding stands for itself, as in queries.
pub fn is_text(encoded: &str) -> bool {
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = |ahead: &mut std::str::Bytes<'_>| Some(digit(ahead.next()?)? << 4 | digit(ahead.next()?)?);
        match (byte == b'%').then(|| pair(&mut ahead)).flatten() {
            Some(encoded) => {
                decoded.push(encoded);
                bytes = ahead;
            }
            None => decoded.push(byte),
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once_and_empty_ones_left_out() {
        for (path, expected) in [
            ("/scim/v2/Users", vec!["scim", "v2", "Users"]),
            ("//scim//v2/Users/", vec!["scim", "v2", "Users"]),
            ("/%55sers/a%2Fb", vec!["Users", "a/b"]),
            ("/%2555sers", vec!["%55sers"]),
            ("/Users/a+b;x=1", vec!["Users", "a+b;x=1"]),
            ("/", vec![]),
        ] {
            assert_eq!(segments(path).unwrap(), expected, "{path}");
        }
        for path in ["/%", "/%5", "/%zz", "/%ff", "/%+5"] {
            assert_eq!(segments(path), None, "{path}");
        }
    }

    #[test]
    fn a_query_is_text_or_not() {
        for text in ["", "a=%22%C3%A9%22", "a=%EF%BF%BD", "a=%zz", "a=%", "a=%5", "a=100%&b=%20"] {
            assert!(is_text(text), "{text}");
        }
        for bytes in ["%ff", "a=%C3", "a=%C3%zz", "a=%C3&b=%A9", "%ed%a0%80"] {
            assert!(!is_text(bytes), "{bytes}");
        }
    }

    #[test]
    fn a_surface_is_recognized_in_every_spelling() {
        for path in [
            "/scim/v2/Users",
            "/scim",
            "/scim;x/v2/Users",
            "//scim/v2",
            "/./scim/v2",
            "/SCIM/v2",
            "/%73cim/v2",
            "/%73%63%69%6d%2Fv2",
            "/%2573cim/v2",
            "/%2Fscim/v2",
            "/%2e/scim",
            "\\scim\\v2",
        ] {
            assert!(is_under("scim", path), "{path}");
        }
        for path in ["/", "/healthz", "/scimitar", "/x/scim", "/%zzscim", "*", "/%25%25"] {
            assert!(!is_under("scim", path), "{path}");
        }
    }
}
