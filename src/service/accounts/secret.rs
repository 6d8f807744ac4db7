//! What a browser or a link shows: an id and a secret, 48 bytes in base64url. The secret is kept nowhere, only its hash.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::ids::{self, RandomError};

/// Characters of the text.
const TEXT: usize = 64;

/// A secret as it was shown, with the id of what it belongs to.
pub struct Secret {
    id: [u8; 16],
    secret: Zeroizing<[u8; 32]>,
}

impl Secret {
    /// Makes a new one for this id; answers the text to show and the hash to keep.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn issue(id: &[u8; 16]) -> Result<(Zeroizing<String>, Vec<u8>), RandomError> {
        let secret = Zeroizing::new(ids::random::<32>()?);
        let bytes = Zeroizing::new([id.as_slice(), secret.as_slice()].concat());
        Ok((Zeroizing::new(URL_SAFE_NO_PAD.encode(&*bytes)), hash(secret.as_slice())))
    }

    /// Reads one. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self { id: *id, secret: Zeroizing::new(secret.try_into().ok()?) })
    }

    /// The id.
    pub const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// Whether it is the one the hash was made of; takes the same time whichever byte differs.
    pub fn matches(&self, secret_hash: &[u8]) -> bool {
        verify_slices_are_equal(&hash(self.secret.as_slice()), secret_hash).is_ok()
    }
}

/// Whether two texts are one; takes the same time whichever byte differs.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    !one.is_empty() && verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// The hash that is kept of a secret.
pub(super) fn hash(secret: &[u8]) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_by_no_other() {
        let (text, kept) = Secret::issue(&[7; 16]).unwrap();
        let (_, other) = Secret::issue(&[7; 16]).unwrap();
        let read = Secret::parse(&text).unwrap();
        assert_eq!(read.id(), &[7; 16]);
        assert!(read.matches(&kept) && !read.matches(&other) && !read.matches(b""));
    }

    #[test]
    fn a_text_of_another_length_or_alphabet_is_none() {
        let (text, _) = Secret::issue(&[7; 16]).unwrap();
        let spoiled = text.replacen(|_: char| true, "=", 1);
        let shorter: String = text.chars().skip(1).collect();
        for wrong in ["", &shorter, &format!("{}A", *text), &spoiled] {
            assert!(Secret::parse(wrong).is_none(), "{wrong}");
        }
    }
}
