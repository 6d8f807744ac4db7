//! PUT and PATCH of /Groups/{id} (RFC 7644 §3.5.1, §3.5.2): the document by version, the members as rows.

use serde_json::{Map, Value, json};

use crate::db::WriteSet;
use crate::db::groups::{GroupChange, StoredGroup};
use crate::live::{Cause, Decision};
use crate::model::limits::MEMBERS_IN_PATCH_ANSWER;
use crate::model::{Caller, GroupId, Moment, Precondition};
use crate::scim::patch::RowsChange;
use crate::scim::projection::Projection;
use crate::scim::{ScimError, patch as patching, resource};
use crate::service::access::administrators;
use crate::service::signals::{self, ChangedGroup, GroupHappened};
use crate::service::{ServiceError, Services};

use super::membership::{self, Effect};
use super::{Representation, done, group_id, load, load_for_change, members, names, nesting, present};

type Document = Map<String, Value>;

/// Replaces a group. Without `members` in the body nobody leaves: only what is said of members changes them.
///
/// # Errors
/// [`ServiceError`].
pub fn replace(
    services: &Services,
    caller: &Caller,
    id: &str,
    body: Value,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    let id = group_id(id)?;
    change(services, caller, id, (precondition, true), |current| {
        let incoming = resource::replace(caller.profile.switches(), &services.types.group, current, body.clone())?;
        Ok((incoming.document, incoming.rows.into_iter().map(RowsChange::Replace).collect()))
    })?;
    services.live.read(|tx| {
        let group = load(tx, caller, id)?;
        let members = members(tx, caller, id, projection, usize::MAX)?;
        present(services, &group, members, projection)
    })
}

/// Changes a group, all operations or none. Answers the group while it is small or attributes are asked for, else
/// `None`: a group of 100,000 is not sent back for one member (RFC 7644 §3.5.2 allows 204).
///
/// # Errors
/// [`ServiceError`].
pub fn patch(
    services: &Services,
    caller: &Caller,
    id: &str,
    body: Value,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Option<Representation>, ServiceError> {
    let id = group_id(id)?;
    let operations = patching::parse(caller.profile.switches(), body)?;
    change(services, caller, id, (precondition, false), |current| {
        let patched = patching::apply(caller.profile.switches(), &services.types.group, current, &operations)?;
        Ok((patched.document, patched.rows))
    })?;
    services.live.read(|tx| {
        let unasked = projection.is_everything();
        if unasked && !caller.profile.switches().groups_in_patch_answers {
            return Ok(None);
        }
        let most = if unasked { MEMBERS_IN_PATCH_ANSWER } else { usize::MAX };
        let members = members(tx, caller, id, projection, most.saturating_add(1))?;
        if members.as_ref().is_some_and(|members| members.len() > most) {
            return Ok(None);
        }
        let group = load(tx, caller, id)?;
        present(services, &group, members, projection).map(Some)
    })
}

fn change(
    services: &Services,
    caller: &Caller,
    id: GroupId,
    (precondition, replaced): (&Precondition, bool),
    apply: impl Fn(&Document) -> Result<(Document, Vec<RowsChange>), ScimError>,
) -> Result<(), ServiceError> {
    let now = services.clock.now();
    let unchanged = services.live.write(&Cause::from(caller), |tx| {
        let group = load_for_change(tx, caller, id, precondition)?;
        let before: Document = present::parse(&group.document)?;
        let (after, changes) = apply(&before)?;
        let effect = if changes.is_empty() { Effect::default() } else { membership::effect(tx, caller, id, &changes)? };
        if before == after && effect.is_nothing() {
            return Ok(Decision::Unchanged(Some(done(id, 200, Some(group.version)))));
        }
        let mut set = WriteSet::new(caller.organization);
        set.only_at = nesting::check(tx, caller.organization, id, &effect.joined)?;
        set.takes_revision = !effect.is_nothing();
        set.takes_access = !effect.left.is_empty();
        set.joined.extend(effect.joined_rows(id));
        set.left.extend(effect.left_rows(id));
        set.groups_changed.push(group_change(caller, &group, (&before, &after), precondition, now)?);
        record(caller, id, (&before, &after), &effect, now, &mut set);
        administrators::guard(tx, caller, now, &mut set)?;
        // Whoever only counts up does not know from where.
        let is_counted = matches!(set.groups_changed.as_slice(), [GroupChange::Touch { .. }]);
        let version = (!is_counted).then(|| group.version.next());
        let happened =
            if replaced { GroupHappened::Replaced { members: !changes.is_empty() } } else { GroupHappened::Patched };
        let (before, after, joined, left) = (&before, &after, &effect.joined, &effect.left);
        let told = ChangedGroup { id, happened, before, after, joined, left, version };
        signals::queue_group(&services.live, tx, &Cause::from(caller), &mut set, &told)?;
        signals::queue_outcome(services, tx, caller, &mut set, done(id, 200, version))?;
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), None))
    })?;
    signals::tell_unchanged(services, caller, unchanged)
}

/// Members alone do not depend on the version, so that many may change them at the same time; a document does, and so
/// does whatever the client put a precondition on.
fn group_change(
    caller: &Caller,
    group: &StoredGroup,
    (before, after): (&Document, &Document),
    precondition: &Precondition,
    now: Moment,
) -> Result<GroupChange, ServiceError> {
    if before == after && *precondition == Precondition::None {
        return Ok(GroupChange::Touch { id: group.id, modified_at: now });
    }
    Ok(GroupChange::Replace {
        id: group.id,
        expected: group.version,
        names: names(caller, after)?,
        modified_at: now,
        document: resource::text(after)?,
    })
}

fn record(
    caller: &Caller,
    id: GroupId,
    (before, after): (&Document, &Document),
    effect: &Effect,
    now: Moment,
    set: &mut WriteSet,
) {
    let cause = Cause::from(caller);
    if before != after {
        set.events.push(cause.event(now, "group.changed", id.into(), &json!({ "before": before, "after": after })));
    }
    if !effect.is_nothing() {
        set.events.push(cause.event(now, "group.members-changed", id.into(), &effect.details()));
    }
}
