//! Signing in by an organization's identity provider: OpenID Connect, authorization code flow with PKCE.
//!
//! An attempt is kept by the browser that makes it, sealed under the organization's key: its state, its nonce, its
//! verifier. Only that browser can finish it, once, within ten minutes, and only while the settings are the same.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::db::console::providers::{self, StoredProvider};
use crate::db::organizations::{self, Organization};
use crate::ids;
use crate::live::Discovered;
use crate::model::{JoinedBy, OrganizationId, SessionId, Slug, limits};
use crate::service::{ServiceError, Services};

use super::identity_token::{self, Believed};
use super::secret;
use super::sessions::{SignedIn, minutes};

/// What attempts are sealed for.
const SEALED_FOR: &[u8] = b"attempts to sign in";
/// How old a proof of identity may be when nothing else is asked for: as old as a session gets.
const USUAL_AGE: i64 = 12 * 3_600;
/// How old it may be when somebody is to prove it anew, seconds.
const ANEW_AGE: i64 = 5 * 60;

/// Why nobody is signed in by an identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityRefusal {
    /// There is no such organization, or it has no identity provider.
    NoProvider,
    /// The identity provider does not answer as it should.
    Unreachable,
    /// Nobody asked in this session, a short while ago, for an identity to be joined.
    NotAsked,
    /// The attempt is not of this browser, too old, used, or from before the settings changed.
    Stale,
    /// The identity provider said no.
    Refused,
    /// What arrived is not to be believed.
    NotBelieved,
    /// The identity provider was to ask anew who it is, and did not say that it has.
    NotAnew,
    /// A claim that is required is missing or another.
    NotAllowed,
    /// No user, or more than one, is found by what the identity provider says.
    NobodyFound,
    /// The user is known to be another identity of the same issuer.
    OtherIdentity,
    /// The user may not act.
    NotActive,
}

/// What an attempt is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Purpose<'a> {
    /// Whoever it is must prove it anew.
    pub anew: bool,
    /// The identity is to be joined to whoever is signed in, who has said so: [`Services::intent_to_connect`].
    pub connect: Option<(&'a str, Option<&'a SignedIn>)>,
}

/// An attempt that begins.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What it keeps meanwhile.
    pub cookie: String,
}

/// What a browser comes back with.
#[derive(Debug, Clone, Copy)]
pub struct Returned<'a> {
    /// `state`.
    pub state: &'a str,
    /// `code`; empty if there is none.
    pub code: &'a str,
    /// `iss` (RFC 9207); empty if there is none.
    pub issuer: &'a str,
    /// `error`; empty if there is none.
    pub error: &'a str,
    /// What it kept.
    pub cookie: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    settings: i64,
    until: i64,
    anew: bool,
    connect: Option<String>,
}

/// Somebody an identity provider has signed in, and what of the attempt matters from here on.
pub(super) struct Proven {
    pub(super) organization: Organization,
    pub(super) stored: StoredProvider,
    pub(super) believed: Believed,
    /// By what the attempt is known to have been used.
    pub(super) attempt: Vec<u8>,
    /// The session whose user it is to be joined to.
    pub(super) connect: Option<SessionId>,
}

