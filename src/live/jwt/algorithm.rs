//! How tokens of others may be signed (RFC 7518 §3.1, RFC 8037 §3.1).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, VerificationAlgorithm,
};

/// What verifies a signature: of RSA by number and exponent, of all else by one text of bytes.
pub(super) enum Verifier {
    Rsa(&'static RsaParameters),
    Point(&'static dyn VerificationAlgorithm),
}

/// A way of signing with a private key; whoever has the public one can only verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA with PKCS #1 padding, SHA-256.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSA with PSS padding, SHA-256.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256, SHA-256.
    Es256,
    /// ECDSA on P-384, SHA-384.
    Es384,
    /// ECDSA on P-521, SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];
    /// Their names in a sentence.
    pub const NAMES: &str = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA (Ed25519)";

    /// Reads the name that headers and keys give it. `none` and those of shared secrets (`HS256`) are none.
    pub fn from_name(name: &str) -> Option<Self> {
        // RFC 9864 §2.2 gives the one curve there is a name of its own.
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether its keys are of RSA.
    pub(super) const fn is_rsa(self) -> bool {
        matches!(self.verifier(), Verifier::Rsa(_))
    }

    /// The curve of its keys and the length of a coordinate there, in bytes; empty for RSA (RFC 7518 §6.2.1.1,
    /// RFC 8037 §2).
    pub(super) const fn curve(self) -> (&'static str, usize) {
        match self {
            Self::Es256 => ("P-256", 32),
            Self::Es384 => ("P-384", 48),
            Self::Es512 => ("P-521", 66),
            Self::EdDsa => ("Ed25519", 32),
            _ => ("", 0),
        }
    }

    pub(super) const fn verifier(self) -> Verifier {
        match self {
            Self::Rs256 => Verifier::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Verifier::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Verifier::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Verifier::Rsa(&RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Verifier::Rsa(&RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Verifier::Rsa(&RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Verifier::Point(&ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Verifier::Point(&ECDSA_P384_SHA384_FIXED),
            Self::Es512 => Verifier::Point(&ECDSA_P521_SHA512_FIXED),
            Self::EdDsa => Verifier::Point(&ED25519),
        }
    }

    /// The left half of a text's hash, by the hash of this algorithm: what `at_hash` is (OpenID Connect Core §3.1.3.6).
    pub fn half_hash(self, text: &str) -> Vec<u8> {
        let hash = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &SHA384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa => &SHA512,
        };
        let whole = digest::digest(hash, text.as_bytes());
        whole.as_ref().iter().copied().take(hash.output_len() / 2).collect()
    }
}
