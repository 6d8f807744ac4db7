//! A code is redeemed, and what the ID token says is believed or not (OpenID Connect Core §3.1.3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::live::jwt::Presented;
use crate::live::{Discovered, Exchange, Live};
use crate::model::{IdentityProvider, JoinedBy, Moment, OutsideSubject, reserved};
use crate::scim::json;

use super::identity::IdentityRefusal;
use super::secret;

/// How far another clock may be ahead of this one, seconds.
const CLOCKS_APART: i64 = 60;

/// What an ID token must be, and how it is had.
pub(super) struct Expected<'a> {
    pub(super) provider: &'a IdentityProvider,
    pub(super) discovered: &'a Discovered,
    pub(super) secret: Option<&'a str>,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
    /// How long ago the identity may have been proven at most, seconds; `None`: that does not matter.
    pub(super) proven_within: Option<i64>,
}

/// What is believed of whoever signed in.
pub(super) struct Believed {
    pub(super) subject: OutsideSubject,
    /// The claim somebody new is found by; for addresses only one that is verified.
    pub(super) claim: Option<String>,
    /// When the identity provider last saw proof.
    pub(super) proven_at: Option<Moment>,
}

impl Expected<'_> {
    /// Redeems a code. Blocks.
    pub(super) fn redeem(&self, live: &Live, code: &str, now: Moment) -> Result<Believed, IdentityRefusal> {
        let answer = self.exchanged(live, code)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let access_token = text("access_token").unwrap_or_default();
        let token = text("id_token").ok_or_else(|| not_believed("no ID token"))?;
        let token = Presented::parse(token).map_err(|_wrong| not_believed("an ID token of another form"))?;
        let subject = self.checked(live, &token, access_token, now)?;
        let proven_at = self.proven_at(&token, now)?;
        let in_token = claim(self.provider, |name| token.value(name));
        let is_told = in_token.is_some() && self.provider.required.keys().all(|name| token.value(name).is_some());
        // Some tell more only when they are asked (§5.3).
        let more = if is_told { None } else { self.told(live, access_token, &subject)? };
        let more = more.as_ref();
        for (name, value) in &self.provider.required {
            let given = token.value(name).or_else(|| more?.get(name)).and_then(Value::as_str);
            if given != Some(value.as_str()) {
                return Err(IdentityRefusal::NotAllowed);
            }
        }
        let claim = in_token.or_else(|| claim(self.provider, |name| more?.get(name)));
        Ok(Believed { subject, claim, proven_at })
    }

    /// The answer of the token endpoint (RFC 6749 §4.1.3).
    fn exchanged(&self, live: &Live, code: &str) -> Result<Map<String, Value>, IdentityRefusal> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("code_verifier", self.verifier);
        let client_id = &self.provider.client_id;
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let authorization = match self.secret {
            Some(secret) if self.discovered.takes_secret_in_form => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret);
                String::new()
            }
            // RFC 6749 §2.3.1.
            Some(secret) => {
                format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
            }
            None => {
                form.append_pair("client_id", client_id);
                String::new()
            }
        };
        let form = form.finish();
        let exchange =
            Exchange { url: &self.discovered.token_endpoint, authorization: &authorization, form: Some(&form) };
        let (status, body) = live.exchange(&exchange).map_err(|why| {
            tracing::warn!(error = why, "the token endpoint of an identity provider does not answer");
            IdentityRefusal::Unreachable
        })?;
        match (status, json::parse(body.as_bytes())) {
            (200, Ok(Value::Object(members))) => Ok(members),
            (400..=499, Ok(answer)) => {
                let error = answer.get("error").and_then(Value::as_str).unwrap_or_default();
                tracing::warn!(status, error, "an identity provider does not redeem a code");
                Err(IdentityRefusal::NotBelieved)
            }
            _ => {
                tracing::warn!(status, "the token endpoint of an identity provider does not answer as one");
                Err(IdentityRefusal::Unreachable)
            }
        }
    }

    /// Whom the token means, if everything about it is as it must be (§3.1.3.7).
    fn checked(
        &self,
        live: &Live,
        token: &Presented<'_>,
        access_token: &str,
        now: Moment,
    ) -> Result<OutsideSubject, IdentityRefusal> {
        if token.claim("iss") != Some(self.provider.issuer.as_str()) {
            return Err(not_believed("another issuer"));
        }
        if !token.is_for(&self.provider.client_id) {
            return Err(not_believed("for somebody else"));
        }
        if token.value("azp").is_some_and(|party| party.as_str() != Some(&self.provider.client_id)) {
            return Err(not_believed("given to somebody else"));
        }
        if token.kind().is_some_and(|kind| kind != "jwt") {
            return Err(not_believed("a token of another kind"));
        }
        if token.check_times(now).is_err() || token.value("iat").is_none() {
            return Err(not_believed("its times"));
        }
        if !token.claim("nonce").is_some_and(|nonce| secret::is_same(nonce, self.nonce)) {
            return Err(not_believed("of another attempt"));
        }
        // §3.1.3.8: the left half of the hash, of 256 bits for either algorithm.
        if let Some(hash) = token.value("at_hash") {
            let half = URL_SAFE_NO_PAD.encode(token.algorithm().half_hash(access_token));
            if hash.as_str() != Some(half.as_str()) {
                return Err(not_believed("for another access token"));
            }
        }
        let keys = live.published_keys(&self.discovered.jwks_uri, token.key()).map_err(|why| {
            tracing::warn!(error = why, "the keys of an identity provider cannot be had");
            IdentityRefusal::Unreachable
        })?;
        if !token.is_signed_with(&keys) {
            return Err(not_believed("its signature"));
        }
        let subject = token.claim("sub").and_then(|subject| subject.parse().ok());
        subject.ok_or_else(|| not_believed("a subject that is nobody"))
    }

    fn proven_at(&self, token: &Presented<'_>, now: Moment) -> Result<Option<Moment>, IdentityRefusal> {
        let seconds = match token.value("auth_time") {
            None => None,
            Some(value) => Some(seconds(value).ok_or_else(|| not_believed("a time that is none"))?),
        };
        let now_seconds = now.as_micros().div_euclid(1_000_000);
        if seconds.is_some_and(|seconds| seconds > now_seconds.saturating_add(CLOCKS_APART)) {
            return Err(not_believed("a proof from the future"));
        }
        if let Some(age) = self.proven_within
            && seconds.is_none_or(|seconds| seconds < now_seconds.saturating_sub(age))
        {
            return Err(IdentityRefusal::NotAnew);
        }
        Ok(seconds.map(|seconds| Moment::from_micros(seconds.saturating_mul(1_000_000)).min(now)))
    }

    /// What the identity provider tells besides, of the same subject (§5.3.2).
    fn told(
        &self,
        live: &Live,
        access_token: &str,
        subject: &OutsideSubject,
    ) -> Result<Option<Map<String, Value>>, IdentityRefusal> {
        let Some(url) = &self.discovered.userinfo_endpoint else { return Ok(None) };
        // What is sent in a header is plain (RFC 6750 §2.1).
        if access_token.is_empty() || !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(None);
        }
        let authorization = format!("Bearer {access_token}");
        let answer = live.exchange(&Exchange { url, authorization: &authorization, form: None });
        let told = match answer {
            Ok((200, body)) => json::parse(body.as_bytes()).ok(),
            Ok(_) => None,
            Err(why) => {
                tracing::warn!(error = why, "an identity provider does not tell of whoever signed in");
                return Err(IdentityRefusal::Unreachable);
            }
        };
        let Some(Value::Object(told)) = told else { return Ok(None) };
        if told.get("sub").and_then(Value::as_str) != Some(subject.as_str()) {
            return Err(not_believed("told of somebody else"));
        }
        Ok(Some(told))
    }
}

