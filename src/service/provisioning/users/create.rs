//! POST /Users (RFC 7644 §3.3).

use serde_json::{Value, json};

use crate::db::users::{EmailRow, StoredUser, UserRow};
use crate::db::{Count, ResourceKind, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Caller, ConnectionId, Version};
use crate::scim::projection::Projection;
use crate::scim::resource;
use crate::service::signals::{self, Happened};
use crate::service::{ServiceError, Services};

use super::keys::UserKeys;
use super::{GROUPS, Identity, Representation, not_paused, present};

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
    let mut document = resource::create(caller.profile.switches(), &services.types.user, body)?.document;
    document.entry("active").or_insert(Value::Bool(true));
    let keys = UserKeys::checked(&document)?;
    let text = resource::text(&document)?;
    let changed: Vec<String> = document.keys().cloned().collect();
    let personal = format!("{{\"after\":{text}}}");
    let cause = Cause::from(caller);
    let now = services.clock.now();
    let id = ids::user(now);
    let user = services.live.write(&cause, |tx| {
        let (person_key, stored_key) = services.live.new_person_key(tx, caller.organization, id)?;
        let mut set = WriteSet::new(caller.organization);
        let details = json!({ "changed": changed });
        set.events.push(cause.sealed_event(now, "user.created", id.into(), &details, (&person_key, &personal))?);
        set.emails_added.extend(keys.emails.iter().map(|key| EmailRow { address_key: key.clone(), user: id }));
        set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: 1, deleted: 0 });
        set.users_created.push(UserRow {
            id,
            connection: caller.connection,
            user_name_key: keys.user_name_key.clone(),
            sort_keys: keys.sort_keys.clone(),
            external_id: keys.external_id.clone(),
            active: keys.active,
            created_at: now,
            person_key: stored_key,
            document: text.clone(),
        });
        let happened = Happened::Created(changed.clone());
        signals::queue(&services.live, tx, &cause, &mut set, id, (&document, &happened))?;
        let user = StoredUser {
            id,
            connection: caller.connection,
            version: Version::FIRST,
            created_at: now,
            modified_at: now,
            person_key: None,
            suspended_at: None,
            document: text.clone(),
        };
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), user))
    })?;
    let rows = projection.includes(GROUPS).then_some((GROUPS, "[]"));
    let whole = present::whole(services, &services.types.user, &Identity::from(&user), &user.document, rows);
    present::projected(&services.types.user, projection, whole)
}
