//! What is known of identity providers: what they publish of themselves (OpenID Connect Discovery), kept for a while, and
//! the way to ask them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::model::Destinations;
use crate::scim::json;

use super::Live;
use super::jwt::Algorithm;

/// Where an issuer publishes what it is (OpenID Connect Discovery §4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// How long that is good without another look.
const FRESH: Duration = Duration::from_hours(1);
/// How often an issuer is asked at most that does not answer as it should.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// Issuers known at once.
const KNOWN: usize = 1_000;

/// A request to an identity provider.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Where to.
    pub url: &'a str,
    /// The value of `Authorization`; empty for none.
    pub authorization: &'a str,
    /// A form to be sent; `None`: something is read.
    pub form: Option<&'a str>,
}

/// Status and body of the answer. The text of an error is for the log.
pub type Exchanged = Result<(u16, String), String>;

/// Sends one, if that is where requests may go.
pub type Exchanger = dyn Fn(&Exchange<'_>, &Destinations) -> Exchanged + Send + Sync;

/// What an identity provider says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Where browsers are sent.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where more is told of whoever signed in.
    pub userinfo_endpoint: Option<String>,
    /// Whether it takes the secret in the form only, not in `Authorization`.
    pub takes_secret_in_form: bool,
    /// Whether it names itself in what it answers browsers with (RFC 9207).
    pub names_itself: bool,
}

/// An identity provider is not as it should be. The texts are for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Nothing was to be had.
    #[error("`{0}` does not answer as an identity provider: {1}")]
    Unreachable(String, String),
    /// Somebody else's description.
    #[error("the description at `{0}` is of another issuer; give the issuer exactly as the identity provider names it")]
    Other(String),
    /// Something is missing, or not what it should be.
    #[error("the identity provider's description lacks `{0}`, or it is no address requests may go to")]
    Lacks(&'static str),
    /// It does nothing Muster can work with.
    #[error("the identity provider does not {0}")]
    Cannot(&'static str),
    /// It signs in ways that are not believed here: with what it shares with its clients, or not at all.
    #[error("the identity provider signs ID tokens with {0} only; let it sign them with {names}", names = Algorithm::NAMES)]
    Signs(String),
}

struct Known {
    asked_at: Instant,
    discovered: Option<(Instant, Arc<Discovered>)>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Providers {
    send: OnceLock<Box<Exchanger>>,
    known: Mutex<HashMap<String, Known>>,
}

impl Live {
    /// How identity providers are asked. The first to say so is heard.
    pub fn exchange_with(&self, send: Box<Exchanger>) {
        let _ = self.0.providers.send.set(send);
    }

    /// Asks an identity provider. Blocks.
    ///
    /// # Errors
    /// Why there is no answer; for the log.
    pub fn exchange(&self, exchange: &Exchange<'_>) -> Exchanged {
        let send = self.0.providers.send.get().ok_or("nobody is asked by a command")?;
        send(exchange, &self.destinations())
    }

    /// What an issuer says of itself; `anew`: now, whatever is known. Blocks.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn discover(&self, issuer: &str, anew: bool) -> Result<Arc<Discovered>, ProviderError> {
        let url = format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer));
        let now = Clock::monotonic();
        let unreachable = |why: &str| ProviderError::Unreachable(url.clone(), why.to_owned());
        {
            let mut known = self.0.providers.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN {
                known.clear();
            }
            let entry = known.entry(issuer.to_owned());
            let entry =
                entry.or_insert(Known { asked_at: now.checked_sub(ASK_EVERY).unwrap_or(now), discovered: None });
            let fresh = entry.discovered.as_ref().filter(|(read_at, _)| now.duration_since(*read_at) < FRESH);
            if let (Some((_, discovered)), false) = (fresh, anew) {
                return Ok(Arc::clone(discovered));
            }
            if !anew && entry.asked_at > now.checked_sub(ASK_EVERY).unwrap_or(now) {
                return Err(unreachable("it did not a moment ago"));
            }
            entry.asked_at = now;
        }
        let (status, body) =
            self.exchange(&Exchange { url: &url, authorization: "", form: None }).map_err(|why| unreachable(&why))?;
        if status != 200 {
            return Err(unreachable(&format!("it answered {status}")));
        }
        let discovered = Arc::new(read(issuer, &url, &body, &self.destinations())?);
        let mut known = self.0.providers.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(issuer.to_owned(), Known { asked_at: now, discovered: Some((now, Arc::clone(&discovered))) });
        Ok(discovered)
    }
}

