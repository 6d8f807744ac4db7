//! Suspension: the bar an administrator puts before a person, which no write of a connection lifts.
//!
//! What the connection sent stays as it is, `active` too; the status that decisions go by does not.

use serde_json::json;

use crate::db::WriteSet;
use crate::db::leavers::How;
use crate::db::users::{Status, StatusChange, SuspensionChange};
use crate::live::{Cause, Decision};
use crate::model::{Caller, Precondition, Reason, UserId, fold};
use crate::service::access::administrators;
use crate::service::leavers::cut_off;
use crate::service::signals::{self, Happened};
use crate::service::{ServiceError, Services};

use super::{Person, managers, stored};

/// Bars a person from now on. When this returns, no server allows anything on the strength of the person any more.
/// Doing so twice changes nothing.
///
/// # Errors
/// [`ServiceError`]; 404, 412.
pub fn suspend(
    services: &Services,
    caller: &Caller,
    id: UserId,
    reason: Option<&Reason>,
    precondition: &Precondition,
) -> Result<Person, ServiceError> {
    set(services, caller, id, true, reason, precondition)
}

/// Lifts the bar: the person may act again if the connection says so.
///
/// # Errors
/// As [`suspend`].
pub fn reinstate(
    services: &Services,
    caller: &Caller,
    id: UserId,
    reason: Option<&Reason>,
    precondition: &Precondition,
) -> Result<Person, ServiceError> {
    set(services, caller, id, false, reason, precondition)
}

fn set(
    services: &Services,
    caller: &Caller,
    id: UserId,
    suspended: bool,
    reason: Option<&Reason>,
    precondition: &Precondition,
) -> Result<Person, ServiceError> {
    let cause = Cause::from(caller);
    let now = services.clock.now();
    services.live.write(&cause, |tx| {
        let user = stored(tx, caller.organization, id)?;
        let mut person = Person::new(user.clone(), &managers(tx, caller.organization)?)?;
        person.check(precondition)?;
        if person.suspended_at.is_some() == suspended {
            return Ok(Decision::Unchanged(person));
        }
        let status = match (suspended, person.active()) {
            (true, _) => Status::Suspended,
            (false, true) => Status::Active,
            (false, false) => Status::Inactive,
        };
        person.suspended_at = suspended.then_some(now);
        let mut set = WriteSet::new(caller.organization);
        set.takes_revision = true;
        set.takes_access = suspended;
        set.statuses.push(StatusChange { user: id, status, since: now });
        set.suspensions.push(SuspensionChange {
            user: id,
            expected: user.version,
            suspended_at: person.suspended_at,
            user_name_key: fold(person.text("userName")),
        });
        let happened = match (person.active(), suspended) {
            (true, true) => Some(Happened::Deactivated),
            (true, false) => Some(Happened::Reactivated),
            // Whom the connection says to be inactive is gone already, and stays so.
            (false, _) => None,
        };
        if let Some(happened) = happened {
            signals::queue(&services.live, tx, &cause, &mut set, id, (&person.attributes, &happened))?;
        }
        let action = if suspended { "user.suspended" } else { "user.reinstated" };
        let mut details = json!({});
        if suspended {
            cut_off::name_request(caller, &mut details);
        }
        let event = match (&user.person_key, reason) {
            // A reason may tell about the person.
            (Some(wrapped), Some(reason)) => {
                let key = services.live.open_person_key(tx, caller.organization, id, wrapped)?;
                let personal = json!({ "reason": reason.as_str() }).to_string();
                cause.sealed_event(now, action, id.into(), &details, (&key, &personal))?
            }
            _ => cause.event(now, action, id.into(), &details),
        };
        if suspended {
            cut_off::register(caller, (id, &[&person.attributes]), How::Suspended, &event, &mut set);
        }
        set.events.push(event);
        administrators::guard(tx, caller, now, &mut set)?;
        if person.active() {
            cut_off::turn(tx, &cause, id, !suspended, now, &mut set)?;
        }
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), person))
    })
}
