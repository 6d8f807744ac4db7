//! The Shared Signals transmitter (SSF 1.0): discovery, streams, their status, verification, and fetching (RFC 8936).
//!
//! A credential of kind `receiver` manages the streams it has made and sees no others.

mod stream;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::rt::time::sleep;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::ids;
use crate::model::{Caller, RequestId, ResourceId};
use crate::scim::json;
use crate::service::administration::AdministrationError;
use crate::service::oauth::{SSF_MANAGE, SSF_READ};
use crate::service::signals::{Fetch, poll};
use crate::service::{ServiceError, Services};
use crate::signals::EventType;

use super::patience::within;
use super::problem::{document, whole_seconds};
use super::record::Record;
use super::{Edge, X_REQUEST_ID, bearer, harden};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a body.
const BODY_BYTES: usize = 64 * 1024;
/// Characters that are kept of why a receiver refuses something.
const WHY_CHARACTERS: usize = 300;
/// How long a fetch waits for something to happen.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How often it looks, and whether the credential still stands.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why a request is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    detail: String,
    wait: Option<Duration>,
    /// What is wrong with the token, where there is one (RFC 6750 §3).
    challenge: &'static str,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), wait: None, challenge: "" }
    }

    fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Scim(error) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
                Self::new(status, error.to_string())
            }
            ServiceError::Unauthorized => {
                Self::new(StatusCode::UNAUTHORIZED, "a valid bearer token of kind `receiver` is required")
            }
            ServiceError::Unavailable(why) => {
                tracing::warn!(error = why, "request could not be answered now");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server cannot answer now; try again later")
            }
            ServiceError::Internal(why) => {
                tracing::error!(error = why, "request failed by a fault of this server");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; the log says why")
            }
        }
    }
}

impl From<AdministrationError> for Refusal {
    fn from(error: AdministrationError) -> Self {
        ServiceError::from(error).into()
    }
}

/// A status, and a body where there is one.
pub(super) type Answer = Result<(StatusCode, Option<Value>), Refusal>;

/// The transmitter's configuration (SSF 1.0 §7.1).
pub fn configuration(services: &Services) -> Value {
    let base = &services.public_url;
    json!({
        "spec_version": "1_0",
        "issuer": base,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "delivery_methods_supported": [stream::PUSH, stream::POLL],
        "configuration_endpoint": format!("{base}/ssf/stream"),
        "status_endpoint": format!("{base}/ssf/status"),
        "add_subject_endpoint": format!("{base}/ssf/subjects:add"),
        "remove_subject_endpoint": format!("{base}/ssf/subjects:remove"),
        "verification_endpoint": format!("{base}/ssf/verification"),
        "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }, { "spec_urn": "urn:ietf:rfc:6750" }],
        "default_subjects": "ALL",
        "events_supported": EventType::REQUESTABLE.map(EventType::uri),
    })
}

/// Answers whatever arrives under `/ssf`.
pub async fn answer(edge: web::Data<Edge>, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let id = ids::request(edge.services.clock.now());
    let mut record = Record::new(id, request.method().as_str(), &edge.metrics);
    let mut response = match respond(&edge, request, payload, &mut record).await {
        Ok((status, Some(body))) => HttpResponse::build(status).content_type("application/json").body(body.to_string()),
        Ok((status, None)) => HttpResponse::build(status).finish(),
        Err(refusal) => {
            let mut response = document(refusal.status, &refusal.detail, Some(id));
            if matches!(refusal.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                let value = format!("Bearer realm=\"muster\"{}", refusal.challenge);
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(WWW_AUTHENTICATE, value);
                }
            }
            if let Some(wait) = refusal.wait {
                response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait));
            }
            response
        }
    };
    harden(&mut response);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    record.finish(response.status().as_u16(), &edge.metrics);
    response
}

/// A request, its credential judged.
pub(super) struct Call {
    pub(super) services: web::Data<Services>,
    pub(super) caller: Caller,
    pub(super) stream: Option<String>,
    pub(super) body: Map<String, Value>,
}

