//! The signature of GitHub's webhooks: HMAC-SHA-256 of the body.

use actix_web::http::header::HeaderMap;
use aws_lc_rs::hmac;

use super::Refusal;

/// The key of a secret.
pub(super) fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// Checks that whoever knows the secret has signed the body.
///
/// # Errors
/// 401.
pub(super) fn check(key: &hmac::Key, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let shown = headers.get("X-Hub-Signature-256").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = shown.strip_prefix("sha256=").and_then(bytes).ok_or(Refusal::Signature)?;
    hmac::verify(key, body, &signature).map_err(|_unspecified| Refusal::Signature)
}

/// Reads hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(bytes("00fF10"), Some(vec![0, 255, 16]));
        for text in ["0", "0g", "é0", "+1"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
