//! Tokens: `muster_<kind>_` and 64 bytes in base64url: organization, credential, secret.
//!
//! The prefix lets secret scanners find them; the ids in clear let one indexed row be read; the secret is compared by
//! its hash and kept nowhere.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::ids::{self, RandomError};
use crate::model::{CredentialId, CredentialKind, OrganizationId, limits};

/// The text is no token of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this server")]
pub struct TokenError;

/// A credential as OAuth clients name themselves (RFC 6749 §2.2): organization and credential, separated by a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId {
    /// The organization it says it belongs to.
    pub organization: OrganizationId,
    /// The credential it says it is.
    pub credential: CredentialId,
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.organization, self.credential)
    }
}

impl FromStr for ClientId {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (organization, credential) = text.split_once('.').ok_or(TokenError)?;
        let read = Self {
            organization: organization.parse().map_err(|_not_an_id| TokenError)?,
            credential: credential.parse().map_err(|_not_an_id| TokenError)?,
        };
        // One spelling alone.
        if read.to_string() == text { Ok(read) } else { Err(TokenError) }
    }
}

/// A token as presented.
pub struct Token {
    /// The organization it says it belongs to.
    pub organization: OrganizationId,
    /// The credential it says it is.
    pub credential: CredentialId,
    secret: Zeroizing<[u8; 32]>,
}

impl Token {
    /// Makes a new secret; answers the text to show once and the hash to keep.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn issue(
        kind: CredentialKind,
        organization: OrganizationId,
        credential: CredentialId,
    ) -> Result<(Zeroizing<String>, Vec<u8>), RandomError> {
        let secret = Zeroizing::new(ids::random::<32>()?);
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        bytes.extend_from_slice(organization.as_bytes());
        bytes.extend_from_slice(credential.as_bytes());
        bytes.extend_from_slice(secret.as_slice());
        let text = Zeroizing::new(format!("muster_{}_{}", kind.as_str(), URL_SAFE_NO_PAD.encode(&*bytes)));
        Ok((text, digest(&SHA256, secret.as_slice()).as_ref().to_vec()))
    }

    /// Reads a token. Whether it admits anybody is another question.
    ///
    /// # Errors
    /// [`TokenError`] without saying more.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > limits::TOKEN_CHARACTERS {
            return Err(TokenError);
        }
        let rest = text.strip_prefix("muster_").ok_or(TokenError)?;
        let (kind, encoded) = rest.split_once('_').ok_or(TokenError)?;
        CredentialKind::from_name(kind).ok_or(TokenError)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).map_err(|_not_base64| TokenError)?);
        let (organization, rest) = bytes.split_first_chunk::<16>().ok_or(TokenError)?;
        let (credential, rest) = rest.split_first_chunk::<16>().ok_or(TokenError)?;
        let secret = <[u8; 32]>::try_from(rest).map_err(|_wrong_length| TokenError)?;
        Ok(Self {
            organization: OrganizationId::from_bytes(organization).map_err(|_not_an_id| TokenError)?,
            credential: CredentialId::from_bytes(credential).map_err(|_not_an_id| TokenError)?,
            secret: Zeroizing::new(secret),
        })
    }

    /// Whether the secret is the one the hash was made of; takes the same time whichever byte differs.
    pub fn matches(&self, secret_hash: &[u8]) -> bool {
        verify_slices_are_equal(digest(&SHA256, self.secret.as_slice()).as_ref(), secret_hash).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn issued() -> (Zeroizing<String>, Vec<u8>) {
        let now = Moment::from_micros(1_700_000_000_000_000);
        Token::issue(CredentialKind::Scim, ids::organization(now), ids::credential(now)).unwrap()
    }

    #[test]
    fn a_token_is_recognised_by_its_hash_and_by_no_other() {
        let ((text, hash), (_, other)) = (issued(), issued());
        let token = Token::parse(&text).unwrap();
        assert!(token.matches(&hash));
        assert!(!token.matches(&other));
        assert!(!token.matches(b""));
    }

    #[test]
    fn a_token_shortened_or_lengthened_by_one_character_is_none() {
        let (text, _) = issued();
        let (mut shorter, longer) = (text.to_string(), format!("{}A", *text));
        shorter.pop();
        for wrong in [shorter.as_str(), &longer, "", "muster_scim_", "muster__AAAA", "Bearer", &"x".repeat(10_000)] {
            assert!(Token::parse(wrong).is_err(), "{wrong}");
        }
    }
}
