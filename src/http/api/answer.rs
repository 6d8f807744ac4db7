//! What is answered when nothing went wrong.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, ETAG, LOCATION};
use serde::Serialize;

use super::call::Call;
use super::problem::Problem;

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// A JSON document, with its entity tag and location where it has them.
    Json {
        /// 200 or 201.
        status: StatusCode,
        /// The text.
        body: String,
        /// The value of `ETag`.
        entity_tag: Option<String>,
        /// The value of `Location`.
        location: Option<String>,
    },
    /// A JSON document that is the same for everybody.
    Text(&'static str),
    /// 304: the client has this version.
    NotModified(String),
    /// 204.
    NoContent,
    /// 204 with the methods there are.
    Options(String),
}

impl Reply {
    /// 200 with whatever it is.
    ///
    /// # Errors
    /// A fault, if it cannot be written as JSON.
    pub fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self::Json { status: StatusCode::OK, body: json(value)?, entity_tag: None, location: None })
    }

    /// 200 with a single resource and its entity tag, or 304 if the client has it (RFC 9110 §13.1.2).
    ///
    /// # Errors
    /// A fault, if it cannot be written as JSON.
    pub fn resource(call: &Call, value: &impl Serialize, entity_tag: String) -> Result<Self, Problem> {
        if call.if_none_match.names(&entity_tag) {
            return Ok(Self::NotModified(entity_tag));
        }
        Ok(Self::Json { status: StatusCode::OK, body: json(value)?, entity_tag: Some(entity_tag), location: None })
    }

    /// 200 with a single resource that was changed.
    ///
    /// # Errors
    /// A fault, if it cannot be written as JSON.
    pub fn changed(value: &impl Serialize, entity_tag: String) -> Result<Self, Problem> {
        Ok(Self::Json { status: StatusCode::OK, body: json(value)?, entity_tag: Some(entity_tag), location: None })
    }

    /// 201 with the new resource; `path` is what comes after `/api/v1/`.
    ///
    /// # Errors
    /// A fault, if it cannot be written as JSON.
    pub fn created(
        call: &Call,
        value: &impl Serialize,
        path: &str,
        entity_tag: Option<String>,
    ) -> Result<Self, Problem> {
        let location = format!("{}/api/v1/{path}", call.services.public_url);
        Ok(Self::Json { status: StatusCode::CREATED, body: json(value)?, entity_tag, location: Some(location) })
    }

    /// As a response.
    pub fn into_response(self) -> HttpResponse {
        match self {
            Self::Json { status, body, entity_tag, location } => {
                let mut response = HttpResponse::build(status);
                response.content_type("application/json");
                if let Some(tag) = entity_tag {
                    response.insert_header((ETAG, tag));
                }
                if let Some(location) = location {
                    response.insert_header((LOCATION, location));
                }
                response.body(body)
            }
            Self::Text(body) => HttpResponse::Ok().content_type("application/json").body(body),
            Self::NotModified(tag) => HttpResponse::NotModified().insert_header((ETAG, tag)).finish(),
            Self::NoContent => HttpResponse::NoContent().finish(),
            Self::Options(allow) => HttpResponse::NoContent().insert_header((ALLOW, allow)).finish(),
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::Fault(format!("an answer cannot be written: {error}")))
}
