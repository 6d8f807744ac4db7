//! DELETE /Groups/{id} (RFC 7644 §3.6).

use serde_json::{Map, Value, json};

use crate::db::deleted_groups::DeletedGroupRow;
use crate::db::groups::GroupChange;
use crate::db::{Count, ResourceKind, WriteSet};
use crate::live::{Cause, Decision};
use crate::model::{Caller, Precondition};
use crate::service::access::administrators;
use crate::service::{ServiceError, Services};

use super::{group_id, load_for_change, present};

/// Deletes a group: 404 from then on, its memberships over. Its members stay.
///
/// # Errors
/// [`ServiceError`].
pub fn delete(services: &Services, caller: &Caller, id: &str, precondition: &Precondition) -> Result<(), ServiceError> {
    let id = group_id(id)?;
    let now = services.clock.now();
    let cause = Cause::from(caller);
    services.live.write(&cause, |tx| {
        let group = load_for_change(tx, caller, id, precondition)?;
        let document: Map<String, Value> = present::parse(&group.document)?;
        let mut set = WriteSet::new(caller.organization);
        set.takes_revision = true;
        set.takes_access = true;
        set.groups_changed.push(GroupChange::Delete { id, expected: group.version, at: now });
        set.counts.push(Count { connection: caller.connection, kind: ResourceKind::Group, present: -1, deleted: 1 });
        let event = cause.event(now, "group.deleted", id.into(), &json!({ "before": document }));
        let (connection, at) = (caller.connection, now);
        set.groups_deleted.push(DeletedGroupRow { event: event.id, group: id, connection, at });
        set.events.push(event);
        administrators::guard(tx, caller, now, &mut set)?;
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}
