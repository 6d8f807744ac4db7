//! PUT and PATCH of /Users/{id} (RFC 7644 §3.5.1, §3.5.2).

use serde_json::{Map, Value, json};

use crate::access::guardrail::person_facts;
use crate::db::access::FormerFacts;
use crate::db::leavers::How;
use crate::db::users::{EmailRow, Status, StatusChange, StoredUser, UserChange};
use crate::db::{Tx, WriteSet};
use crate::live::{Cause, Decision};
use crate::model::{Caller, Moment, Precondition};
use crate::scim::projection::Projection;
use crate::scim::{ScimError, patch as patching, resource};
use crate::service::access::{administrators, pushed};
use crate::service::leavers::cut_off;
use crate::service::signals::{self, Happened};
use crate::service::{ServiceError, Services};

use super::keys::UserKeys;
use super::{Representation, done, load_for_change, present, user_id};

type Document = Map<String, Value>;

/// Replaces a user. What is left out is unassigned, except `active`: nobody comes back by omission.
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
    change(services, caller, id, (precondition, true), projection, |current| {
        let mut document =
            resource::replace(caller.profile.switches(), &services.types.user, current, body.clone())?.document;
        if let (None, Some(active)) = (document.get("active"), current.get("active")) {
            document.insert("active".to_owned(), active.clone());
        }
        Ok(document)
    })
}

/// Changes a user, all operations or none. Always answers the user.
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
    let operations = patching::parse(caller.profile.switches(), body)?;
    change(services, caller, id, (precondition, false), projection, |current| {
        Ok(patching::apply(caller.profile.switches(), &services.types.user, current, &operations)?.document)
    })
    .map(Some)
}

fn change(
    services: &Services,
    caller: &Caller,
    id: &str,
    (precondition, replaced): (&Precondition, bool),
    projection: &Projection,
    apply: impl Fn(&Document) -> Result<Document, ScimError>,
) -> Result<Representation, ServiceError> {
    let id = user_id(id)?;
    let now = services.clock.now();
    let (answer, unchanged) = services.live.write(&Cause::from(caller), |tx| {
        let mut loaded = load_for_change(tx, caller, id, precondition)?;
        let before: Document = present::parse(&loaded.user.document)?;
        let after = apply(&before)?;
        if before == after && loaded.user.connection == caller.connection {
            let unchanged = done(id, 200, Some(loaded.user.version));
            return Ok(Decision::Unchanged((present(services, &loaded, projection)?, Some(unchanged))));
        }
        let (mut set, changed) = write_set(services, tx, caller, &loaded.user, (&before, &after), now)?;
        tell(services, tx, &Cause::from(caller), &mut set, &loaded.user, (&before, &after, replaced))?;
        signals::queue_outcome(services, tx, caller, &mut set, done(id, 200, Some(changed.version)))?;
        loaded.user = changed;
        let answer = present(services, &loaded, projection)?;
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), (answer, None)))
    })?;
    signals::tell_unchanged(services, caller, unchanged)?;
    Ok(answer)
}

