//! How a caller proves who it is without a secret of ours: by a key of its own, or by a token of an outside issuer.

use std::collections::BTreeMap;

use super::{CredentialId, OrganizationId};

/// Where the keys are that signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// A JSON Web Key Set (RFC 7517 §5).
    Given(String),
    /// The address of one.
    At(String),
}

/// Whose tokens admit, and which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideIssuer {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Their `aud`.
    pub audience: String,
    /// What they must say besides: which tenant, which application.
    pub claims: BTreeMap<String, String>,
}

/// What proves that a caller is the one a credential is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whose credential.
    pub organization: OrganizationId,
    /// Which.
    pub credential: CredentialId,
    /// Whose tokens admit; `None`: the caller signs itself (RFC 7523).
    pub issuer: Option<OutsideIssuer>,
    /// What signatures are verified with.
    pub keys: Keys,
}

impl OutsideIssuer {
    /// Whether one token could fit this and another: unless there is a claim of which they ask for different values.
    pub fn may_be(&self, other: &Self) -> bool {
        let differs = |(name, value): (&String, &String)| other.claims.get(name).is_some_and(|theirs| theirs != value);
        (&self.issuer, &self.audience) == (&other.issuer, &other.audience) && !self.claims.iter().any(differs)
    }

    /// The claims as they are kept: one text for one meaning.
    pub fn claims_text(&self) -> String {
        let members = self.claims.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        serde_json::Value::Object(members.collect()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_are_told_apart_by_a_claim_they_ask_different_values_of() {
        let issuer = |claims: &[(&str, &str)]| OutsideIssuer {
            issuer: "https://idp.example".to_owned(),
            audience: "muster".to_owned(),
            claims: claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let (a, b) = (issuer(&[("tid", "a")]), issuer(&[("tid", "b")]));
        assert!(!a.may_be(&b) && a.may_be(&a));
        assert!(a.may_be(&issuer(&[])) && issuer(&[]).may_be(&a) && a.may_be(&issuer(&[("azp", "b")])));
        assert!(!a.may_be(&OutsideIssuer { audience: "other".to_owned(), ..a.clone() }));
    }
}
