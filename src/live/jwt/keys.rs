//! Public keys of others (RFC 7517), each good for one algorithm whatever a token says.

use aws_lc_rs::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, Verifier};

/// Keys in one set that are looked at.
const MOST: usize = 100;

/// The text is no set of public keys that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a JSON Web Key Set.
    #[error("not a JSON Web Key Set: expected an object with an array `keys`")]
    NotASet,
    /// A private or symmetric key.
    #[error("it holds a key that must stay with its owner; leave out `d`, `k` and all else that is private")]
    Private,
    /// Nothing to verify with.
    #[error("it holds no key for {}; RSA needs 2,048 bits", Algorithm::NAMES)]
    Empty,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point (SEC 1 §2.3.3), or what Ed25519 has for it (RFC 8032 §5.1.2).
    Point(Vec<u8>),
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    material: Material,
}

/// A set of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys(Vec<PublicKey>);

fn bytes(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()?;
    // Numbers: leading zeros do not count.
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

fn coordinate(key: &Map<String, Value>, name: &str, length: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok().filter(|bytes| bytes.len() == length)
}

impl PublicKey {
    /// `None` for keys of another kind, or for something else than signatures. A key has one algorithm (RFC 8725 §3.1):
    /// the one it names, or the one of its curve; RSA that names none is for RS256.
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let named = match text("alg") {
            None => None,
            Some(name) => Some(Algorithm::from_name(name)?),
        };
        let (algorithm, material) = match text("kty")? {
            "RSA" => {
                let algorithm = named.unwrap_or(Algorithm::Rs256);
                let material = Material::Rsa { n: bytes(key, "n")?, e: bytes(key, "e")? };
                algorithm.is_rsa().then_some((algorithm, material))?
            }
            kind @ ("EC" | "OKP") => {
                let curve = text("crv")?;
                let algorithm = Algorithm::ALL.into_iter().find(|one| one.curve().0 == curve)?;
                let (_, length) = algorithm.curve();
                let x = coordinate(key, "x", length)?;
                let point = match (kind, algorithm) {
                    ("OKP", Algorithm::EdDsa) => x,
                    ("EC", Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512) => {
                        [vec![4], x, coordinate(key, "y", length)?].concat()
                    }
                    _ => return None,
                };
                (algorithm, Material::Point(point))
            }
            _ => return None,
        };
        let fits = named.is_none_or(|named| named == algorithm);
        fits.then(|| Self { id: text("kid").map(str::to_owned), algorithm, material })
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, self.algorithm.verifier()) {
            (Material::Rsa { n, e }, Verifier::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            (Material::Point(point), Verifier::Point(verifier)) => {
                UnparsedPublicKey::new(verifier, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

impl PublicKeys {
    /// Reads a JSON Web Key Set; keys that cannot be used here are left out.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(text: &str) -> Result<Self, KeySetError> {
        let value: Value = serde_json::from_str(text).map_err(|_not_json| KeySetError::NotASet)?;
        let keys = value.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotASet)?;
        let mut read = Vec::new();
        for key in keys.iter().take(MOST) {
            let members = key.as_object().ok_or(KeySetError::NotASet)?;
            if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|private| members.contains_key(*private)) {
                return Err(KeySetError::Private);
            }
            read.extend(PublicKey::read(members));
        }
        if read.is_empty() { Err(KeySetError::Empty) } else { Ok(Self(read)) }
    }

    /// The key of this id for this algorithm; without an id the only one for it.
    pub(super) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&PublicKey> {
        let mut found =
            self.0.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        match (found.next(), found.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }

    /// Whether a key of this id is there.
    pub fn has(&self, id: Option<&str>) -> bool {
        id.is_none() || self.0.iter().any(|key| key.id.as_deref() == id)
    }
}
