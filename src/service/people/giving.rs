//! Letting somebody into a group is giving what is assigned to it: who keeps people and may not change access does so only
//! where nothing is.

use crate::db::access::assignments;
use crate::db::console::accounts;
use crate::db::{DatabaseError, Tx};
use crate::model::{Actor, Caller, GroupId, Moment, OrganizationId, Revision};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

use super::idle::around;

/// Refuses somebody who may not change access and would give something by letting somebody into the group.
///
/// # Errors
/// 403; [`ServiceError::Unavailable`] when it cannot be judged.
pub(in crate::service) fn check(services: &Services, caller: &Caller, group: GroupId) -> Result<(), ServiceError> {
    let (organization, now) = (caller.organization, services.clock.now());
    let gives = services.live.read::<_, ServiceError>(|tx| Ok(gives_something(tx, organization, group, now)?))?;
    if gives && !may_give(services, caller)? { Err(refused()) } else { Ok(()) }
}

/// What somebody is told who may not give it.
pub(in crate::service) fn refused() -> ServiceError {
    let detail = "something is assigned to it: only who may change access lets people in";
    ScimError::Forbidden(detail.to_owned()).into()
}

/// Whether anything is assigned to a group, or to one it is in, now or later.
///
/// # Errors
/// [`DatabaseError`].
pub(in crate::service) fn gives_something(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    now: Moment,
) -> Result<bool, DatabaseError> {
    for group in around(tx, organization, group)? {
        let assigned = assignments::of_principal(tx, organization, group.into(), Revision::OPEN)?;
        if assigned.iter().any(|row| row.assignment.validity.until().is_none_or(|until| now < until)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a caller may change access, and so give it.
///
/// # Errors
/// [`ServiceError::Unavailable`] when it cannot be judged.
pub(in crate::service) fn may_give(services: &Services, caller: &Caller) -> Result<bool, ServiceError> {
    // A credential that changes anything changes access, too.
    let Actor::Account(account) = caller.actor else { return Ok(true) };
    let belongings = services.live.read::<_, ServiceError>(|tx| Ok(accounts::belongings(tx, account)?))?;
    let here = belongings.into_iter().find(|belonging| belonging.organization == caller.organization);
    match here.map(|here| here.user) {
        None => Ok(false),
        // The recovery administrator.
        Some(None) => Ok(true),
        Some(Some(user)) => {
            let rights = services.rights(caller.organization, user)?;
            Ok(rights.is_some_and(|rights| rights.manage_access()))
        }
    }
}
