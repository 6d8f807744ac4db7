//! GET /Users/{id} (RFC 7644 §3.4.1).

use crate::db::DatabaseError;
use crate::db::users::listed;
use crate::model::Caller;
use crate::scim::projection::Projection;
use crate::service::{ServiceError, Services};

use super::{GROUPS, Identity, Representation, not_found, present, user_id};

/// Reads any user of the organization; one statement, and nothing parsed unless a projection asks for it.
///
/// # Errors
/// [`ServiceError`]; 404 for whatever this organization does not have.
pub fn read(
    services: &Services,
    caller: &Caller,
    id: &str,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    let key = user_id(id)?;
    let user = services
        .live
        .read::<_, DatabaseError>(|tx| listed::by_id(tx, caller.organization, caller.connection, key))?
        .ok_or_else(|| not_found(id))?;
    let groups = present::groups_array(services, user.groups.iter().flatten().map(|(id, name)| (id, name.as_str())));
    let rows = Some((GROUPS, groups.as_str()));
    let whole = present::whole(services, &services.types.user, &Identity::from(&user), &user.document, rows);
    let whole = present::with_effective_roles(services, caller, key, projection, whole)?;
    present::projected(&services.types.user, projection, whole)
}