/// The claim somebody new is found by, unless it stands for nobody. Of an address it must be said, and be `true`, that it
/// is verified.
fn claim<'a>(provider: &IdentityProvider, value: impl Fn(&str) -> Option<&'a Value>) -> Option<String> {
    if provider.joined_by == JoinedBy::Email && value("email_verified") != Some(&Value::Bool(true)) {
        return None;
    }
    // White space around it would be folded away: that is another text.
    let is_somebody = |text: &&str| text.trim() == *text && !reserved::stands_for_nobody(text);
    value(&provider.claim)?.as_str().filter(is_somebody).map(str::to_owned)
}

/// A moment in whole seconds; fractions are allowed (RFC 7519 §2), and some send them.
fn seconds(value: &Value) -> Option<i64> {
    let whole = || value.as_number()?.to_string().split('.').next()?.parse().ok();
    value.as_i64().or_else(whole)
}

fn not_believed(why: &'static str) -> IdentityRefusal {
    tracing::warn!(why, "what an identity provider sent is not believed");
    IdentityRefusal::NotBelieved
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_may_have_a_fraction_and_must_be_a_number() {
        assert_eq!(seconds(&json!(1_800_000_000)), Some(1_800_000_000));
        assert_eq!(seconds(&json!(1_800_000_000.75)), Some(1_800_000_000));
        for wrong in [json!("1800000000"), json!(null), json!([1]), json!(1e300), json!(true)] {
            assert_eq!(seconds(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_a_verified_address_finds_anybody() {
        let provider = IdentityProvider {
            issuer: "https://idp.example".to_owned(),
            client_id: "muster".to_owned(),
            joined_by: JoinedBy::Email,
            claim: "email".to_owned(),
            required: BTreeMap::new(),
            is_only: false,
        };
        let found = |claims: &Value| claim(&provider, |name| claims.get(name));
        let verified = json!({ "email": "ana@example.com", "email_verified": true });
        assert_eq!(found(&verified).as_deref(), Some("ana@example.com"));
        for said in [json!(false), json!("true"), json!(1), json!(null), json!([true])] {
            assert_eq!(found(&json!({ "email": "ana@example.com", "email_verified": said })), None);
        }
        assert_eq!(found(&json!({ "email": "ana@example.com" })), None);
        for address in [json!(["ana@example.com"]), json!(""), json!({}), json!(7)] {
            assert_eq!(found(&json!({ "email": address, "email_verified": true })), None);
        }
    }
}
