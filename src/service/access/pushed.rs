//! `roles` that a connection sends of people, as assignments.
//!
//! What is assigned follows from what is stored: a person's `roles`, what was offered to the connection that manages the
//! person, and whether the connection assigns roles at all. A value that was not offered is stored and gives nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::db::access::{AccessRow, AssignmentRow, assignments};
use crate::db::{DatabaseError, Tx, WriteSet, access, organizations, role_offers, users};
use crate::ids;
use crate::live::Cause;
use crate::model::{
    Assignment, AssignmentSource, ConnectionId, Moment, Principal, ResourceId, Revision, RoleOffer, UserId, Validity,
};

use super::assignments::details;
use super::{AdministrationError, Change, Result};

/// People read in one statement.
const BATCH: i64 = 1_000;

type Document = Map<String, Value>;

/// The values a user has among its `roles`.
fn values(document: &Document) -> BTreeSet<&str> {
    let roles = document.get("roles").and_then(Value::as_array).into_iter().flatten();
    roles.filter_map(|role| role.get("value").and_then(Value::as_str)).collect()
}

fn assignment(connection: ConnectionId, user: UserId, offer: &RoleOffer, now: Moment) -> Assignment {
    Assignment {
        id: ids::assignment(now),
        role: offer.role.clone(),
        scope: offer.scope.clone(),
        principal: Principal::User(user),
        validity: Validity::since(now),
        source: AssignmentSource::Connection(connection),
        approver: None,
        reason: None,
    }
}

/// Makes the assignments of a user follow the `roles` that its connection has just sent. `before` is `None` for somebody
/// the connection did not manage until now.
///
/// # Errors
/// [`DatabaseError`].
pub(in crate::service) fn follow(
    tx: &mut Tx<'_>,
    cause: &Cause,
    (connection, user): (ConnectionId, UserId),
    (before, after): (Option<&Document>, &Document),
    now: Moment,
    set: &mut WriteSet,
) -> std::result::Result<(), DatabaseError> {
    let sent = values(after);
    if connection.is_nobody() || before.map(values).unwrap_or_default() == sent {
        return Ok(());
    }
    // Read first: whoever changes in between what is offered makes this be worked out again.
    let state = access::state(tx, set.organization)?;
    let source = organizations::connection(tx, set.organization, connection)?;
    if !source.is_some_and(|connection| connection.assigns_roles) {
        return Ok(());
    }
    (set.takes_revision, set.access_state) = (true, Some(state));
    let mut wanted = role_offers::of_connection(tx, set.organization, connection)?;
    wanted.retain(|offer| sent.contains(offer.value().as_str()));
    for row in assignments::of_principal(tx, set.organization, ResourceId::from(user), Revision::OPEN)? {
        let held = row.assignment;
        if held.source != AssignmentSource::Connection(connection) {
            continue;
        }
        let place = wanted.iter().position(|offer| offer.role == held.role && offer.scope == held.scope);
        if let Some(place) = place {
            wanted.swap_remove(place);
            continue;
        }
        set.takes_access = true;
        set.access.push(AccessRow::AssignmentEnds(held.id));
        set.events.push(cause.event(now, "assignment.removed", held.id.into(), &details(&held)));
    }
    for offer in wanted {
        let made = assignment(connection, user, &offer, now);
        set.events.push(cause.event(now, "assignment.created", made.id.into(), &details(&made)));
        set.access.push(AccessRow::Assignment(AssignmentRow::new(made, now)));
    }
    Ok(())
}

/// Whether what a connection had assigned would be assigned by it now.
///
/// # Errors
/// [`DatabaseError`].
pub(in crate::service) fn stands(
    tx: &mut Tx<'_>,
    organization: crate::model::OrganizationId,
    assignment: &Assignment,
) -> std::result::Result<bool, DatabaseError> {
    let AssignmentSource::Connection(connection) = assignment.source else { return Ok(true) };
    if !organizations::connection(tx, organization, connection)?.is_some_and(|connection| connection.assigns_roles) {
        return Ok(false);
    }
    let offers = role_offers::of_connection(tx, organization, connection)?;
    Ok(offers.iter().any(|offer| offer.role == assignment.role && offer.scope == assignment.scope))
}

/// Assigns what is offered from now on to everybody of whom the connection has sent it already.
pub(super) fn begin(change: &mut Change<'_, '_>, connection: ConnectionId, offers: &[RoleOffer]) -> Result<()> {
    let mut after = UserId::from(ResourceId::FIRST);
    loop {
        let page = users::page_after(change.tx, change.organization, after, BATCH)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for user in page.iter().filter(|user| user.connection == connection && user.document.contains("\"roles\"")) {
            let document: Document = serde_json::from_str(&user.document).map_err(|error| {
                AdministrationError::Unfitting(format!("the stored user `{}` cannot be read: {error}", user.id))
            })?;
            let sent = values(&document);
            for offer in offers.iter().filter(|offer| sent.contains(offer.value().as_str())) {
                let made = assignment(connection, user.id, offer, change.now);
                change.event("assignment.created", made.id, details(&made));
                change.rows.push(AccessRow::Assignment(AssignmentRow::new(made, change.now)));
            }
        }
    }
}
