//! POST /Groups (RFC 7644 §3.3).

use serde_json::{Map, Value, json};

use crate::db::groups::{GroupRow, StoredGroup};
use crate::db::{Count, ResourceKind, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Caller, Version};
use crate::scim::projection::Projection;
use crate::scim::resource;
use crate::service::signals::{self, ChangedGroup, GroupHappened};
use crate::service::{ServiceError, Services};

use super::membership::{self, Effect};
use super::{Identity, MEMBERS, Representation, done, names, nesting, not_paused, present};

/// Creates a group of the caller's connection, with the members it is sent with.
///
/// # Errors
/// [`ServiceError`]; 409 `uniqueness` if the connection has a group of that name and its profile says names are unique.
pub fn create(
    services: &Services,
    caller: &Caller,
    body: Value,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    not_paused(caller)?;
    let incoming = resource::create(caller.profile.switches(), &services.types.group, body)?;
    let names = names(caller, &incoming.document)?;
    let text = resource::text(&incoming.document)?;
    let rows = incoming.rows.unwrap_or_default();
    let cause = Cause::from(caller);
    let now = services.clock.now();
    let id = ids::group(now);
    let (group, members) = services.live.write(&cause, |tx| {
        let effect = if rows.is_empty() { Effect::default() } else { membership::first(tx, caller, id, &rows)? };
        let mut set = WriteSet::new(caller.organization);
        set.only_at = nesting::check(tx, caller.organization, id, &effect.joined)?;
        set.takes_revision = !effect.is_nothing();
        set.joined.extend(effect.joined_rows(id));
        set.counts.push(Count { connection: caller.connection, kind: ResourceKind::Group, present: 1, deleted: 0 });
        set.events.push(cause.event(now, "group.created", id.into(), &json!({ "after": incoming.document })));
        if !effect.is_nothing() {
            set.events.push(cause.event(now, "group.members-changed", id.into(), &effect.details()));
        }
        let (before, version) = (Map::new(), Some(Version::FIRST));
        let (after, joined) = (&incoming.document, &effect.joined);
        let happened = GroupHappened::Created;
        let told = ChangedGroup { id, happened, before: &before, after, joined, left: &[], version };
        signals::queue_group(&services.live, tx, &cause, &mut set, &told)?;
        signals::queue_outcome(services, tx, caller, &mut set, done(id, 201, version))?;
        set.groups_created.push(GroupRow {
            id,
            connection: caller.connection,
            names: names.clone(),
            created_at: now,
            document: text.clone(),
        });
        let group =
            StoredGroup { id, version: Version::FIRST, created_at: now, modified_at: now, document: text.clone() };
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), (group, effect.joined)))
    })?;
    let array = present::members_array(services, &members);
    let rows = projection.includes(MEMBERS).then_some((MEMBERS, array.as_str()));
    let whole = present::whole(services, &services.types.group, &Identity::from(&group), &group.document, rows);
    present::projected(&services.types.group, projection, whole)
}
