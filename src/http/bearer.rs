//! Bearer tokens (RFC 6750 §2.1): from the header only, never from a query or a body.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::model::limits;

/// The token, if there is exactly one header `Authorization` and it holds exactly one token. The scheme's letter case
/// does not count (RFC 9110 §11.1).
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let value = std::str::from_utf8(value.as_bytes()).ok()?;
    let (scheme, rest) = value.trim_matches([' ', '\t']).split_once(' ')?;
    let token = rest.trim_start_matches([' ', '\t']);
    // What else no token holds is refused with the tokens nobody issued. No early end: bytes are looked at many at a time.
    let is_token = token.bytes().fold(true, |so_far, byte| so_far & (byte.is_ascii_graphic() && byte != b','));
    let admissible = scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
        && token.len() <= limits::TOKEN_CHARACTERS
        && is_token;
    admissible.then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc ", " Bearer abc"] {
            assert_eq!(read(&[value]).as_deref(), Some("abc"), "{value}");
        }
    }

    #[test]
    fn anything_but_exactly_one_token_is_none() {
        let long = format!("Bearer {}", "a".repeat(limits::TOKEN_CHARACTERS + 1));
        for values in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer    "],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a, Bearer a"],
            &["Bearer\tabc"],
            &["Basic YTpi"],
            &["abc"],
            &["Bearer \u{e4}"],
            &["Bearer a", "Bearer a"],
            &["Bearer a", ""],
            &[long.as_str()],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
