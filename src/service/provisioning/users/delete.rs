//! DELETE /Users/{id} (RFC 7644 §3.6).

use serde_json::{Map, Value, json};

use crate::db::leavers::How;
use crate::db::users::{EmailRow, Status, StatusChange, UserDeletion};
use crate::db::{Count, ResourceKind, WriteSet};
use crate::live::{Cause, Decision};
use crate::model::{Caller, ConnectionId, Precondition};
use crate::service::access::administrators;
use crate::service::leavers::{cut_off, purges};
use crate::service::signals;
use crate::service::{ServiceError, Services};

use super::keys::UserKeys;
use super::{done, load_for_change, present, user_id};

/// Deletes a user: 404 from then on, out of every group, its userName free. The row rests as a tombstone.
///
/// # Errors
/// [`ServiceError`].
pub fn delete(services: &Services, caller: &Caller, id: &str, precondition: &Precondition) -> Result<(), ServiceError> {
    let id = user_id(id)?;
    let now = services.clock.now();
    let cause = Cause::from(caller);
    services.live.write(&cause, |tx| {
        let user = load_for_change(tx, caller, id, precondition)?.user;
        let document: Map<String, Value> = present::parse(&user.document)?;
        let mut set = WriteSet::new(caller.organization);
        set.takes_revision = true;
        set.takes_access = true;
        set.users_deleted.push(UserDeletion { id, expected: user.version, at: now });
        set.statuses.push(StatusChange { user: id, status: Status::Deleted, since: now });
        let keys = UserKeys::of(&document);
        set.emails_removed.extend(keys.emails.iter().map(|key| EmailRow { address_key: key.clone(), user: id }));
        set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: -1, deleted: 1 });
        // Under the bar of an administrator the person was gone already.
        let waits = purges::wait(tx, caller)?;
        if let Some(happened) = purges::told_at_once(waits, keys.active && user.suspended_at.is_none()) {
            signals::queue(&services.live, tx, &cause, &mut set, id, (&document, &happened))?;
        }
        let mut details = json!({});
        cut_off::name_request(caller, &mut details);
        let event = match &user.person_key {
            Some(wrapped) => {
                let key = services.live.open_person_key(tx, caller.organization, id, wrapped)?;
                let personal = format!("{{\"before\":{}}}", user.document);
                cause.sealed_event(now, "user.deleted", id.into(), &details, (&key, &personal))?
            }
            None => cause.event(now, "user.deleted", id.into(), &details),
        };
        cut_off::register(caller, (id, &[&document]), How::Deleted, &event, &mut set);
        if waits {
            purges::hold(caller, id, &event, &mut set);
        }
        set.events.push(event);
        administrators::guard(tx, caller, now, &mut set)?;
        cut_off::end(tx, &cause, id, now, &mut set)?;
        signals::queue_outcome(services, tx, caller, &mut set, done(id, 204, None))?;
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}
