//! Answers and refusals as responses: the one place where an error becomes a status.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::model::{RequestId, ResourceId};
use crate::scim::error::error_body;
use crate::scim::{ScimError, ScimType};
use crate::service::ServiceError;
use crate::service::provisioning::Representation;

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// How soon a client may ask again when the server could not answer.
const SOON: Duration = Duration::from_secs(5);

/// What is answered when nothing went wrong.
#[derive(Debug)]
pub enum Reply {
    /// 201.
    Created(Representation),
    /// 200 with a resource.
    Resource(Representation),
    /// 304: the client has this version.
    NotModified(String),
    /// 200 with a list or a document of discovery.
    Document(String),
    /// 202: the outcome is told in an event (RFC 9967 §2.5.1.1).
    Accepted {
        /// The `txn` of the event.
        transaction: RequestId,
        /// The resource, where there is one.
        location: Option<String>,
    },
    /// 204.
    NoContent,
    /// 204 with the methods there are.
    Options(String),
}

impl Reply {
    /// As a response.
    pub fn into_response(self) -> HttpResponse {
        match self {
            Self::Created(resource) => with_resource(StatusCode::CREATED, resource),
            Self::Resource(resource) => with_resource(StatusCode::OK, resource),
            Self::NotModified(tag) => empty(StatusCode::NOT_MODIFIED).insert_header((ETAG, tag)).finish(),
            Self::Document(body) => HttpResponse::Ok().insert_header((CONTENT_TYPE, SCIM_JSON)).body(body),
            Self::Accepted { transaction, location } => {
                let mut response = empty(StatusCode::ACCEPTED);
                response.insert_header(("Set-Txn", transaction.to_string()));
                response.insert_header(("Preference-Applied", "respond-async"));
                if let Some(location) = location {
                    response.insert_header((LOCATION, location));
                }
                response.finish()
            }
            Self::NoContent => empty(StatusCode::NO_CONTENT).finish(),
            Self::Options(allow) => empty(StatusCode::NO_CONTENT).insert_header((ALLOW, allow)).finish(),
        }
    }
}

fn empty(status: StatusCode) -> HttpResponseBuilder {
    HttpResponse::build(status)
}

fn with_resource(status: StatusCode, resource: Representation) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, SCIM_JSON))
        .insert_header((ETAG, resource.entity_tag))
        .insert_header((LOCATION, resource.location))
        .body(resource.body)
}

/// Why a request is not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// A use case, or the protocol, says so.
    Service(ServiceError),
    /// The route has other methods: the value of `Allow`.
    WrongMethod(String),
    /// One request too many: in how long the next one is welcome.
    TooManyRequests(Duration),
    /// The body did not arrive in time.
    TooSlow,
    /// The work ended in a panic, which was logged where it happened.
    Panicked,
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self::Service(error.into())
    }
}

impl Refusal {
    /// The ids it is for, where nothing of the caller's bears them.
    pub fn unknown_ids(&self) -> &[ResourceId] {
        match self {
            Self::Service(ServiceError::Scim(error)) => error.unknown_ids(),
            _ => &[],
        }
    }

    /// As a response. What only administrators of the server may read goes to the log, once, and not to the client.
    pub fn into_response(self, request: RequestId) -> HttpResponse {
        match self {
            Self::Service(ServiceError::Scim(error)) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
                refuse(status, error.scim_type(), &error.to_string(), None)
            }
            Self::Service(error @ ServiceError::Unauthorized) => refuse(
                StatusCode::UNAUTHORIZED,
                None,
                &error.to_string(),
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"muster\""))),
            ),
            Self::Service(ServiceError::Unavailable(why)) => {
                tracing::warn!(request.id = %request, error = why, "request could not be answered now");
                refuse(
                    StatusCode::SERVICE_UNAVAILABLE,
                    None,
                    "the server cannot answer now; try again later",
                    Some((RETRY_AFTER, seconds(SOON))),
                )
            }
            Self::Service(ServiceError::Internal(why)) => {
                tracing::error!(request.id = %request, error = why, "request failed by a fault of this server");
                fault()
            }
            Self::Panicked => {
                tracing::error!(request.id = %request, "request failed by a panic");
                fault()
            }
            Self::WrongMethod(allow) => {
                let detail = format!("this route does not have that method; it has {allow}");
                let allow = HeaderValue::from_str(&allow).ok().map(|allow| (ALLOW, allow));
                refuse(StatusCode::METHOD_NOT_ALLOWED, None, &detail, allow)
            }
            Self::TooManyRequests(wait) => refuse(
                StatusCode::TOO_MANY_REQUESTS,
                None,
                "this credential sends more requests a second than it may; wait as `Retry-After` says",
                Some((RETRY_AFTER, seconds(wait))),
            ),
            Self::TooSlow => {
                let mut response =
                    refuse(StatusCode::REQUEST_TIMEOUT, None, "the body did not arrive in time; send it again", None);
                response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
                response
            }
        }
    }
}

