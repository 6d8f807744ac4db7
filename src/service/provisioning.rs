//! SCIM Users and Groups: one request, one use case.

pub mod groups;
pub mod users;

use crate::scim::list::Paging;
use crate::scim::projection::Projection;

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
    /// Which page.
    pub paging: Paging,
    /// Which attributes.
    pub projection: Projection,
}