async fn respond(edge: &Edge, request: &HttpRequest, payload: web::Payload, record: &mut Record) -> Answer {
    let token = bearer::token(request.headers()).ok_or(ServiceError::Unauthorized)?.to_owned();
    let scope = scope_for(request);
    let caller = admit(&edge.services, &token, scope, record.request()).await?;
    record.admit(&caller);
    edge.rate_limit.check(caller.actor).map_err(|wait| Refusal {
        wait: Some(wait),
        ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "this credential sends more requests a second than it may")
    })?;
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let stream = query.filter(|(name, _)| name == "stream_id").map(|(_, id)| id.into_owned()).next();
    let body = match request.method().as_str() {
        "POST" | "PUT" | "PATCH" => read(payload).await?,
        _ => Map::new(),
    };
    let call = Call { services: edge.services.clone(), caller, stream, body };
    let method = request.method().as_str();
    if let Some(id) = request.path().strip_prefix("/ssf/poll/") {
        record.route("/ssf/poll/{stream_id}");
        if method != "POST" {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "streams are fetched by POST"));
        }
        return fetch(call, id, &token).await;
    }
    let (route, handle): (&'static str, fn(&Call) -> Answer) = match (request.path(), method) {
        ("/ssf/stream", "POST") => ("/ssf/stream", stream::create),
        ("/ssf/stream", "GET" | "HEAD") => ("/ssf/stream", stream::read),
        ("/ssf/stream", "PATCH") => ("/ssf/stream", stream::update),
        ("/ssf/stream", "PUT") => ("/ssf/stream", stream::replace),
        ("/ssf/stream", "DELETE") => ("/ssf/stream", stream::delete),
        ("/ssf/status", "GET" | "HEAD") => ("/ssf/status", stream::status),
        ("/ssf/status", "POST") => ("/ssf/status", stream::change_status),
        ("/ssf/subjects:add", "POST") => ("/ssf/subjects:add", stream::add_subject),
        ("/ssf/subjects:remove", "POST") => ("/ssf/subjects:remove", stream::remove_subject),
        ("/ssf/verification", "POST") => ("/ssf/verification", stream::verify),
        ("/ssf/stream" | "/ssf/status" | "/ssf/subjects:add" | "/ssf/subjects:remove" | "/ssf/verification", _) => {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not have that method"));
        }
        _ => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "there is no such route; see /.well-known/ssf-configuration",
            ));
        }
    };
    record.route(route);
    blocking(move || handle(&call)).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let panicked = || Refusal::from(ServiceError::Internal("the work ended in a panic".to_owned()));
    let work = web::block(move || catch_unwind(AssertUnwindSafe(work)));
    work.await.map_err(|_gone| panicked())?.map_err(|_panic| panicked())?
}

/// Reading, and fetching, needs less than changing (CAEP interoperability profile 1.0).
fn scope_for(request: &HttpRequest) -> &'static str {
    let reads = matches!(request.method().as_str(), "GET" | "HEAD") || request.path().starts_with("/ssf/poll/");
    if reads { SSF_READ } else { SSF_MANAGE }
}

async fn admit(
    services: &web::Data<Services>,
    token: &str,
    scope: &'static str,
    request: RequestId,
) -> Result<Caller, Refusal> {
    let (services, token) = (services.clone(), token.to_owned());
    let admitted = blocking(move || Ok(services.admit_receiver(&token, scope, request)?)).await;
    admitted.map_err(|refusal| Refusal { challenge: challenge(refusal.status, scope), ..refusal })
}

/// Why a token does not admit (RFC 6750 §3.1).
fn challenge(status: StatusCode, scope: &str) -> &'static str {
    match (status, scope) {
        (StatusCode::UNAUTHORIZED, _) => ", error=\"invalid_token\"",
        (StatusCode::FORBIDDEN, SSF_READ) => ", error=\"insufficient_scope\", scope=\"ssf.read\"",
        (StatusCode::FORBIDDEN, _) => ", error=\"insufficient_scope\", scope=\"ssf.manage\"",
        _ => "",
    }
}

