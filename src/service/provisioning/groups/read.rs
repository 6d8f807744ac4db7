//! GET /Groups/{id} (RFC 7644 §3.4.1).

use crate::model::Caller;
use crate::scim::projection::Projection;
use crate::service::{ServiceError, Services};

use super::{Representation, group_id, load, members, present};

/// Reads a group of the caller's connection; `excludedAttributes=members` does not load them.
///
/// # Errors
/// [`ServiceError`]; 404 for whatever this connection does not have.
pub fn read(
    services: &Services,
    caller: &Caller,
    id: &str,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    let id = group_id(id)?;
    services.live.read(|tx| {
        let group = load(tx, caller, id)?;
        let members = members(tx, caller, id, projection, usize::MAX)?;
        present(services, &group, members, projection)
    })
}