fn fault() -> HttpResponse {
    let detail = "the server failed; its administrators find the cause in the log under the request id";
    refuse(StatusCode::INTERNAL_SERVER_ERROR, None, detail, None)
}

/// Whole seconds, rounded up: waiting that long is always enough.
fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
}

fn refuse(
    status: StatusCode,
    scim_type: Option<ScimType>,
    detail: &str,
    header: Option<(HeaderName, HeaderValue)>,
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, SCIM_JSON));
    if let Some(header) = header {
        response.insert_header(header);
    }
    response.body(error_body(status.as_u16(), scim_type, detail))
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::ids;
    use crate::model::Moment;

    fn answered(refusal: impl Into<Refusal>) -> (HttpResponse, Value) {
        let response = refusal.into().into_response(ids::request(Moment::from_micros(0)));
        let (head, body) = response.into_parts();
        let body = serde_json::from_slice(&body.try_into_bytes().unwrap()).unwrap();
        (head.map_into_boxed_body(), body)
    }

    // Requirements 17, 26
    #[test]
    fn every_refusal_is_an_error_object_with_the_status_as_a_string() {
        let refusals: [(Refusal, u16); 12] = [
            (ScimError::invalid_filter("x").into(), 400),
            (ScimError::Forbidden("x".to_owned()).into(), 403),
            (ScimError::NotFound("x".to_owned()).into(), 404),
            (ScimError::Conflict("x".to_owned()).into(), 409),
            (ScimError::PreconditionFailed("x".to_owned()).into(), 412),
            (ScimError::TooLarge("x".to_owned()).into(), 413),
            (ScimError::NotImplemented("x".to_owned()).into(), 501),
            (ServiceError::Unauthorized.into(), 401),
            (ServiceError::Unavailable("x".to_owned()).into(), 503),
            (ServiceError::Internal("x".to_owned()).into(), 500),
            (Refusal::WrongMethod("GET".to_owned()), 405),
            (Refusal::TooSlow, 408),
        ];
        for (refusal, status) in refusals {
            let name = format!("{refusal:?}");
            let (response, body) = answered(refusal);
            assert_eq!(response.status().as_u16(), status, "{name}");
            assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/scim+json", "{name}");
            assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{name}");
            assert_eq!(body["status"], json!(status.to_string()), "{name}");
            assert!(body["detail"].is_string(), "{name}");
        }
    }

    #[test]
    fn what_is_for_the_log_is_not_told_to_the_client() {
        for error in [
            ServiceError::Unavailable("canary at 10.0.0.1".to_owned()),
            ServiceError::Internal("SELECT canary".to_owned()),
        ] {
            let (_, body) = answered(error);
            assert!(!body.to_string().contains("canary"), "{body}");
        }
    }

    // Requirements 17, 68
    #[test]
    fn refusals_that_can_be_mended_say_how_in_their_headers() {
        let (response, _) = answered(ServiceError::Unauthorized);
        assert_eq!(response.headers().get(WWW_AUTHENTICATE).unwrap(), "Bearer realm=\"muster\"");
        let (response, _) = answered(ServiceError::Unavailable(String::new()));
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "5");
        let (response, _) = answered(Refusal::TooManyRequests(Duration::from_millis(1_001)));
        assert_eq!(
            (response.status().as_u16(), response.headers().get(RETRY_AFTER).unwrap()),
            (429, &HeaderValue::from(2))
        );
        let (response, _) = answered(Refusal::WrongMethod("GET, HEAD".to_owned()));
        assert_eq!(response.headers().get(ALLOW).unwrap(), "GET, HEAD");
    }

    // Requirement 18
    #[test]
    fn a_created_resource_is_named_by_location_and_entity_tag() {
        let resource = Representation {
            body: "{}".to_owned(),
            location: "https://host/scim/v2/Users/1".to_owned(),
            entity_tag: "W/\"1-00\"".to_owned(),
        };
        let response = Reply::Created(resource).into_response();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers().get(LOCATION).unwrap(), "https://host/scim/v2/Users/1");
        assert_eq!(response.headers().get(ETAG).unwrap(), "W/\"1-00\"");
    }
}
