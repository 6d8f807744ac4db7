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

    /// Welch's t of two samples, without their slowest tenth: what else the machine did meanwhile.
    fn welch(samples: [Vec<f64>; 2]) -> f64 {
        let [(mean, error), (other_mean, other_error)] = samples.map(|mut sample| {
            sample.sort_unstable_by(f64::total_cmp);
            sample.truncate(sample.len() * 9 / 10);
            let count = f64::from(u32::try_from(sample.len()).unwrap());
            let mean = sample.iter().sum::<f64>() / count;
            let squares: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
            (mean, squares / (count - 1.0) / count)
        });
        (mean - other_mean) / (error + other_error).sqrt()
    }

    /// How long an answer takes for each of two wrong hashes, asked in turn, `times` times each; in nanoseconds.
    fn in_turn(hashes: [&[u8]; 2], times: usize, compare: impl Fn(&[u8]) -> bool) -> [Vec<f64>; 2] {
        let mut samples = [Vec::with_capacity(times), Vec::with_capacity(times)];
        for turn in 0..times {
            // Whoever is first in a round would otherwise always be.
            for which in [turn % 2, 1 - turn % 2] {
                let began = crate::clock::Clock::monotonic();
                std::hint::black_box(compare(std::hint::black_box(hashes[which])));
                let took = crate::clock::Clock::monotonic().duration_since(began).as_nanos();
                samples[which].push(f64::from(u32::try_from(took).unwrap_or(u32::MAX)));
            }
        }
        samples
    }

    #[test]
    fn how_long_a_wrong_secret_takes_does_not_tell_how_much_of_it_is_right() {
        let (text, hash) = issued();
        let token = Token::parse(&text).unwrap();
        let (mut at_once, mut at_last) = (hash.clone(), hash.clone());
        at_once[0] ^= 1;
        at_last[31] ^= 1;
        let hashes = [at_once.as_slice(), at_last.as_slice()];
        let times = 100_000;
        // The measure can tell: a comparison that ends at the first difference shows.
        let naive = |candidate: &[u8]| hash.iter().zip(candidate).all(|(expected, byte)| expected == byte);
        let t = welch(in_turn(hashes, times, naive));
        assert!(t < -4.5, "a comparison with an early end is not recognised: t = {t}");
        // One run in a thousand may be disturbed on one side; three are not.
        let runs: Vec<f64> =
            (0..3).map(|_| welch(in_turn(hashes, times, |candidate| token.matches(candidate)))).collect();
        assert!(runs.iter().any(|t| t.abs() < 4.5), "t = {runs:?}");
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
