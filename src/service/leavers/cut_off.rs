//! The cut-off: what ends with a person's access, in the transaction that ends it, from whichever side it comes.
//!
//! Decisions go by the person's status, so what was assigned to it and the services it answers for are void from the same
//! revision on. Who may come back keeps assignments and memberships, for some identity providers never send them again;
//! who is deleted loses the assignments, and the services stop for good. A service for which a successor was named is the
//! successor's from the same revision on, and stays so whoever comes back.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::db::access::{AccessRow, ServiceRow, assignments, people, services};
use crate::db::events::EventRow;
use crate::db::leavers::{How, LeaverRow};
use crate::db::users::{EmailRow, Status};
use crate::db::{DatabaseError, Tx, WriteSet, access};
use crate::evidence::digest;
use crate::live::Cause;
use crate::model::{Caller, Moment, OrganizationId, ResourceId, Revision, Service, UserId};
use crate::service::access::assignments::details;
use crate::service::provisioning::users::UserKeys;

/// Puts on record the request that cut somebody off.
pub fn name_request(caller: &Caller, details: &mut Value) {
    if let (Some(digest), Some(members)) = (&caller.digest, details.as_object_mut()) {
        members.insert("request_digest".to_owned(), digest::text(digest).into());
    }
}

/// Puts somebody in the register of leavers; `event` is the line of the log that says so. With the person end invitations to
/// any address it has in `documents`, which are the person as it was and, where that is different, as it is.
pub fn register(
    caller: &Caller,
    (user, documents): (UserId, &[&Map<String, Value>]),
    how: How,
    event: &EventRow,
    set: &mut WriteSet,
) {
    let (connection, at) = (caller.connection, event.at);
    set.leavers.push(LeaverRow { event: event.id, user, connection, how, at });
    let keys = documents.iter().map(|document| UserKeys::of(document));
    let addresses: BTreeSet<String> =
        keys.flat_map(|keys| keys.emails.into_iter().chain(std::iter::once(keys.user_name_key))).collect();
    set.addresses_of_leavers.extend(addresses.into_iter().map(|address_key| EmailRow { address_key, user }));
}

/// A person ceases to be active, or is so again: the services it answers for are handed over, or denied everything meanwhile.
pub fn turn(
    tx: &mut Tx<'_>,
    cause: &Cause,
    user: UserId,
    active: bool,
    now: Moment,
    set: &mut WriteSet,
) -> Result<(), DatabaseError> {
    let action = if active { "service.resumed" } else { "service.suspended" };
    let mut owned = running(tx, set.organization, user)?;
    let mut state = None;
    if !active && owned.iter().any(|row| row.service.successor.is_some()) {
        // Read before what is decided on it: of two who decide on one state the second decides again.
        state = Some(access::state(tx, set.organization)?);
        owned = running(tx, set.organization, user)?;
    }
    for row in owned {
        if active || !hand_over(tx, cause, &row, now, set)? {
            set.events.push(cause.event(now, action, row.service.id.into(), &named(&row.service)));
        }
    }
    if !set.access.is_empty() {
        set.access_state = set.access_state.or(state);
    }
    Ok(())
}

fn running(tx: &mut Tx<'_>, organization: OrganizationId, owner: UserId) -> Result<Vec<ServiceRow>, DatabaseError> {
    let mut owned = services::of_owner(tx, organization, owner)?;
    owned.retain(|row| row.service.stopped_at.is_none());
    Ok(owned)
}

fn named(service: &Service) -> Value {
    json!({ "name": service.name.as_str(), "owner": service.owner.to_string() })
}

/// Makes a service the successor's, if one was named and is active; answers whether it did.
fn hand_over(
    tx: &mut Tx<'_>,
    cause: &Cause,
    row: &ServiceRow,
    now: Moment,
    set: &mut WriteSet,
) -> Result<bool, DatabaseError> {
    let service = &row.service;
    let Some(successor) = service.successor else { return Ok(false) };
    let found = people::by_ids(tx, set.organization, [successor])?;
    if !found.iter().any(|person| person.status == Status::Active) {
        return Ok(false);
    }
    let details = json!({ "name": service.name.as_str(), "before": service.owner.to_string(),
        "owner": successor.to_string() });
    set.events.push(cause.event(now, "service.handed-over", service.id.into(), &details));
    change(row, Service { owner: successor, successor: None, ..service.clone() }, set);
    Ok(true)
}

fn change(before: &ServiceRow, service: Service, set: &mut WriteSet) {
    set.access.push(AccessRow::ServiceEnds(service.id));
    set.access.push(AccessRow::Service(ServiceRow::new(service, before.created_at)));
}

/// A person is deleted: what was assigned to it ends, the services it answers for are handed over or stop for good.
pub fn end(tx: &mut Tx<'_>, cause: &Cause, user: UserId, now: Moment, set: &mut WriteSet) -> Result<(), DatabaseError> {
    let organization = set.organization;
    // Read first: of two who decide on one state the second decides again.
    let state = access::state(tx, organization)?;
    for row in assignments::of_principal(tx, organization, ResourceId::from(user), Revision::OPEN)? {
        let assignment = row.assignment;
        set.access.push(AccessRow::AssignmentEnds(assignment.id));
        set.events.push(cause.event(now, "assignment.removed", assignment.id.into(), &details(&assignment)));
    }
    for row in running(tx, organization, user)? {
        if !hand_over(tx, cause, &row, now, set)? {
            set.events.push(cause.event(now, "service.stopped", row.service.id.into(), &named(&row.service)));
            change(&row, Service { stopped_at: Some(now), ..row.service.clone() }, set);
        }
    }
    if !set.access.is_empty() {
        set.access_state = Some(state);
    }
    Ok(())
}
