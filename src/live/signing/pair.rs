//! Key pairs that sign tokens: RS256 with 2048 bits and ES256 (RFC 7518 §3.3, §3.4), named by their thumbprints.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA with SHA-256 and PKCS #1 padding; what every receiver of security events knows.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    /// The name in headers of tokens (RFC 7518 §3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// A key cannot be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key cannot be made, read or used")]
pub struct SigningError;

enum Secret {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A key that signs, and what others verify with.
pub struct SigningPair {
    secret: Secret,
    id: String,
    public: Value,
}

impl fmt::Debug for SigningPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningPair({})", self.id)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new private key, in PKCS #8.
///
/// # Errors
/// [`SigningError`].
pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, SigningError> {
    let der = match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_unspecified| SigningError)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_unspecified| SigningError)?;
            der.as_ref().to_vec()
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_unspecified| SigningError)?;
            pair.to_pkcs8v1().map_err(|_unspecified| SigningError)?.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(der))
}

impl SigningPair {
    /// Reads a private key.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, SigningError> {
        let (secret, members) = match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_rejected| SigningError)?;
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                let members = json!({ "e": encode(e), "kty": "RSA", "n": encode(n) });
                (Secret::Rsa(pair), members)
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(|_rejected| SigningError)?;
                // An uncompressed point: 4, x, y.
                let point = pair.public_key().as_ref().split_first().ok_or(SigningError)?.1;
                let (x, y) = point.split_at_checked(32).ok_or(SigningError)?;
                let members = json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) });
                (Secret::Ec(pair), members)
            }
        };
        // RFC 7638: the required members in the order of their names, without spaces, which is how they are written.
        let id = encode(digest(&SHA256, members.to_string().as_bytes()).as_ref());
        let mut public = members;
        for (name, value) in [("kid", id.as_str()), ("use", "sig"), ("alg", algorithm.as_str())] {
            if let Some(object) = public.as_object_mut() {
                object.insert(name.to_owned(), value.into());
            }
        }
        Ok(Self { secret, id, public })
    }

    /// Its `kid`: the thumbprint (RFC 7638).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What others verify with (RFC 7517).
    pub const fn public(&self) -> &Value {
        &self.public
    }

    /// How it signs.
    pub const fn algorithm(&self) -> Algorithm {
        match self.secret {
            Secret::Rsa(_) => Algorithm::Rs256,
            Secret::Ec(_) => Algorithm::Es256,
        }
    }

    /// A signed token in compact form (RFC 7515 §7.1); `kind` is its `typ`.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn sign(&self, kind: &str, claims: &str) -> Result<String, SigningError> {
        let header = json!({ "alg": self.algorithm().as_str(), "kid": self.id, "typ": kind }).to_string();
        let mut token = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let signature = match &self.secret {
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
                    .map_err(|_unspecified| SigningError)?;
                signature
            }
            Secret::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), token.as_bytes());
                signature.map_err(|_unspecified| SigningError)?.as_ref().to_vec()
            }
        };
        token.push('.');
        token.push_str(&encode(&signature));
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    use super::*;

    #[test]
    fn a_token_verifies_under_the_published_key_and_under_no_other() {
        for (algorithm, expected) in
            [(Algorithm::Rs256, jsonwebtoken::Algorithm::RS256), (Algorithm::Es256, jsonwebtoken::Algorithm::ES256)]
        {
            let pair = || SigningPair::from_pkcs8(algorithm, &generate(algorithm).unwrap()).unwrap();
            let (ours, other) = (pair(), pair());
            let token = ours.sign("secevent+jwt", &json!({ "jti": "a" }).to_string()).unwrap();
            let verifies = |pair: &SigningPair| {
                let key: Jwk = serde_json::from_value(pair.public().clone()).unwrap();
                let mut validation = Validation::new(expected);
                validation.required_spec_claims.clear();
                decode::<Value>(&token, &DecodingKey::from_jwk(&key).unwrap(), &validation).is_ok()
            };
            assert!(verifies(&ours));
            assert!(!verifies(&other));
            assert_ne!(ours.id(), other.id());
        }
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let pair = SigningPair::from_pkcs8(Algorithm::Es256, &generate(Algorithm::Es256).unwrap()).unwrap();
        let key: Jwk = serde_json::from_value(pair.public().clone()).unwrap();
        assert_eq!(key.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), pair.id());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for algorithm in Algorithm::ALL {
            assert!(SigningPair::from_pkcs8(algorithm, b"").is_err());
            assert!(SigningPair::from_pkcs8(algorithm, &[0x30; 64]).is_err());
        }
    }
}