fn read(issuer: &str, url: &str, body: &str, destinations: &Destinations) -> Result<Discovered, ProviderError> {
    let members: Map<String, Value> = match json::parse(body.as_bytes()) {
        Ok(Value::Object(members)) => members,
        _ => return Err(ProviderError::Unreachable(url.to_owned(), "what it says is no JSON object".to_owned())),
    };
    // Exactly: one that speaks for another is the way of mix-up attacks (Discovery §4.3).
    if members.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(ProviderError::Other(url.to_owned()));
    }
    let address = |name: &'static str| {
        let text = members.get(name).and_then(Value::as_str).ok_or(ProviderError::Lacks(name))?;
        destinations.parse(text).map(|_url| text.to_owned()).map_err(|_not_permitted| ProviderError::Lacks(name))
    };
    let lists = |name: &str, sought: &str, unsaid: bool| match members.get(name).and_then(Value::as_array) {
        Some(all) => all.iter().any(|one| one.as_str() == Some(sought)),
        None => unsaid,
    };
    if !lists("response_types_supported", "code", true) {
        return Err(ProviderError::Cannot("answer with codes"));
    }
    if !lists("code_challenge_methods_supported", "S256", true) {
        return Err(ProviderError::Cannot("know PKCE with S256 (RFC 7636)"));
    }
    if let Some(all) = members.get("id_token_signing_alg_values_supported").and_then(Value::as_array) {
        let names = all.iter().filter_map(Value::as_str);
        if names.clone().all(|name| Algorithm::from_name(name).is_none()) {
            let told = |name: &str| format!("`{}`", name.chars().take(20).collect::<String>());
            let told: Vec<String> = names.take(5).map(told).collect();
            return Err(ProviderError::Signs(if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }));
        }
    }
    let methods = "token_endpoint_auth_methods_supported";
    Ok(Discovered {
        authorization_endpoint: address("authorization_endpoint")?,
        token_endpoint: address("token_endpoint")?,
        jwks_uri: address("jwks_uri")?,
        userinfo_endpoint: if members.contains_key("userinfo_endpoint") {
            Some(address("userinfo_endpoint")?)
        } else {
            None
        },
        takes_secret_in_form: !lists(methods, "client_secret_basic", true)
            && lists(methods, "client_secret_post", false),
        names_itself: members.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example/acme";

    fn description() -> Value {
        json!({ "issuer": ISSUER, "authorization_endpoint": "https://idp.example/acme/authorize",
            "token_endpoint": "https://idp.example/acme/token", "jwks_uri": "https://idp.example/acme/keys",
            "response_types_supported": ["code"], "authorization_response_iss_parameter_supported": true })
    }

    fn read_of(description: &Value) -> Result<Discovered, ProviderError> {
        read(ISSUER, "url", &description.to_string(), &Destinations::default())
    }

    #[test]
    fn a_description_is_taken_of_the_issuer_itself_alone() {
        let read = read_of(&description()).unwrap();
        assert!(read.names_itself && !read.takes_secret_in_form && read.userinfo_endpoint.is_none());
        for issuer in ["https://idp.example/acme/", "https://idp.example", "https://evil.example/acme", ""] {
            let mut other = description();
            other["issuer"] = json!(issuer);
            assert!(matches!(read_of(&other), Err(ProviderError::Other(_))), "{issuer}");
        }
    }

    #[test]
    fn addresses_where_requests_may_not_go_are_none() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            for wrong in [json!("http://idp.example/x"), json!("https://127.0.0.1/x"), json!("javascript:x"), json!(7)]
            {
                let mut other = description();
                other[name] = wrong;
                assert!(matches!(read_of(&other), Err(ProviderError::Lacks(_))), "{name}");
            }
        }
    }

    #[test]
    fn a_provider_that_cannot_do_what_is_needed_is_refused() {
        for (name, value) in
            [("response_types_supported", json!(["id_token"])), ("code_challenge_methods_supported", json!(["plain"]))]
        {
            let mut other = description();
            other[name] = value;
            assert!(matches!(read_of(&other), Err(ProviderError::Cannot(_))), "{name}");
        }
        for (algorithms, told) in [(json!(["HS256", "none"]), "`HS256`, `none` only"), (json!([]), "nothing only")] {
            let mut other = description();
            other["id_token_signing_alg_values_supported"] = algorithms;
            let refused = read_of(&other).unwrap_err().to_string();
            assert!(refused.contains(told) && refused.contains("RS256, RS384"), "{refused}");
        }
        for algorithm in Algorithm::ALL {
            let mut one = description();
            one["id_token_signing_alg_values_supported"] = json!(["HS256", algorithm.as_str()]);
            assert!(read_of(&one).is_ok(), "{algorithm:?}");
        }
        let mut form = description();
        form["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        assert!(read_of(&form).unwrap().takes_secret_in_form);
    }
}
