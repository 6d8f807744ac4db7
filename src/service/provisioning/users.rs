//! Use cases of SCIM Users, and what they share.

mod change;
mod create;
mod delete;
mod keys;
mod list;
mod read;

pub use change::{patch, replace};
pub use create::{NewUser, create};
pub use delete::delete;
pub(in crate::service) use keys::UserKeys;
pub use list::{Users, list, look_up};
pub use read::read;

use crate::db::users::UserWithGroups;
use crate::db::{Tx, organizations, users};
use crate::model::{Caller, Precondition, UserId, Version};
use crate::scim::ScimError;
use crate::scim::projection::Projection;
use crate::service::signals::Done;
use crate::service::{ServiceError, Services};

use super::present::{self, Identity};
use super::{Representation, not_paused};

/// `groups`: who is in which group is kept with the groups.
const GROUPS: &str = "groups";

fn not_found(id: &str) -> ServiceError {
    let detail = format!("there is no User `{}`", crate::scim::path::excerpt(id));
    match id.parse() {
        Ok(id) => ScimError::UnknownId(id, detail).into(),
        Err(_not_ours) => ScimError::NotFound(detail).into(),
    }
}

/// What a request has done to a user.
fn done(id: UserId, status: u16, version: Option<Version>) -> Done {
    Done { endpoint: "/Users", id: id.into(), status, version }
}

fn user_id(id: &str) -> Result<UserId, ServiceError> {
    id.parse().map_err(|_not_ours| not_found(id))
}

/// The user, if this connection may change it now: it manages the user, or nobody does and it adopts the user.
fn load_for_change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: UserId,
    precondition: &Precondition,
) -> Result<UserWithGroups, ServiceError> {
    not_paused(caller)?;
    let found = users::for_change(tx, caller.organization, caller.connection, id)?;
    let loaded = found.ok_or_else(|| not_found(&id.to_string()))?;
    let user = &loaded.user;
    if user.connection != caller.connection && !user.connection.is_nobody() {
        let manager = organizations::connection(tx, caller.organization, user.connection)?;
        let name = manager.map_or_else(String::new, |manager| format!(" `{}`", manager.name));
        let detail = format!("this user is managed by the connection{name}; change it there");
        return Err(ScimError::Forbidden(detail).into());
    }
    super::check_precondition(precondition, &user.version.entity_tag(id.into()))?;
    Ok(loaded)
}

/// A user as answered.
fn present(
    services: &Services,
    UserWithGroups { user, groups }: &UserWithGroups,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    let array = present::groups_array(services, groups.iter().map(|(id, name)| (id, name.as_str())));
    let rows = projection.includes(GROUPS).then_some((GROUPS, array.as_str()));
    let whole = present::whole(services, &services.types.user, &Identity::from(user), &user.document, rows);
    present::projected(&services.types.user, projection, whole)
}