impl Services {
    /// The identity provider an organization's people sign in by; `None` also where there is no such organization. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn provider_of(&self, slug: &str) -> Result<Option<(Organization, StoredProvider)>, ServiceError> {
        self.live.read(|tx| {
            let Some(organization) = organizations::by_slug(tx, slug)? else { return Ok(None) };
            Ok(providers::by_organization(tx, organization.id)?.map(|stored| (organization, stored)))
        })
    }

    /// What a sign-in page offers: the slug of an organization whose identity provider is offered, empty for none, and
    /// whether there may be others to be named. Nobody is told of an organization they do not know: `remembered` is the
    /// one the browser has signed in to. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn offered_provider(&self, remembered: Option<&Slug>) -> Result<(String, bool), ServiceError> {
        self.live.read(|tx| {
            let first = organizations::first_two(tx)?;
            let offered = match (remembered, first.as_slice()) {
                (_, [only]) => Some(only.clone()),
                (Some(slug), _) => organizations::by_slug(tx, slug.as_str())?,
                (None, _) => None,
            };
            let Some(organization) = offered else { return Ok((String::new(), first.len() > 1)) };
            let has_one = providers::by_organization(tx, organization.id)?.is_some();
            Ok((if has_one { organization.slug } else { String::new() }, first.len() > 1))
        })
    }

    /// Where an identity provider sends browsers back to: what is to be registered there, for one organization alone.
    pub fn redirect_uri(&self, slug: &str) -> String {
        format!("{}/sign-in/to/{slug}/callback", self.public_url)
    }

    /// Begins an attempt to sign in. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn begin_sign_in(
        &self,
        slug: &str,
        purpose: Purpose<'_>,
    ) -> Result<Result<Begun, IdentityRefusal>, ServiceError> {
        let Some((organization, stored)) = self.provider_of(slug)? else {
            return Ok(Err(IdentityRefusal::NoProvider));
        };
        let connect = match purpose.connect {
            None => None,
            Some((shown, signed_in)) => match self.intends(organization.id, shown, signed_in)? {
                Some(session) => Some(session),
                None => return Ok(Err(IdentityRefusal::NotAsked)),
            },
        };
        let Some(discovered) = self.discovered(&stored) else { return Ok(Err(IdentityRefusal::Unreachable)) };
        // Its keys are at hand when many come back at once; whether they can be had is seen then.
        let _ = self.live.published_keys(&discovered.jwks_uri, None);
        let Ok(mut url) = Url::parse(&discovered.authorization_endpoint) else {
            return Ok(Err(IdentityRefusal::Unreachable));
        };
        let random = || ids::random::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let failed = |error: ids::RandomError| ServiceError::Internal(error.to_string());
        let until = self.clock.now().plus_micros(minutes(limits::SIGN_IN_LINK_MINUTES));
        let attempt = Attempt {
            state: random().map_err(failed)?,
            nonce: random().map_err(failed)?,
            verifier: random().map_err(failed)?,
            settings: stored.changed_at.as_micros(),
            until: until.as_micros(),
            anew: purpose.anew,
            connect: connect.map(|session| session.to_string()),
        };
        let scope = match stored.provider.joined_by {
            JoinedBy::ExternalId => "openid",
            JoinedBy::UserName => "openid profile",
            JoinedBy::Email => "openid email",
        };
        // RFC 7636 §4.2.
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, attempt.verifier.as_bytes()));
        let age = if purpose.anew { 0 } else { USUAL_AGE };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &stored.provider.client_id)
            .append_pair("redirect_uri", &self.redirect_uri(slug))
            .append_pair("scope", scope)
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            // Whoever is asked for an age must say when it was (OpenID Connect Core §3.1.2.1).
            .append_pair("max_age", &age.to_string());
        if purpose.anew {
            url.query_pairs_mut().append_pair("prompt", "login");
        }
        let text = serde_json::to_vec(&attempt).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let sealed = self
            .live
            .read::<_, ServiceError>(|tx| Ok(self.live.seal_cursor(tx, organization.id, SEALED_FOR, &text)?))?;
        Ok(Ok(Begun { url: url.into(), cookie: URL_SAFE_NO_PAD.encode(sealed) }))
    }

    fn discovered(&self, stored: &StoredProvider) -> Option<Arc<Discovered>> {
        let found = self.live.discover(&stored.provider.issuer, false);
        found.inspect_err(|error| tracing::warn!(error = %error, "an identity provider cannot be used")).ok()
    }

    /// Finds out who has come back from an identity provider. Blocks.
    pub(super) fn proven(
        &self,
        slug: &str,
        returned: &Returned<'_>,
    ) -> Result<Result<Proven, IdentityRefusal>, ServiceError> {
        let Some((organization, stored)) = self.provider_of(slug)? else {
            return Ok(Err(IdentityRefusal::NoProvider));
        };
        let now = self.clock.now();
        let attempt = match self.attempt(organization.id, returned.cookie)? {
            Some(attempt) if now.as_micros() < attempt.until => attempt,
            _ => return Ok(Err(IdentityRefusal::Stale)),
        };
        if attempt.settings != stored.changed_at.as_micros() {
            return Ok(Err(IdentityRefusal::Stale));
        }
        if !secret::is_same(&attempt.state, returned.state) {
            return Ok(Err(IdentityRefusal::NotBelieved));
        }
        let Some(discovered) = self.discovered(&stored) else { return Ok(Err(IdentityRefusal::Unreachable)) };
        // RFC 9207 §2.4.
        let must_be_named = discovered.names_itself || !returned.issuer.is_empty();
        if must_be_named && returned.issuer != stored.provider.issuer {
            return Ok(Err(IdentityRefusal::NotBelieved));
        }
        if !returned.error.is_empty() {
            return Ok(Err(IdentityRefusal::Refused));
        }
        if returned.code.is_empty() {
            return Ok(Err(IdentityRefusal::NotBelieved));
        }
        let secret = match &stored.secret {
            None => None,
            Some(sealed) => self.live.read::<_, ServiceError>(|tx| {
                Ok(self.live.open_secret(tx, organization.id, organization.id.into(), sealed)?)
            })?,
        };
        let expected = identity_token::Expected {
            provider: &stored.provider,
            discovered: &discovered,
            secret: secret.as_deref(),
            redirect_uri: &self.redirect_uri(slug),
            verifier: &attempt.verifier,
            nonce: &attempt.nonce,
            proven_within: if attempt.anew { Some(ANEW_AGE) } else { None },
        };
        let believed = match expected.redeem(&self.live, returned.code, now) {
            Ok(believed) => believed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(Ok(Proven {
            organization,
            believed,
            attempt: secret::hash(attempt.state.as_bytes()),
            connect: attempt.connect.and_then(|session| session.parse().ok()),
            stored,
        }))
    }

    fn attempt(&self, organization: OrganizationId, cookie: Option<&str>) -> Result<Option<Attempt>, ServiceError> {
        let Some(sealed) = cookie.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else { return Ok(None) };
        let opened = self
            .live
            .read::<_, ServiceError>(|tx| Ok(self.live.open_cursor(tx, organization, SEALED_FOR, &sealed)?))?;
        Ok(opened.and_then(|text| serde_json::from_slice(&text).ok()))
    }
}
