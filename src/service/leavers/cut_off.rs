//! The cut-off: what ends with a person's access, in the transaction that ends it, from whichever side it comes.
//!
//! Decisions go by the person's status, so what was assigned to it and the services it answers for are void from the same
//! revision on. Who may come back keeps assignments and memberships, for some identity providers never send them again;
//! who is deleted loses the assignments, and the services stop for good.

use serde_json::{Value, json};

use crate::db::access::{AccessRow, ServiceRow, assignments, services};
use crate::db::events::EventRow;
use crate::db::leavers::{How, LeaverRow};
use crate::db::{DatabaseError, Tx, WriteSet, access};
use crate::evidence::digest;
use crate::live::Cause;
use crate::model::{Caller, Moment, ResourceId, Revision, UserId};
use crate::service::access::assignments::details;

/// Puts on record the request that cut somebody off.
pub fn name_request(caller: &Caller, details: &mut Value) {
    if let (Some(digest), Some(members)) = (&caller.digest, details.as_object_mut()) {
        members.insert("request_digest".to_owned(), digest::text(digest).into());
    }
}

/// Puts somebody in the register of leavers; `event` is the line of the log that says so.
pub fn register(caller: &Caller, user: UserId, how: How, event: &EventRow, set: &mut WriteSet) {
    let (connection, at) = (caller.connection, event.at);
    set.leavers.push(LeaverRow { event: event.id, user, connection, how, at });
}

/// A person ceases to be active, or is so again: the services it answers for are denied everything meanwhile.
pub fn turn(
    tx: &mut Tx<'_>,
    cause: &Cause,
    user: UserId,
    active: bool,
    now: Moment,
    set: &mut WriteSet,
) -> Result<(), DatabaseError> {
    let action = if active { "service.resumed" } else { "service.suspended" };
    for ServiceRow { service, .. } in services::of_owner(tx, set.organization, user)? {
        if service.stopped_at.is_none() {
            let details = json!({ "name": service.name.as_str(), "owner": user.to_string() });
            set.events.push(cause.event(now, action, service.id.into(), &details));
        }
    }
    Ok(())
}

/// A person is deleted: what was assigned to it ends, the services it answers for stop for good.
pub fn end(tx: &mut Tx<'_>, cause: &Cause, user: UserId, now: Moment, set: &mut WriteSet) -> Result<(), DatabaseError> {
    let organization = set.organization;
    // Read first: of two who decide on one state the second decides again.
    let state = access::state(tx, organization)?;
    for row in assignments::of_principal(tx, organization, ResourceId::from(user), Revision::OPEN)? {
        let assignment = row.assignment;
        set.access.push(AccessRow::AssignmentEnds(assignment.id));
        set.events.push(cause.event(now, "assignment.removed", assignment.id.into(), &details(&assignment)));
    }
    for ServiceRow { service, created_at, .. } in services::of_owner(tx, organization, user)? {
        if service.stopped_at.is_some() {
            continue;
        }
        let details = json!({ "name": service.name.as_str(), "owner": user.to_string() });
        set.events.push(cause.event(now, "service.stopped", service.id.into(), &details));
        set.access.push(AccessRow::ServiceEnds(service.id));
        let stopped = crate::model::Service { stopped_at: Some(now), ..service };
        set.access.push(AccessRow::Service(ServiceRow::new(stopped, created_at)));
    }
    if !set.access.is_empty() {
        set.access_state = Some(state);
    }
    Ok(())
}