async fn read(payload: web::Payload) -> Result<Map<String, Value>, Refusal> {
    let bytes = match within(PATIENCE, payload.to_bytes_limited(BODY_BYTES)).await {
        Ok(Ok(Ok(bytes))) => bytes,
        Ok(Ok(Err(_broken))) => return Err(Refusal::bad_request("the body ends too early; send all of it")),
        Ok(Err(_exceeded)) => {
            let detail = format!("the body is too large; send at most {BODY_BYTES} bytes");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        Err(_elapsed) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    };
    match json::parse(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::bad_request("the body must be a JSON object")),
        Err(error) => Err(Refusal::bad_request(error.to_string())),
    }
}

/// Hands out what waits; where nothing does, waits for it, as long as the credential stands.
async fn fetch(call: Call, id: &str, token: &str) -> Answer {
    let id: ResourceId =
        id.parse().map_err(|_not_ours| Refusal::new(StatusCode::NOT_FOUND, "there is no such stream"))?;
    let wanted = wanted(&call.body)?;
    let at_once = match call.body.get("returnImmediately") {
        None => false,
        Some(Value::Bool(at_once)) => *at_once,
        Some(_) => return Err(wrong("returnImmediately")),
    } || wanted.most == Some(0);
    let began = Clock::monotonic();
    let Call { services, mut caller, .. } = call;
    let mut fetch = wanted;
    loop {
        let (now, as_caller, asked) = (services.clone(), caller.clone(), fetch.clone());
        let issuer = services.public_url.clone();
        let fetched = blocking(move || Ok(poll(&now, &as_caller, id, &asked, &issuer)?)).await?;
        if !fetched.tokens.is_empty() || at_once || Clock::monotonic().duration_since(began) > LONG_POLL {
            let sets: Map<String, Value> = fetched.tokens.into_iter().map(|(jti, token)| (jti, token.into())).collect();
            return Ok((StatusCode::OK, Some(json!({ "sets": sets, "moreAvailable": fetched.more }))));
        }
        // Said once.
        fetch = Fetch { most: fetch.most, ..Fetch::default() };
        sleep(LOOK_EVERY).await;
        caller = admit(&services, token, SSF_READ, caller.request).await?;
    }
}

fn wrong(what: &str) -> Refusal {
    Refusal::bad_request(format!("`{what}` is not as RFC 8936 §2.4 says"))
}

fn wanted(body: &Map<String, Value>) -> Result<Fetch, Refusal> {
    let most = match body.get("maxEvents") {
        None => None,
        Some(value) => Some(value.as_i64().filter(|most| *most >= 0).ok_or_else(|| wrong("maxEvents"))?),
    };
    let acknowledged = match body.get("ack") {
        None => Vec::new(),
        Some(Value::Array(all)) => all
            .iter()
            .map(|jti| jti.as_str().map(str::to_owned).ok_or_else(|| wrong("ack")))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong("ack")),
    };
    let refused = match body.get("setErrs") {
        None => Vec::new(),
        Some(Value::Object(all)) => all
            .iter()
            .map(|(jti, error)| {
                let code = error.get("err").and_then(Value::as_str).ok_or_else(|| wrong("setErrs"))?;
                let why = match error.get("description").and_then(Value::as_str) {
                    Some(description) => format!("`{code}`: {description}"),
                    None => format!("`{code}`"),
                };
                Ok((jti.clone(), why.chars().filter(|letter| !letter.is_control()).take(WHY_CHARACTERS).collect()))
            })
            .collect::<Result<_, Refusal>>()?,
        Some(_) => return Err(wrong("setErrs")),
    };
    Ok(Fetch { most, acknowledged, refused })
}
