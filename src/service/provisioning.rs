//! SCIM Users and Groups: one request, one use case.

pub mod bulk;
mod cursor;
pub mod everything;
pub mod groups;
mod listing;
pub mod offered;
mod page;
mod present;
pub mod users;

use crate::model::{Caller, Precondition, limits};
use crate::scim::ScimError;
use crate::scim::list::Paging;
use crate::scim::projection::Projection;
use crate::scim::sort::SortBy;
use crate::service::ServiceError;

/// A resource as answered.
#[derive(Debug, Clone)]
pub struct Representation {
    /// The JSON text, projected.
    pub body: String,
    /// Its absolute URL, the value of `Location` and `meta.location`.
    pub location: String,
    /// Its entity tag, the value of `ETag` and `meta.version`.
    pub entity_tag: String,
}

/// A list as asked for.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The filter, as sent.
    pub filter: Option<String>,
    /// In which order; by id if not said.
    pub sort: Option<SortBy>,
    /// Which page.
    pub paging: Paging,
    /// Which attributes.
    pub projection: Projection,
}

fn not_paused(caller: &Caller) -> Result<(), ServiceError> {
    if caller.paused {
        return Err(ScimError::Forbidden("this connection is paused; an administrator can resume it".to_owned()).into());
    }
    Ok(())
}

/// What stands in an index must not be longer than an index of any database holds.
fn check_key(attribute: &str, key: &str) -> Result<(), ScimError> {
    if key.len() <= limits::KEY_BYTES {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!("`{attribute}` is too long; send at most {} bytes", limits::KEY_BYTES)))
}

fn check_precondition(precondition: &Precondition, entity_tag: &str) -> Result<(), ServiceError> {
    if precondition.allows(entity_tag) {
        return Ok(());
    }
    Err(ScimError::PreconditionFailed(format!(
        "the resource is at version `{entity_tag}`, not at the one `If-Match` names; read it again"
    ))
    .into())
}
