//! Keys that sign bundles: Ed25519, written as verifier keys of signed notes (C2SP signed-note), `name+hash+key`.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of the seed that a signing key is made of.
pub const SEED_BYTES: usize = 32;
/// Bytes of a public key.
const PUBLIC_BYTES: usize = 32;
/// Bytes of the hash that tells keys of one name apart.
const HASH_BYTES: usize = 4;
/// The algorithm byte of Ed25519.
const ALGORITHM: u8 = 1;

/// A key cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not of the form.
    #[error("the key is not of the form `name+hash+key`, expected what `muster key show` prints")]
    Form,
    /// The hash does not belong to name and key: something was mistyped.
    #[error("the hash in the key does not fit its name and its bytes; copy the whole key again")]
    Hash,
    /// A name that would not survive being written down.
    #[error("the key's name `{0}` must not be empty and must not hold spaces or `+`")]
    Name(String),
}

/// A public key and its name, as written down: `muster.example/acme+3f2a91c0+AQ…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; PUBLIC_BYTES],
}

impl VerifierKey {
    /// Whose key it is: the deployment's host and the organization.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }

    fn hash(&self) -> Vec<u8> {
        let hashed = [self.name.as_bytes(), b"\n", &[ALGORITHM], &self.public].concat();
        digest(&SHA256, &hashed).as_ref().iter().take(HASH_BYTES).copied().collect()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+", self.name)?;
        self.hash().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "+{}", STANDARD.encode([&[ALGORITHM][..], &self.public].concat()))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(_hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let bytes = STANDARD.decode(key).map_err(|_not_base64| VerifierKeyError::Form)?;
        let Some((&ALGORITHM, public)) = bytes.split_first() else { return Err(VerifierKeyError::Form) };
        let public = public.try_into().map_err(|_wrong_length| VerifierKeyError::Form)?;
        let read = Self { name: checked(name)?.to_owned(), public };
        // One key has one text; any other is a slip.
        if read.to_string() == text.trim() { Ok(read) } else { Err(VerifierKeyError::Hash) }
    }
}

/// The key that signs for an organization.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

impl SigningKey {
    /// From its seed.
    ///
    /// # Errors
    /// [`VerifierKeyError::Name`]; [`VerifierKeyError::Form`] when the seed is refused.
    pub fn from_seed(name: &str, seed: &[u8; SEED_BYTES]) -> Result<Self, VerifierKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_refused| VerifierKeyError::Form)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_wrong_length| VerifierKeyError::Form)?;
        Ok(Self { pair, verifier: VerifierKey { name: checked(name)?.to_owned(), public } })
    }

    /// What others verify with.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature over a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

fn checked(name: &str) -> Result<&str, VerifierKeyError> {
    if name.is_empty() || name.contains(|letter: char| letter == '+' || letter.is_whitespace() || letter.is_control()) {
        return Err(VerifierKeyError::Name(name.to_owned()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text_and_from_no_other() {
        let key = SigningKey::from_seed("muster.example/acme", &[7; SEED_BYTES]).unwrap();
        let text = key.verifier().to_string();
        assert_eq!(text.parse::<VerifierKey>().as_ref(), Ok(key.verifier()));
        for position in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed.parse::<VerifierKey>().is_err(), "{changed}");
        }
        for text in ["", "x", "a+b", "a+00000000+", "a+00000000+AQ=="] {
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_message_and_its_key_alone() {
        let key = SigningKey::from_seed("a", &[7; SEED_BYTES]).unwrap();
        let other = SigningKey::from_seed("a", &[8; SEED_BYTES]).unwrap();
        let signature = key.sign(b"message");
        assert!(key.verifier().verifies(b"message", &signature));
        assert!(!key.verifier().verifies(b"massage", &signature));
        assert!(!other.verifier().verifies(b"message", &signature));
        assert!(!key.verifier().verifies(b"message", b""));
    }

    #[test]
    fn a_name_that_breaks_the_text_is_refused() {
        for name in ["", "a+b", "a b", "a\nb"] {
            assert!(SigningKey::from_seed(name, &[7; SEED_BYTES]).is_err(), "{name}");
        }
    }
}
