//! `/oauth2/token`: access tokens for clients (RFC 6749), and the metadata that says so (RFC 8414).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::ids;
use crate::live::Algorithm;
use crate::model::{Actor, Caller};
use crate::service::oauth::{ASSERTION, AccessToken, ClientProof, GrantError, SCOPES, TOKEN_PATH, grant};
use crate::service::{ServiceError, Services};

use super::patience::within;
use super::problem::whole_seconds;
use super::record::Record;
use super::{Edge, X_REQUEST_ID, harden};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a body.
const BODY_BYTES: usize = 64 * 1024;

/// Why nothing is given out (RFC 6749 §5.2).
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    wait: Option<Duration>,
}

impl Refusal {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), wait: None }
    }

    fn client() -> Self {
        let description = "the client is not known, or has not proven who it is";
        Self { status: StatusCode::UNAUTHORIZED, ..Self::bad("invalid_client", description) }
    }

    fn server(status: StatusCode, error: &'static str, description: &str) -> Self {
        Self { status, ..Self::bad(error, description) }
    }

    fn into_response(self) -> HttpResponse {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = HttpResponse::build(self.status).content_type("application/json").body(body.to_string());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"muster\""));
        }
        if let Some(wait) = self.wait {
            headers.insert(RETRY_AFTER, whole_seconds(wait));
        }
        response
    }
}

impl From<GrantError> for Refusal {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Client | GrantError::Service(ServiceError::Unauthorized) => Self::client(),
            GrantError::Scope(may) => {
                Self::bad("invalid_scope", format!("this client may be granted: {}", may.join(" ")))
            }
            GrantError::Service(ServiceError::Unavailable(why)) => {
                tracing::warn!(error = why, "a client could not be judged now");
                let description = "the server cannot answer now; try again later";
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
            }
            GrantError::Service(error) => {
                tracing::error!(error = %error, "no access token could be given out by a fault of this server");
                let description = "the server failed; the log says why";
                Self::server(StatusCode::INTERNAL_SERVER_ERROR, "server_error", description)
            }
        }
    }
}

/// Where tokens are given out and to whom (RFC 8414 §2).
pub fn metadata(services: &Services) -> Value {
    let base = &services.public_url;
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    json!({
        "issuer": base,
        "token_endpoint": format!("{base}{TOKEN_PATH}"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "scopes_supported": SCOPES,
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
    })
}

/// Answers whatever arrives under `/oauth2`.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok(given) => {
            let AccessToken { token, seconds, scopes, .. } = given;
            let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scopes });
            HttpResponse::Ok().content_type("application/json").body(body.to_string())
        }
        Err(refusal) => refusal.into_response(),
    };
    harden(&mut response);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

async fn respond(
    edge: &Edge,
    request: &HttpRequest,
    payload: web::Payload,
    record: &mut Record,
) -> Result<AccessToken, Refusal> {
    if request.path() != TOKEN_PATH {
        let description = "there is no such route; see /.well-known/oauth-authorization-server";
        return Err(Refusal::server(StatusCode::NOT_FOUND, "invalid_request", description));
    }
    record.route(TOKEN_PATH);
    if request.method() != "POST" {
        let description = "access tokens are asked for by POST";
        return Err(Refusal::server(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", description));
    }
    let form = read(request.headers(), payload).await?;
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::bad("unsupported_grant_type", "only `client_credentials` is supported")),
        None => return Err(Refusal::bad("invalid_request", "`grant_type` is missing")),
    }
    let proof = proof(request.headers(), &form)?;
    let (services, scope) = (edge.services.clone(), form.get("scope").cloned());
    let work = web::block(move || catch_unwind(AssertUnwindSafe(|| grant(&services, &proof, scope.as_deref()))));
    let panicked = || Refusal::from(GrantError::from(ServiceError::Internal("the work ended in a panic".to_owned())));
    let given = work.await.map_err(|_gone| panicked())?.map_err(|_panic| panicked())??;
    let actor = Actor::Credential(given.credential.id);
    record.admit(&Caller::local(given.credential.organization, actor, record.request()));
    edge.rate_limit.check(actor).map_err(|wait| Refusal {
        wait: Some(wait),
        ..Refusal::server(StatusCode::TOO_MANY_REQUESTS, "slow_down", "this client asks more often than it may")
    })?;
    Ok(given)
}

/// A form; no parameter may occur twice, and one without a value is as if it were not there (RFC 6749 §3.2).
async fn read(headers: &HeaderMap, payload: web::Payload) -> Result<BTreeMap<String, String>, Refusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::bad("invalid_request", "the `Content-Type` must be `application/x-www-form-urlencoded`"));
    }
    let bytes = match within(PATIENCE, payload.to_bytes_limited(BODY_BYTES)).await {
        Ok(Ok(Ok(bytes))) => bytes,
        Ok(Ok(Err(_broken))) => return Err(Refusal::bad("invalid_request", "the body ends too early; send all of it")),
        Ok(Err(_exceeded)) => {
            let description = format!("the body is too large; send at most {BODY_BYTES} bytes");
            return Err(Refusal::server(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", &description));
        }
        Err(_elapsed) => {
            let description = "the body did not arrive in time";
            return Err(Refusal::server(StatusCode::REQUEST_TIMEOUT, "invalid_request", description));
        }
    };
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Refusal::bad("invalid_request", "a parameter occurs twice"));
        }
    }
    form.retain(|_, value| !value.is_empty());
    Ok(form)
}

/// How the client proves who it is: in one way and no more (RFC 6749 §2.3).
fn proof(headers: &HeaderMap, form: &BTreeMap<String, String>) -> Result<ClientProof, Refusal> {
    let mut presented = headers.get_all(AUTHORIZATION);
    let (basic, more) = (presented.next(), presented.next());
    let assertion = form.get("client_assertion");
    match (basic, more, assertion) {
        (Some(header), None, None) if !form.contains_key("client_assertion_type") => {
            let (client, secret) = basic_of(header).ok_or_else(Refusal::client)?;
            // RFC 6749 §3.2.1: a client may name itself in the body too, but nobody else.
            if form.get("client_id").is_some_and(|named| *named != client) || form.contains_key("client_secret") {
                return Err(Refusal::client());
            }
            Ok(ClientProof::Secret(client, secret))
        }
        (None, None, Some(assertion)) if form.get("client_assertion_type").map(String::as_str) == Some(ASSERTION) => {
            Ok(ClientProof::Assertion(assertion.clone(), form.get("client_id").cloned()))
        }
        (Some(_), _, Some(_)) | (Some(_), Some(_), None) => {
            Err(Refusal::bad("invalid_request", "a client proves who it is in one way and no more"))
        }
        _ => Err(Refusal::client()),
    }
}

/// RFC 6749 §2.3.1: both parts are encoded as in a form.
fn basic_of(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        let form = format!("part={part}");
        let mut pairs = url::form_urlencoded::parse(form.as_bytes());
        match (pairs.next(), pairs.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    };
    Some((decoded(client)?, decoded(secret)?))
}
