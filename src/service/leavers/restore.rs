//! Brings somebody back who was cut off by mistake, with what was cut off: groups, assignments, services.

use serde_json::{Map, Value, json};

use crate::db::access::{AccessRow, AssignmentRow, ServiceRow, assignments, catalogue, scopes, services};
use crate::db::groups::GroupChange;
use crate::db::history::StatusInterval;
use crate::db::users::{EmailRow, Status, StatusChange, StoredUser, UserChange, UserRestoration};
use crate::db::{Count, ResourceKind, Tx, WriteSet, access, history, memberships, users};
use crate::live::{Cause, Decision};
use crate::model::{ConnectionId, Moment, OrganizationId, ResourceId, Revision, Service, UserId};
use crate::scim::resource;
use crate::service::access::pushed;
use crate::service::administration::{Administration, AdministrationError};
use crate::service::provisioning::users::UserKeys;
use crate::service::signals::{self, Happened};

use super::cut_off;

type Result<T> = std::result::Result<T, AdministrationError>;

/// The revisions at which somebody left over a connection, the first and the last of them.
#[derive(Debug, Clone, Copy)]
pub struct Departed {
    /// What was before this is what is to be restored.
    pub first: Revision,
    /// Nothing may have come after this.
    pub last: Revision,
}

/// Brings somebody back; answers whether there was anything to do.
///
/// # Errors
/// [`AdministrationError`]; [`AdministrationError::InUse`] and [`AdministrationError::Taken`] say why this person cannot be.
pub fn bring_back(
    administration: &Administration,
    organization: OrganizationId,
    id: UserId,
    departed: Departed,
    quarantine: ResourceId,
) -> Result<bool> {
    let cause = administration.cause(organization);
    let written = administration.live.write(&cause, |tx| {
        let statuses = history::statuses(tx, organization, id)?;
        let (Some(before), Some(now)) = (status_until(&statuses, departed.first), statuses.last()) else {
            return Ok(Decision::Unchanged(false));
        };
        if now.status == before {
            return Ok(Decision::Unchanged(false));
        }
        if now.interval.from != departed.last {
            return Err(AdministrationError::InUse("something else has happened to this person since".to_owned()));
        }
        let Some((user, deleted_at)) = users::even_deleted(tx, organization, id)? else {
            return Ok(Decision::Unchanged(false));
        };
        let mut set = WriteSet::new(organization);
        set.takes_revision = true;
        let at = administration.clock.now();
        let details = json!({ "quarantine": quarantine.to_string(), "status": told(before) });
        set.events.push(cause.event(at, "user.restored", id.into(), &details));
        set.statuses.push(StatusChange { user: id, status: before, since: at });
        let mut document: Map<String, Value> = serde_json::from_str(&user.document).map_err(unreadable)?;
        document.insert("active".to_owned(), Value::Bool(before != Status::Inactive));
        let text = resource::text(&document).map_err(unreadable)?;
        let keys = UserKeys::of(&document);
        if before == Status::Active {
            signals::queue(&administration.live, tx, &cause, &mut set, id, (&document, &Happened::Reactivated))?;
        }
        if deleted_at.is_some() {
            undelete(tx, &cause, (&user, departed.last), &keys, text, at, &mut set)?;
        } else {
            set.users_changed.push(changed(&user, keys, text, at));
            if before == Status::Active {
                cut_off::turn(tx, &cause, id, true, at, &mut set)?;
            }
        }
        Ok(Decision::Write(Box::new(set), true))
    });
    match written {
        Err(AdministrationError::Write(crate::db::WriteError::Violated(_))) => Err(AdministrationError::Taken(
            "somebody else bears the userName by now, or a name of its services".to_owned(),
        )),
        other => other,
    }
}

fn status_until(statuses: &[StatusInterval], revision: Revision) -> Option<Status> {
    statuses.iter().find(|one| one.interval.until == Some(revision)).map(|one| one.status)
}

fn changed(user: &StoredUser, keys: UserKeys, document: String, at: Moment) -> UserChange {
    UserChange {
        id: user.id,
        expected: user.version,
        version: user.version.next(),
        managed_by: user.connection,
        connection: user.connection,
        user_name_key: keys.user_name_key,
        sort_keys: keys.sort_keys,
        external_id: keys.external_id,
        active: keys.active,
        suspended: user.suspended_at.is_some(),
        modified_at: at,
        document,
    }
}

/// The rows by which a tombstone is a person again.
fn undelete(
    tx: &mut Tx<'_>,
    cause: &Cause,
    (user, deleted): (&StoredUser, Revision),
    keys: &UserKeys,
    document: String,
    at: Moment,
    set: &mut WriteSet,
) -> Result<()> {
    let (organization, id) = (set.organization, user.id);
    let active = keys.active;
    set.users_restored.push(UserRestoration { id, expected: user.version, active, at, document });
    set.identified.push(id);
    set.emails_added.extend(keys.emails.iter().map(|key| EmailRow { address_key: key.clone(), user: id }));
    // As one that goes does, it moves the places of those behind it.
    set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: 1, deleted: 1 });
    for membership in memberships::ended_with(tx, organization, id.into(), deleted)? {
        set.groups_changed.push(GroupChange::Touch { id: membership.group, modified_at: at });
        set.joined.push(membership);
    }
    // Read first: of two who decide on one state the second decides again.
    let state = access::state(tx, organization)?;
    let standing = assignments::of_principal(tx, organization, id.into(), Revision::OPEN)?;
    let stands = |row: &AssignmentRow| standing.iter().any(|other| other.assignment.id == row.assignment.id);
    let (roles, scopes) = (catalogue::roles(tx, organization)?, scopes::complete(tx, organization)?);
    for row in assignments::of_principal(tx, organization, id.into(), deleted)? {
        let role = &row.assignment.role;
        let role_is_there = role.is_built_in() || roles.iter().any(|stored| stored.version.role == *role);
        let offered = pushed::stands(tx, organization, &row.assignment)?;
        if !offered || stands(&row) || !role_is_there || !scopes.contains_key(&row.assignment.scope) {
            continue;
        }
        let details = crate::service::access::assignments::details(&row.assignment);
        set.events.push(cause.event(at, "assignment.created", row.assignment.id.into(), &details));
        set.access.push(AccessRow::Assignment(row));
    }
    for ServiceRow { service, created_at, .. } in services::of_owner(tx, organization, id)? {
        // What had been stopped before does not start again.
        if service.stopped_at != Some(user.modified_at) {
            continue;
        }
        let details = json!({ "name": service.name.as_str(), "owner": id.to_string() });
        set.events.push(cause.event(at, "service.resumed", service.id.into(), &details));
        set.access.push(AccessRow::ServiceEnds(service.id));
        let resumed = Service { stopped_at: None, ..service };
        set.access.push(AccessRow::Service(ServiceRow::new(resumed, created_at)));
    }
    if !set.access.is_empty() {
        set.access_state = Some(state);
    }
    Ok(())
}

const fn told(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Inactive => "inactive",
        Status::Deleted => "deleted",
        Status::Suspended => "suspended",
    }
}

fn unreadable(error: impl std::fmt::Display) -> AdministrationError {
    AdministrationError::Unfitting(format!("the stored user cannot be read: {error}"))
}
