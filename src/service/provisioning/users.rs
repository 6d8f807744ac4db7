//! Use cases of SCIM Users.

use serde_json::Value;

use crate::model::{Caller, Precondition};
use crate::scim::projection::Projection;
use crate::service::{ServiceError, Services};

use super::{ListRequest, Representation};

const LATER: &str = "not built yet";

/// POST (RFC 7644 §3.3).
pub fn create(_services: &Services, _caller: &Caller, _body: Value, _projection: &Projection) -> Result<Representation, ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}

/// GET by id (RFC 7644 §3.4.1).
pub fn read(_services: &Services, _caller: &Caller, _id: &str, _projection: &Projection) -> Result<Representation, ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}

/// GET of the list (RFC 7644 §3.4.2): the text of a ListResponse.
pub fn list(_services: &Services, _caller: &Caller, _request: &ListRequest) -> Result<String, ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}

/// PUT (RFC 7644 §3.5.1).
pub fn replace(_services: &Services, _caller: &Caller, _id: &str, _body: Value, _precondition: &Precondition, _projection: &Projection) -> Result<Representation, ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}

/// PATCH (RFC 7644 §3.5.2). `None`: answered 204.
pub fn patch(_services: &Services, _caller: &Caller, _id: &str, _body: Value, _precondition: &Precondition, _projection: &Projection) -> Result<Option<Representation>, ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}

/// DELETE (RFC 7644 §3.6).
pub fn delete(_services: &Services, _caller: &Caller, _id: &str, _precondition: &Precondition) -> Result<(), ServiceError> {
    Err(ServiceError::Internal(LATER.to_owned()))
}
