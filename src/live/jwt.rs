//! Signed tokens that others present (RFC 7515, RFC 7519), read strictly: what says a thing twice, in another type or in
//! terms not known here is refused before any key is looked for. Nothing in a token says where its key is.

mod algorithm;
mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::model::{Moment, limits};
use crate::scim::json;

pub use algorithm::Algorithm;
pub use keys::{KeySetError, PublicKeys};

/// How far another clock may be ahead of this one, in seconds.
const CLOCKS_APART: i64 = 60;

/// The text is no signed token, or not one that is good here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token that is good here and now")]
pub struct NotGood;

/// A token as presented: what it says is not to be believed before [`Presented::is_signed_with`] has answered.
#[derive(Debug)]
pub struct Presented<'a> {
    algorithm: Algorithm,
    key: Option<String>,
    kind: Option<String>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Whether a bearer token is a JWT: tokens of our own have no dots.
pub fn is_meant(text: &str) -> bool {
    text.contains('.')
}

fn object(encoded: &str) -> Result<Map<String, Value>, NotGood> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_not_base64| NotGood)?;
    match json::parse(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(NotGood),
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, NotGood> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(NotGood),
    }
}

impl<'a> Presented<'a> {
    /// Reads a token in compact form.
    ///
    /// # Errors
    /// [`NotGood`] for anything but three parts, an algorithm known here and no extension that must be understood.
    pub fn parse(token: &'a str) -> Result<Self, NotGood> {
        if token.len() > limits::TOKEN_CHARACTERS {
            return Err(NotGood);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NotGood)?;
        let (header, claims) = signed.split_once('.').ok_or(NotGood)?;
        let (header, claims) = (object(header)?, object(claims)?);
        let algorithm = text(&header, "alg")?.and_then(|name| Algorithm::from_name(&name)).ok_or(NotGood)?;
        if header.contains_key("crit") || header.contains_key("b64") || header.contains_key("enc") {
            return Err(NotGood);
        }
        let (key, kind) = (text(&header, "kid")?, text(&header, "typ")?);
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_not_base64| NotGood)?;
        Ok(Self { algorithm, key, kind, claims, signed, signature })
    }

    /// The `kid` it names.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// How it says it is signed.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its `typ`, in lower case and without `application/`, which may be left out (RFC 7515 §4.1.9).
    pub fn kind(&self) -> Option<String> {
        let kind = self.kind.as_ref()?.to_ascii_lowercase();
        Some(kind.strip_prefix("application/").map_or_else(|| kind.clone(), str::to_owned))
    }

    /// A claim, if it is a string.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A claim of any type.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Whether one of the keys has signed it: the key it names, or the only one of its kind where it names none.
    pub fn is_signed_with(&self, keys: &PublicKeys) -> bool {
        let found = keys.find(self.algorithm, self.key());
        found.is_some_and(|key| key.has_signed(self.signed.as_bytes(), &self.signature))
    }

    /// Whether it is for this audience and for no other.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(text)) => text == audience,
            Some(Value::Array(all)) => matches!(all.as_slice(), [Value::String(text)] if text == audience),
            _ => false,
        }
    }

    /// Its times (RFC 7519 §4.1.4 to §4.1.6): it has begun and has not ended. Answers when it ends.
    ///
    /// # Errors
    /// [`NotGood`], also for a time that is anything but a whole number of seconds.
    pub fn check_times(&self, now: Moment) -> Result<i64, NotGood> {
        let now = now.as_micros().div_euclid(1_000_000);
        let seconds = |name: &str| match self.claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().filter(|seconds| *seconds >= 0).map(Some).ok_or(NotGood),
        };
        let ends = seconds("exp")?.ok_or(NotGood)?;
        let latest = now.saturating_add(CLOCKS_APART);
        let has_begun = |begins: Option<i64>| begins.is_none_or(|begins| begins <= latest);
        if ends > now && has_begun(seconds("nbf")?) && has_begun(seconds("iat")?) { Ok(ends) } else { Err(NotGood) }
    }
}

#[cfg(test)]
mod tests;
