//! Sealing: AES-256-GCM under a key of thirty-two bytes. Destroying a key erases whatever it sealed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce, which must be random and never come twice under one key.
pub const NONCE_BYTES: usize = NONCE_LEN;

/// A value cannot be sealed, or what was sealed cannot be opened: another key, another place, or a changed byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open: it was sealed under another key, for another place, or was changed")]
pub struct SealError;

/// Seals `plain` for the place `bound_to`; the nonce stands in front of the answer.
///
/// # Errors
/// [`SealError`] when the value is too long for the cipher.
pub fn seal(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    bound_to: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut body = plain.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut body)
        .map_err(|_unspecified| SealError)?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut body);
    Ok(sealed)
}

/// Opens what [`seal`] made for the same place.
///
/// # Errors
/// [`SealError`].
pub fn open(key: &[u8; KEY_BYTES], bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError)?;
    let mut body = body.to_vec();
    let plain = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound_to), &mut body)
        .map_err(|_unspecified| SealError)?
        .len();
    body.truncate(plain);
    Ok(body)
}

/// Another key, made of `key` and fit for one `purpose` alone; who has it learns nothing of `key`.
///
/// # Errors
/// None that can happen: HMAC-SHA-256 yields as many bytes as a key has.
pub fn derive(key: &[u8; KEY_BYTES], purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), purpose);
    <[u8; KEY_BYTES]>::try_from(made.as_ref()).map(Zeroizing::new).map_err(|_wrong_length| SealError)
}

fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_unspecified| SealError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let derived = |key: u8, purpose: &[u8]| *derive(&[key; 32], purpose).unwrap();
        assert_eq!(derived(7, b"here"), derived(7, b"here"));
        assert_ne!(derived(7, b"here"), derived(7, b"there"));
        assert_ne!(derived(7, b"here"), derived(8, b"here"));
        assert_ne!(derived(7, b"here"), [7; 32]);
    }

    #[test]
    fn a_sealed_value_opens_only_under_its_key_at_its_place_and_unchanged() {
        let sealed = seal(&[7; 32], [1; 12], b"here", b"Ada").unwrap();
        assert_eq!(open(&[7; 32], b"here", &sealed).unwrap(), b"Ada");
        assert_eq!(open(&[8; 32], b"here", &sealed), Err(SealError));
        assert_eq!(open(&[7; 32], b"there", &sealed), Err(SealError));
        for i in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[i] ^= 1;
            assert_eq!(open(&[7; 32], b"here", &flipped), Err(SealError), "byte {i}");
        }
        assert_eq!(open(&[7; 32], b"here", b"short"), Err(SealError));
    }
}
