//! A person who may be gone, as named on the command line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::db::access::people;
use crate::db::access::principals::{self, LookUp};
use crate::db::{Tx, users};
use crate::model::{Caller, OrganizationId, UserId, fold};
use crate::service::{ServiceError, Services};

/// So many people of one name are told apart.
const MOST: i64 = 20;

/// Whom a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Nobody.
    Nobody,
    /// This person.
    One(UserId),
    /// Several, who bear or bore it one after the other.
    Several(Vec<UserId>),
}

/// What somebody is called, or was last.
pub(super) fn name(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<String>, ServiceError> {
    let Some((found, _)) = users::even_deleted(tx, organization, user)? else { return Ok(None) };
    let document: Value = serde_json::from_str(&found.document).unwrap_or_default();
    Ok(["displayName", "userName"].iter().find_map(|name| document.get(name)?.as_str().map(str::to_owned)))
}

/// The user of an id or a userName, deleted ones too.
///
/// # Errors
/// [`ServiceError`].
pub fn find(services: &Services, caller: &Caller, text: &str) -> Result<Named, ServiceError> {
    let (organization, key) = (caller.organization, fold(text));
    services.live.read(|tx| {
        let mut found: BTreeSet<UserId> = BTreeSet::new();
        if let Ok(id) = text.parse::<UserId>() {
            found.extend(people::by_ids(tx, organization, [id])?.into_iter().map(|person| person.id));
        }
        found.extend(principals::users(tx, organization, LookUp::UserName, &key)?);
        found.extend(principals::deleted_users(tx, organization, &key, MOST)?);
        let found: Vec<UserId> = found.into_iter().collect();
        Ok(match found.as_slice() {
            [] => Named::Nobody,
            [one] => Named::One(*one),
            _ => Named::Several(found),
        })
    })
}
