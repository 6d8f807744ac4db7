//! Brings back groups that were deleted by mistake, with who was in them and what they were in.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::db::deleted_groups::DeletedGroup;
use crate::db::groups::GroupChange;
use crate::db::memberships::MembershipChange;
use crate::db::{Count, ResourceKind, Tx, WriteSet, directory, groups, memberships, organizations, users};
use crate::live::{Cause, Decision};
use crate::model::{ConnectionId, GroupId, Member, MemberKind, OrganizationId, ResourceId};
use crate::service::administration::{Administration, AdministrationError};
use crate::service::provisioning::groups::nesting;
use crate::service::signals::{self, ChangedGroup, GroupHappened};

type Result<T> = std::result::Result<T, AdministrationError>;

/// Makes a group be there again, empty, under its id, so that what was mapped to it is again. `None` where it is nowhere;
/// else whether it had to be done.
///
/// # Errors
/// [`AdministrationError`]; [`AdministrationError::Taken`] where another group of the connection has its name by now.
pub(super) fn undelete(
    administration: &Administration,
    organization: OrganizationId,
    connection: ConnectionId,
    gone: DeletedGroup,
    quarantine: ResourceId,
) -> Result<Option<bool>> {
    let cause = administration.cause(organization);
    let written = administration.live.write(&cause, |tx| {
        if groups::by_id(tx, organization, connection, gone.group)?.is_some() {
            return Ok(Decision::Unchanged(Some(false)));
        }
        let Some(group) = groups::deleted(tx, organization, connection, gone.group)? else {
            return Ok(Decision::Unchanged(None));
        };
        let now = administration.clock.now();
        let mut set = WriteSet::new(organization);
        set.takes_revision = true;
        set.groups_changed.push(GroupChange::Restore { id: group.id, expected: group.version, at: now });
        // As one that goes does, it moves the places of those behind it.
        set.counts.push(Count { connection, kind: ResourceKind::Group, present: 1, deleted: 1 });
        let details = json!({ "quarantine": quarantine.to_string() });
        set.events.push(cause.event(now, "group.restored", group.id.into(), &details));
        // Receivers know that it was deleted; to them it is new, and who is in it follows.
        let document: Map<String, Value> = serde_json::from_str(&group.document).unwrap_or_default();
        let told = ChangedGroup {
            id: group.id,
            happened: GroupHappened::Created,
            before: &Map::new(),
            after: &document,
            joined: &[],
            left: &[],
            version: Some(group.version.next()),
        };
        signals::queue_group(&administration.live, tx, &cause, &mut set, &told)?;
        Ok(Decision::Write(Box::new(set), Some(true)))
    });
    match written {
        Err(AdministrationError::Write(crate::db::WriteError::Violated(_))) => {
            Err(AdministrationError::Taken("another group of the connection has the name by now".to_owned()))
        }
        other => other,
    }
}

/// Gives a restored group those back who were in it when it was deleted, and puts it back where it was in. Who is not there
/// any more, and what would make groups go round in a circle by now, is left out.
///
/// # Errors
/// [`AdministrationError`].
pub(super) fn refill(
    administration: &Administration,
    organization: OrganizationId,
    connection: ConnectionId,
    gone: DeletedGroup,
) -> Result<()> {
    let cause = administration.cause(organization);
    administration.live.write(&cause, |tx| {
        let now = administration.clock.now();
        let mut set = WriteSet::new(organization);
        // Groups in groups are looked at as they are now.
        set.only_at = organizations::revision(tx, organization)?;
        let inner = memberships::members_until(tx, organization, gone.group, gone.revision)?;
        let outer = memberships::ended_with(tx, organization, gone.group.into(), gone.revision)?;
        for (group, rows) in
            std::iter::once((gone.group, inner)).chain(outer.into_iter().map(|row| (row.group, vec![row])))
        {
            let mut rows = lacking(tx, (organization, connection), group, rows)?;
            let mut members: Vec<Member> = rows.iter().map(|row| row.member).collect();
            if nesting::check(tx, organization, group, &members).is_err() {
                rows.retain(|row| row.member.kind == MemberKind::User);
                members.retain(|member| member.kind == MemberKind::User);
            }
            if rows.is_empty() {
                continue;
            }
            let joined: Vec<String> = rows.iter().map(|row| row.member.id.to_string()).collect();
            let details = json!({ "joined": joined, "left": [], "ignored": [] });
            set.events.push(cause.event(now, "group.members-changed", group.into(), &details));
            set.groups_changed.push(GroupChange::Touch { id: group, modified_at: now });
            tell_joined(administration, tx, &cause, &mut set, (group, &members))?;
            set.joined.extend(rows);
        }
        if set.joined.is_empty() {
            return Ok(Decision::Unchanged(()));
        }
        set.takes_revision = true;
        Ok(Decision::Write(Box::new(set), ()))
    })
}

/// Queues what receivers are to be told of a group that has members again.
fn tell_joined(
    administration: &Administration,
    tx: &mut Tx<'_>,
    cause: &Cause,
    set: &mut WriteSet,
    (id, joined): (GroupId, &[Member]),
) -> Result<()> {
    let Some(listed) = directory::group(tx, set.organization, id)? else { return Ok(()) };
    let Some(group) = groups::by_id(tx, set.organization, listed.connection, id)? else { return Ok(()) };
    let document: Map<String, Value> = serde_json::from_str(&group.document).unwrap_or_default();
    let (before, after, happened) = (&document, &document, GroupHappened::Patched);
    let told = ChangedGroup { id, happened, before, after, joined, left: &[], version: None };
    Ok(signals::queue_group(&administration.live, tx, cause, set, &told)?)
}

/// Memberships that are not there any more although both sides are.
fn lacking(
    tx: &mut Tx<'_>,
    (organization, connection): (OrganizationId, ConnectionId),
    group: GroupId,
    rows: Vec<MembershipChange>,
) -> Result<Vec<MembershipChange>> {
    let ids: Vec<ResourceId> = rows.iter().map(|row| row.member.id).collect();
    let mut known = users::known(tx, organization, &ids)?;
    known.extend(groups::known(tx, organization, connection, &ids)?);
    let mut there: BTreeSet<ResourceId> = known.into_iter().filter(|(_, present)| *present).map(|(id, _)| id).collect();
    for current in memberships::among(tx, organization, group, &ids)? {
        there.remove(&current.id);
    }
    Ok(rows.into_iter().filter(|row| there.contains(&row.member.id)).collect())
}
