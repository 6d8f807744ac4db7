//! Refusals of the Authorization API: an error message as text (Authorization API 1.0, Error Responses).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::model::{RequestId, limits};
use crate::service::ServiceError;

use super::page::PageError;
use super::wire::RequestError;

/// Why there is no decision.
#[derive(Debug)]
pub enum Refusal {
    /// Not to be answered without waiting: to be asked again where that may be done. Never leaves this surface.
    Blocks,
    /// 400.
    Bad(String),
    /// 404.
    NoSuchRoute,
    /// 405, with what is allowed.
    WrongMethod(&'static str),
    /// 408.
    TooSlow,
    /// 413.
    TooLarge,
    /// What the use case answers.
    Service(ServiceError),
    /// 500: a fault of this server.
    Panicked,
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::Bad(error.to_string())
    }
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self::Bad(error.to_string())
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl Refusal {
    /// The answer; what is for the log goes there.
    pub fn into_response(self, request: RequestId) -> HttpResponse {
        let (status, message) = match self {
            Self::Bad(message) => (StatusCode::BAD_REQUEST, message),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "there is no such route".to_owned()),
            Self::WrongMethod(allow) => {
                let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allow}"));
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
                return response;
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body takes too long to arrive".to_owned()),
            Self::TooLarge => {
                let message =
                    format!("the body is larger than {} bytes; ask in several requests", limits::EVALUATION_BYTES);
                (StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            Self::Service(ServiceError::Unauthorized) => {
                let mut response = text(StatusCode::UNAUTHORIZED, "a valid bearer token of kind `pep` is required");
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"muster\""));
                return response;
            }
            Self::Service(ServiceError::Scim(error)) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::Service(ServiceError::Unavailable(why)) => {
                tracing::warn!(request.id = %request, error = %why, "cannot judge now");
                let mut response = text(StatusCode::SERVICE_UNAVAILABLE, "this cannot be judged now; ask again");
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                return response;
            }
            Self::Service(ServiceError::Internal(why)) => {
                tracing::error!(request.id = %request, error = %why, "internal fault");
                (StatusCode::INTERNAL_SERVER_ERROR, "this server has failed".to_owned())
            }
            Self::Panicked | Self::Blocks => {
                tracing::error!(request.id = %request, "a use case panicked");
                (StatusCode::INTERNAL_SERVER_ERROR, "this server has failed".to_owned())
            }
        };
        text(status, &message)
    }
}

fn text(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(message.to_owned())
}
