//! An organization always has an administrator: what is guarded is the last active user with `admin` at `/`.
//!
//! One check, before the first write, on every path by which people take something away: a user's activity, a
//! membership, a group, an assignment. What a connection sends is never refused for this reason; it is carried out and
//! raises an alarm.

use std::collections::BTreeSet;

use serde_json::json;

use crate::db::access::{AccessRow, assignments, people, principals};
use crate::db::groups::GroupChange;
use crate::db::users::{Status, StatusChange};
use crate::db::{DatabaseError, Tx, WriteSet, memberships, organizations};
use crate::live::Cause;
use crate::model::{
    Assignment, AssignmentId, Caller, GroupId, Moment, OrganizationId, Principal, ResourceId, Revision, RoleName,
    ScopePath, UserId, limits,
};

use crate::service::ServiceError;

use super::AdministrationError;

/// What is about to be taken away, as far as administrators may depend on it.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Users that cease to be active.
    pub users: BTreeSet<UserId>,
    /// Assignments that end.
    pub assignments: BTreeSet<AssignmentId>,
    /// Members that leave groups.
    pub memberships: BTreeSet<(GroupId, ResourceId)>,
    /// Groups that are deleted.
    pub groups: BTreeSet<GroupId>,
}

impl Taken {
    /// What rows of people and groups take away.
    fn of(set: &WriteSet) -> Self {
        let ceases = |change: &&StatusChange| change.status != Status::Active;
        let deleted = |change: &GroupChange| match change {
            GroupChange::Delete { id, .. } => Some(*id),
            GroupChange::Replace { .. } | GroupChange::Touch { .. } | GroupChange::Restore { .. } => None,
        };
        let ended = |row: &AccessRow| match row {
            AccessRow::AssignmentEnds(id) => Some(*id),
            _ => None,
        };
        Self {
            users: set.statuses.iter().filter(ceases).map(|change| change.user).collect(),
            assignments: set.access.iter().filter_map(ended).collect(),
            memberships: set.left.iter().map(|row| (row.group, row.member.id)).collect(),
            groups: set.groups_changed.iter().filter_map(deleted).collect(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.users.is_empty() && self.assignments.is_empty() && self.memberships.is_empty() && self.groups.is_empty()
    }
}

/// The one check of whatever changes people and groups, before its first write: people are refused to take away the
/// last administrator. What a connection sends is carried out, put on record and told in the log.
///
/// # Errors
/// 409.
pub fn guard(tx: &mut Tx<'_>, caller: &Caller, now: Moment, set: &mut WriteSet) -> Result<(), ServiceError> {
    let taken = Taken::of(set);
    if taken.is_nothing() {
        return Ok(());
    }
    if caller.connection.is_nobody() {
        let only_at = keep_one(tx, caller.organization, now, &taken)?;
        // Of two checks the earlier one holds for less long.
        set.only_at = match (set.only_at, only_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        return Ok(());
    }
    let now_on = (now, Holding::Now);
    if concerns(tx, caller.organization, now, &taken)? && !is_any_left(tx, caller.organization, now_on, &taken)? {
        tracing::error!(
            organization = %caller.organization, connection = %caller.connection,
            "a connection has taken the last administrator; the recovery administrator is the way back"
        );
        let event = Cause::from(caller).event(
            now,
            "organization.without-administrator",
            caller.organization.into(),
            &json!({}),
        );
        set.events.push(event);
    }
    Ok(())
}

/// How long an administrator must be one to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// At this moment.
    Now,
    /// At this moment and without an end: who is one for a time only would leave nobody behind.
    ForGood,
}

/// From where the administrators come: users and groups that are `admin` at `/`, with the groups in those groups.
struct Origins {
    users: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
}

/// Refuses to take what would leave no active user who is `admin` at `/`, or none who is it without an end. Where
/// administrators depend on it at all, the answer is the revision the check holds at: the write must happen at that one.
///
/// # Errors
/// [`AdministrationError::InUse`].
pub fn keep_one(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    now: Moment,
    taken: &Taken,
) -> Result<Option<Revision>, AdministrationError> {
    // Read first: a change in between makes the write fail, not the check pass.
    let revision = organizations::revision(tx, organization)?;
    if !concerns(tx, organization, now, taken)? {
        return Ok(None);
    }
    if is_any_left(tx, organization, (now, Holding::ForGood), taken)? {
        return Ok(revision);
    }
    // Where everybody is one for a time only already, one of those will do.
    let only_for_a_time = !is_any_left(tx, organization, (now, Holding::ForGood), &Taken::default())?;
    if only_for_a_time && is_any_left(tx, organization, (now, Holding::Now), taken)? {
        return Ok(revision);
    }
    Err(AdministrationError::InUse(
        "nobody active would be left with the role `admin` at `/` for good; assign it to somebody else first"
            .to_owned(),
    ))
}

/// Whether somebody active is `admin` at `/` once `taken` is gone.
///
/// # Errors
/// [`DatabaseError`].
fn is_any_left(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    when: (Moment, Holding),
    taken: &Taken,
) -> Result<bool, DatabaseError> {
    let origins = origins(tx, organization, when, taken)?;
    let direct = people::by_ids(tx, organization, origins.users.difference(&taken.users).copied())?;
    if direct.iter().any(|person| person.status == Status::Active) {
        return Ok(true);
    }
    // Whoever is taken is a member of a group once at most.
    let enough = taken.users.len().saturating_add(taken.memberships.len()).saturating_add(1);
    for group in origins.groups {
        let stays = |member: &ResourceId| {
            !taken.users.contains(&UserId::from(*member)) && !taken.memberships.contains(&(group, *member))
        };
        if principals::active_members(tx, organization, group, enough)?.iter().any(stays) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an administrator depends on anything of `taken`.
fn concerns(tx: &mut Tx<'_>, organization: OrganizationId, now: Moment, taken: &Taken) -> Result<bool, DatabaseError> {
    let when = (now, Holding::Now);
    let admin = administrators(tx, organization, when, &Taken::default())?;
    if admin.is_empty() {
        return Ok(false);
    }
    if admin.iter().any(|(id, _)| taken.assignments.contains(id)) {
        return Ok(true);
    }
    let origins = origins(tx, organization, when, &Taken::default())?;
    let groups: Vec<GroupId> = origins.groups.iter().copied().collect();
    if !origins.users.is_disjoint(&taken.users)
        || !origins.groups.is_disjoint(&taken.groups)
        || taken.memberships.iter().any(|(group, _)| origins.groups.contains(group))
    {
        return Ok(true);
    }
    let users: Vec<ResourceId> = taken.users.iter().copied().map(ResourceId::from).collect();
    Ok(!memberships::among_groups(tx, organization, &groups, &users)?.is_empty())
}

/// The assignments of `admin` at `/` that hold, without those taken.
fn administrators(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    (now, holding): (Moment, Holding),
    taken: &Taken,
) -> Result<Vec<(AssignmentId, Principal)>, DatabaseError> {
    let Ok(admin) = RoleName::ADMIN.parse() else { return Ok(Vec::new()) };
    let rows = assignments::of_role_at(tx, organization, &admin, &ScopePath::root())?;
    let lasts = |one: &Assignment| holding == Holding::Now || one.validity.until().is_none();
    let held = rows.into_iter().map(|row| row.assignment).filter(|one| one.validity.holds(now) && lasts(one));
    Ok(held.filter(|one| !taken.assignments.contains(&one.id)).map(|one| (one.id, one.principal)).collect())
}

fn origins(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    when: (Moment, Holding),
    taken: &Taken,
) -> Result<Origins, DatabaseError> {
    let mut origins = Origins { users: BTreeSet::new(), groups: BTreeSet::new() };
    let mut edge = BTreeSet::new();
    for (_, principal) in administrators(tx, organization, when, taken)? {
        match principal {
            Principal::User(id) => drop(origins.users.insert(id)),
            Principal::Group(id) => drop(edge.insert(id)),
            // A service is nobody who could let others in again.
            Principal::Service(_) => {}
        }
    }
    for _ in 0..=limits::NESTING_DEPTH {
        edge.retain(|group| !taken.groups.contains(group) && origins.groups.insert(*group));
        if edge.is_empty() {
            break;
        }
        let ids: Vec<ResourceId> = edge.iter().copied().map(ResourceId::from).collect();
        let inner = memberships::nested_groups(tx, organization, &ids)?;
        let stays = inner.into_iter().filter(|row| !taken.memberships.contains(&(row.group, row.member.id)));
        edge = stays.map(|row| row.member.id.into()).collect();
    }
    Ok(origins)
}
