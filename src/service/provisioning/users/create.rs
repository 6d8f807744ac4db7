//! POST /Users (RFC 7644 §3.3).

use serde_json::{Map, Value, json};

use crate::db::users::{EmailRow, StoredUser, UserRow};
use crate::db::{Count, ResourceKind, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Caller, ConnectionId, Moment, UserId, Version};
use crate::scim::projection::Projection;
use crate::scim::resource;
use crate::service::access::pushed;
use crate::service::signals::{self, Happened};
use crate::service::{ServiceError, Services};

use super::keys::UserKeys;
use super::{GROUPS, Identity, Representation, done, not_paused, present};

/// Creates a user managed by the caller's connection. A user who is not said to be inactive is active.
///
/// # Errors
/// [`ServiceError`]; 409 `uniqueness` if the userName is taken, whoever manages its bearer.
pub fn create(
    services: &Services,
    caller: &Caller,
    body: Value,
    projection: &Projection,
) -> Result<Representation, ServiceError> {
    not_paused(caller)?;
    let new = NewUser::read(services, caller, body)?;
    let cause = Cause::from(caller);
    let user = services.live.write(&cause, |tx| {
        let mut set = WriteSet::new(caller.organization);
        new.add_to(&mut set, services, tx, &cause, caller.connection)?;
        let who = (caller.connection, new.id);
        pushed::follow(tx, &cause, who, (None, &new.document), new.now, &mut set)?;
        let user = StoredUser {
            id: new.id,
            connection: caller.connection,
            version: Version::FIRST,
            created_at: new.now,
            modified_at: new.now,
            person_key: None,
            suspended_at: None,
            document: new.text.clone(),
        };
        signals::queue_outcome(services, tx, caller, &mut set, done(new.id, 201, Some(Version::FIRST)))?;
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), user))
    })?;
    let rows = projection.includes(GROUPS).then_some((GROUPS, "[]"));
    let whole = present::whole(services, &services.types.user, &Identity::from(&user), &user.document, rows);
    present::projected(&services.types.user, projection, whole)
}

/// A user that is about to be made, read and checked.
pub struct NewUser {
    /// Its id to be.
    pub id: UserId,
    now: Moment,
    keys: UserKeys,
    changed: Vec<String>,
    document: Map<String, Value>,
    text: String,
}

impl NewUser {
    /// Reads what somebody sent.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn read(services: &Services, caller: &Caller, body: Value) -> Result<Self, ServiceError> {
        let mut document = resource::create(caller.profile.switches(), &services.types.user, body)?.document;
        document.entry("active").or_insert(Value::Bool(true));
        let now = services.clock.now();
        Ok(Self {
            id: ids::user(now),
            now,
            keys: UserKeys::checked(&document)?,
            changed: document.keys().cloned().collect(),
            text: resource::text(&document)?,
            document,
        })
    }

    /// Adds to `set` the rows that make it, managed by a connection, and what receivers are to be told of it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn add_to(
        &self,
        set: &mut WriteSet,
        services: &Services,
        tx: &mut Tx<'_>,
        cause: &Cause,
        connection: ConnectionId,
    ) -> Result<(), ServiceError> {
        let Self { id, now, keys, changed, document, text } = self;
        let (person_key, stored_key) = services.live.new_person_key(tx, cause.organization, *id)?;
        let personal = format!("{{\"after\":{text}}}");
        let details = json!({ "changed": changed });
        set.events.push(cause.sealed_event(*now, "user.created", (*id).into(), &details, (&person_key, &personal))?);
        set.emails_added.extend(keys.emails.iter().map(|key| EmailRow { address_key: key.clone(), user: *id }));
        set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: 1, deleted: 0 });
        set.users_created.push(UserRow {
            id: *id,
            connection,
            user_name_key: keys.user_name_key.clone(),
            sort_keys: keys.sort_keys.clone(),
            external_id: keys.external_id.clone(),
            active: keys.active,
            created_at: *now,
            person_key: stored_key,
            document: text.clone(),
        });
        let happened = Happened::Created(changed.clone());
        Ok(signals::queue(&services.live, tx, cause, set, *id, (document, &happened))?)
    }
}
