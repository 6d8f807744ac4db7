//! Refusals as problem documents (RFC 9457): the one place where an error of a use case becomes a status.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{NameError, RequestId};
use crate::scim::ScimError;
use crate::service::ServiceError;
use crate::service::administration::AdministrationError;

use super::super::problem::{document, whole_seconds};

/// How soon a client may ask again when the server could not answer.
const SOON: Duration = Duration::from_secs(5);

/// A refusal (RFC 9457 §3.1).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem; `about:blank`: the status says it all
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words
    title: String,
    /// The status
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong here, what was expected, what to do
    detail: String,
    /// The request, as the log names it
    #[schema(example = "urn:uuid:0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a")]
    instance: String,
}

/// Why a request is not carried out.
#[derive(Debug)]
pub enum Problem {
    /// This status for this reason, which the client may read.
    Refused(StatusCode, String),
    /// 401: no credential, or one that admits nobody here.
    Unauthorized,
    /// 405 with the value of `Allow`.
    WrongMethod(String),
    /// 429: in how long the next request is welcome.
    TooManyRequests(Duration),
    /// 408: the body did not arrive in time.
    TooSlow,
    /// 503: the text is for the log.
    Unavailable(String),
    /// 500: the text is for the log.
    Fault(String),
    /// 500: the work ended in a panic, which was logged where it happened.
    Panicked,
}

impl Problem {
    /// This status for this reason.
    pub fn refusal(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Refused(status, detail.into())
    }

    /// 400: the request cannot be read or asks for what does not fit.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::refusal(StatusCode::BAD_REQUEST, detail)
    }

    /// 403: known, and not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::refusal(StatusCode::FORBIDDEN, detail)
    }

    /// 404: the organization has no such thing, whoever else may have it.
    pub fn not_found() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "the organization has nothing of this id")
    }

    /// 404: there is no such path.
    pub fn no_such_route() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "there is no such route; see /api/v1/openapi.json")
    }

    /// As a response. What only administrators of the server may read goes to the log, once, and not to the client.
    pub fn into_response(self, request: RequestId) -> HttpResponse {
        let answer = |status: StatusCode, detail: &str, header: Option<(HeaderName, HeaderValue)>| {
            let mut response = document(status, detail, Some(request));
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value);
            }
            response
        };
        match self {
            Self::Refused(status, detail) => answer(status, &detail, None),
            Self::Unauthorized => answer(
                StatusCode::UNAUTHORIZED,
                "a valid bearer token of kind `admin` or `auditor` is required",
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"muster\""))),
            ),
            Self::WrongMethod(allow) => {
                let detail = format!("this route does not have that method; it has {allow}");
                let header = HeaderValue::from_str(&allow).ok().map(|allow| (ALLOW, allow));
                answer(StatusCode::METHOD_NOT_ALLOWED, &detail, header)
            }
            Self::TooManyRequests(wait) => answer(
                StatusCode::TOO_MANY_REQUESTS,
                "this credential sends more requests a second than it may; wait as `Retry-After` says",
                Some((RETRY_AFTER, whole_seconds(wait))),
            ),
            Self::TooSlow => {
                let detail = "the body did not arrive in time; send it again";
                let mut response = answer(StatusCode::REQUEST_TIMEOUT, detail, None);
                response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
                response
            }
            Self::Unavailable(why) => {
                tracing::warn!(request.id = %request, error = why, "request could not be answered now");
                let detail = "the server cannot answer now; try again later";
                answer(StatusCode::SERVICE_UNAVAILABLE, detail, Some((RETRY_AFTER, whole_seconds(SOON))))
            }
            Self::Fault(why) => {
                tracing::error!(request.id = %request, error = why, "request failed by a fault of this server");
                answer(StatusCode::INTERNAL_SERVER_ERROR, FAULT, None)
            }
            Self::Panicked => {
                tracing::error!(request.id = %request, "request failed by a panic");
                answer(StatusCode::INTERNAL_SERVER_ERROR, FAULT, None)
            }
        }
    }
}

const FAULT: &str = "the server failed; its administrators find the cause in the log under the request id";

impl From<ScimError> for Problem {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::refusal(status, error.to_string())
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Scim(error) => error.into(),
            ServiceError::Unauthorized => Self::Unauthorized,
            ServiceError::Unavailable(why) => Self::Unavailable(why),
            ServiceError::Internal(why) => Self::Fault(why),
        }
    }
}

impl From<AdministrationError> for Problem {
    fn from(error: AdministrationError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        Self::bad_request(error.to_string())
    }
}