/// The rows of a change, and the user as it is afterwards.
fn write_set(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    user: &StoredUser,
    (before, after): (&Document, &Document),
    now: Moment,
) -> Result<(WriteSet, StoredUser), ServiceError> {
    let (old, new) = (UserKeys::of(before), UserKeys::checked(after)?);
    let text = resource::text(after)?;
    let mut set = WriteSet::new(caller.organization);
    let email = |address_key: &String| EmailRow { address_key: address_key.clone(), user: user.id };
    set.emails_removed.extend(old.emails.difference(&new.emails).map(email));
    set.emails_added.extend(new.emails.difference(&old.emails).map(email));
    let suspended = user.suspended_at.is_some();
    // Under the bar of an administrator a person stays suspended, whatever a connection says.
    let decides = old.active != new.active && !suspended;
    if decides {
        let status = if new.active { Status::Active } else { Status::Inactive };
        set.statuses.push(StatusChange { user: user.id, status, since: now });
        set.takes_access = !new.active;
    }
    let (read_before, read_after) = (person_facts(before), person_facts(after));
    if read_before != read_after {
        set.former_facts.push(FormerFacts::new(user.id, &read_before));
        // A guardrail may forbid from now on what it let pass.
        set.takes_access = true;
    }
    if read_before != read_after || new.identifies_otherwise_than(&old) {
        set.identified.push(user.id);
    }
    set.takes_revision = !set.statuses.is_empty() || !set.identified.is_empty();
    record(services, tx, caller, user, (before, after), now, &mut set)?;
    let sent_before = (user.connection == caller.connection).then_some(before);
    pushed::follow(tx, &Cause::from(caller), (caller.connection, user.id), (sent_before, after), now, &mut set)?;
    administrators::guard(tx, caller, now, &mut set)?;
    if decides {
        cut_off::turn(tx, &Cause::from(caller), user.id, new.active, now, &mut set)?;
    }
    // Who manages a user is not said in the user: being adopted alone is no new version.
    let (version, modified_at) =
        if before == after { (user.version, user.modified_at) } else { (user.version.next(), now) };
    set.users_changed.push(UserChange {
        id: user.id,
        expected: user.version,
        version,
        managed_by: user.connection,
        connection: caller.connection,
        user_name_key: new.user_name_key,
        sort_keys: new.sort_keys,
        external_id: new.external_id,
        active: new.active,
        suspended,
        modified_at,
        document: text.clone(),
    });
    let changed = StoredUser { connection: caller.connection, version, modified_at, document: text, ..user.clone() };
    Ok((set, changed))
}

/// What receivers are to be told: that the person is gone or back, and what else is different.
fn tell(
    services: &Services,
    tx: &mut Tx<'_>,
    cause: &Cause,
    set: &mut WriteSet,
    user: &StoredUser,
    (before, after, replaced): (&Document, &Document, bool),
) -> Result<(), ServiceError> {
    let live = &services.live;
    match set.statuses.first().map(|change| change.status) {
        Some(Status::Active) => signals::queue(live, tx, cause, set, user.id, (after, &Happened::Reactivated))?,
        // Receivers know the person as it was until now.
        Some(_) => signals::queue(live, tx, cause, set, user.id, (before, &Happened::Deactivated))?,
        None => {}
    }
    let mut attributes: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    attributes.sort_unstable();
    attributes.dedup();
    attributes.retain(|name| name != "active" && before.get(name) != after.get(name));
    if !attributes.is_empty() {
        signals::queue(live, tx, cause, set, user.id, (after, &Happened::Changed { replaced, attributes }))?;
    }
    Ok(())
}

fn record(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    user: &StoredUser,
    (before, after): (&Document, &Document),
    now: Moment,
    set: &mut WriteSet,
) -> Result<(), ServiceError> {
    let cause = Cause::from(caller);
    if user.connection != caller.connection {
        set.events.push(cause.event(
            now,
            "user.adopted",
            user.id.into(),
            &json!({ "by": caller.connection.to_string() }),
        ));
    }
    if before == after {
        return Ok(());
    }
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| before.get(*name) != after.get(*name));
    let part = |of: &Document| -> Document {
        names.iter().filter_map(|name| of.get(*name).map(|value| ((*name).clone(), value.clone()))).collect()
    };
    let personal = json!({ "before": part(before), "after": part(after) }).to_string();
    let action = match (UserKeys::of(before).active, UserKeys::of(after).active) {
        (true, false) => "user.deactivated",
        (false, true) => "user.reactivated",
        _ => "user.changed",
    };
    let mut details = json!({ "changed": names });
    if action == "user.deactivated" {
        cut_off::name_request(caller, &mut details);
    }
    let event = match &user.person_key {
        Some(wrapped) => {
            let key = services.live.open_person_key(tx, caller.organization, user.id, wrapped)?;
            cause.sealed_event(now, action, user.id.into(), &details, (&key, &personal))?
        }
        // The person was erased: there is no key any more, and nothing personal is put on record again.
        None => cause.event(now, action, user.id.into(), &details),
    };
    // Somebody an administrator bars was gone before.
    if action == "user.deactivated" && !set.statuses.is_empty() {
        cut_off::register(caller, (user.id, &[before, after]), How::Deactivated, &event, set);
    }
    set.events.push(event);
    Ok(())
}
