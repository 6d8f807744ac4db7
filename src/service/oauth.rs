//! Tokens for machines: short-lived ones for clients (RFC 6749 §4.4), and those of outside issuers.
//!
//! A client is a credential; what it is good for are its scopes. An access token names the credential and bears no power
//! of its own: revoking the credential ends it with the next request.

mod access_token;
mod grant;
mod outside;

use crate::live::{Admission, jwt};
use crate::model::CredentialKind;

use super::Services;

pub use grant::{ASSERTION, AccessToken, ClientProof, GrantError, grant};

/// Where tokens are given out, below the base of every link.
pub const TOKEN_PATH: &str = "/oauth2/token";
/// Changing streams and their status (CAEP interoperability profile 1.0).
pub const SSF_MANAGE: &str = "ssf.manage";
/// Reading streams and their status, and fetching.
pub const SSF_READ: &str = "ssf.read";
/// Provisioning.
pub const SCIM: &str = "scim";
/// Asking for decisions.
pub const EVALUATE: &str = "access.evaluate";
/// Every scope.
pub const SCOPES: [&str; 4] = [SCIM, SSF_MANAGE, SSF_READ, EVALUATE];

/// What the client of a credential may be granted.
pub const fn scopes_of(kind: CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::Scim => &[SCIM],
        CredentialKind::Pep => &[EVALUATE],
        CredentialKind::Receiver => &[SSF_MANAGE, SSF_READ],
        CredentialKind::Admin | CredentialKind::Auditor => &[],
    }
}

/// What of its credential a token may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// All of it.
    Everything,
    /// These scopes alone, separated by spaces.
    Scopes(String),
}

impl Granted {
    /// Whether it is good for this.
    pub fn allows(&self, scope: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Scopes(scopes) => scopes.split(' ').any(|granted| granted == scope),
        }
    }
}

/// Judges a bearer token of any form. Blocks.
pub(super) fn admit(services: &Services, text: &str) -> (Admission, Granted) {
    if !jwt::is_meant(text) {
        return (services.live.admit(text), Granted::Everything);
    }
    let Ok(token) = jwt::Presented::parse(text) else { return (Admission::Refused, Granted::Everything) };
    if token.claim("iss") == Some(services.public_url.as_str()) {
        access_token::admit(services, &token)
    } else {
        (outside::admit(services, &token), Granted::Everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_the_scopes_it_was_granted_and_no_other() {
        let granted = Granted::Scopes("ssf.read scim".to_owned());
        assert!(granted.allows(SSF_READ) && granted.allows(SCIM));
        for other in [SSF_MANAGE, "ssf", "ssf.rea", "", "ssf.read scim"] {
            assert!(!granted.allows(other), "{other}");
        }
        assert!(Granted::Everything.allows(SSF_MANAGE));
    }
}
