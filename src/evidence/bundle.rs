//! Bundles: canonical JSON of which every byte but the signature is signed. What does not hold is said first and plainly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::{self, canonical};
use super::certificate::Certificate;
use super::key::{SigningKey, VerifierKey, VerifierKeyError};

/// The largest bundle that is read.
pub const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What a bundle says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Statement {
    /// Somebody is gone.
    LeaverCertificate(Certificate),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    format: u8,
    key: String,
    statement: Statement,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    signature: String,
}

const FORMAT: u8 = 1;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A value without a canonical text.
    #[error(transparent)]
    Canonical(#[from] canonical::NotCanonical),
    /// A value that is no JSON.
    #[error("the bundle cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Why a bundle does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too large to be one.
    #[error("the file is larger than any bundle")]
    TooLarge,
    /// Not a bundle, or one with members that are unknown.
    #[error("the file is not a bundle: {0}")]
    Form(String),
    /// Another writing of the same values, or bytes before or after.
    #[error("the file is not in canonical form: it was changed after it was written")]
    NotCanonical,
    /// A later form.
    #[error("the bundle is of format {0}, this program knows format {FORMAT}; use a later one")]
    Format(u8),
    /// The key inside is none.
    #[error("the key in the bundle cannot be read: {0}")]
    Key(#[from] VerifierKeyError),
    /// Another key than the one expected.
    #[error("the bundle was signed by `{found}`, expected `{expected}`")]
    OtherKey {
        /// Who signed.
        found: String,
        /// Who should have.
        expected: String,
    },
    /// The signature is not one over these bytes.
    #[error("the signature does not fit: the bundle was changed, or was not signed by the key it names")]
    Signature,
    /// Authentic, and says itself that it does not hold.
    #[error("{0}")]
    Content(String),
}

/// A bundle that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who signed.
    pub key: VerifierKey,
    /// Whether that was who the caller expected, or merely who the bundle names.
    pub pinned: bool,
    /// What it says.
    pub statement: Statement,
    /// What is authentic and yet not confirmed, a line each.
    pub unconfirmed: Vec<String>,
}

/// Writes and signs a bundle.
///
/// # Errors
/// [`BundleError`].
pub fn sign(statement: Statement, key: &SigningKey) -> Result<String, BundleError> {
    let mut signed = Signed { format: FORMAT, key: key.verifier().to_string(), statement, signature: String::new() };
    let message = canonical(&serde_json::to_value(&signed)?)?;
    signed.signature = STANDARD.encode(key.sign(message.as_bytes()));
    Ok(canonical(&serde_json::to_value(&signed)?)?)
}

/// Verifies a bundle; one newline may follow it. Without `pinned` it is held against the key it names, which shows that
/// it is whole and not whose it is.
///
/// # Errors
/// [`Refusal`]: what does not hold.
pub fn verify(text: &str, pinned: Option<&VerifierKey>) -> Result<Verified, Refusal> {
    if text.len() > MOST_BYTES {
        return Err(Refusal::TooLarge);
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    let form = |error: serde_json::Error| Refusal::Form(error.to_string());
    let value: Value = serde_json::from_str(text).map_err(form)?;
    // Also what shows members that stand twice, of which the reader has kept one.
    if canonical(&value).ok().as_deref() != Some(text) {
        return Err(Refusal::NotCanonical);
    }
    let mut signed: Signed = serde_json::from_value(value).map_err(form)?;
    if signed.format != FORMAT {
        return Err(Refusal::Format(signed.format));
    }
    let key: VerifierKey = signed.key.parse()?;
    if let Some(pinned) = pinned
        && *pinned != key
    {
        return Err(Refusal::OtherKey { found: key.to_string(), expected: pinned.to_string() });
    }
    let signature = STANDARD.decode(std::mem::take(&mut signed.signature)).map_err(|_not_base64| Refusal::Signature)?;
    let message = serde_json::to_value(&signed).ok().and_then(|value| canonical(&value).ok());
    if !message.is_some_and(|message| key.verifies(message.as_bytes(), &signature)) {
        return Err(Refusal::Signature);
    }
    let Statement::LeaverCertificate(certificate) = &signed.statement;
    if let Some(contradiction) = certificate.contradiction() {
        return Err(Refusal::Content(contradiction));
    }
    let unconfirmed = certificate.unconfirmed();
    Ok(Verified { key, pinned: pinned.is_some(), statement: signed.statement, unconfirmed })
}

#[cfg(test)]
pub(super) mod tests;
