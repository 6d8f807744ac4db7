//! Users by what they are sorted by, without their documents.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};

use crate::model::{OrganizationId, ResourceId, SortKey, UserId};

use super::super::sql::{Bind, IdList, Sql, Statement};
use super::super::{DatabaseError, Tx, identified};
use super::read::corrupt;

/// Sorts behind everything that begins with what stands before it.
const LAST: &str = "\u{10FFFF}\u{10FFFF}";

pub(super) const BY_USER_NAME: Statement = Statement::both(
    "user_ids_by_user_name",
    "SELECT id FROM scim_user WHERE organization = $1 AND user_name_key >= $2 AND user_name_key < $3 \
     AND deleted_at IS NULL ORDER BY user_name_key LIMIT $4",
);
pub(super) const BY_DISPLAY_NAME: Statement = Statement::both(
    "user_ids_by_display_name",
    "SELECT id FROM scim_user WHERE organization = $1 AND display_name_key >= $2 AND display_name_key < $3 \
     AND deleted_at IS NULL ORDER BY display_name_key, id LIMIT $4",
);
pub(super) const BY_FAMILY_NAME: Statement = Statement::both(
    "user_ids_by_family_name",
    "SELECT id FROM scim_user WHERE organization = $1 AND family_name_key >= $2 AND family_name_key < $3 \
     AND deleted_at IS NULL ORDER BY family_name_key, id LIMIT $4",
);
pub(super) const KEYS: Statement = Statement {
    name: "user_keys",
    sqlite: "SELECT id, user_name_key, display_name_key FROM scim_user \
             WHERE organization = $1 AND id IN (SELECT unhex(value) FROM json_each($2)) AND deleted_at IS NULL",
    postgres: "SELECT id, user_name_key, display_name_key FROM scim_user \
               WHERE organization = $1 AND id = ANY($2) AND deleted_at IS NULL",
};

#[derive(QueryableByName)]
struct KeysRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    user_name_key: String,
    #[diesel(sql_type = Text)]
    display_name_key: String,
}

/// What a user is sorted by.
#[derive(Debug, Clone)]
pub struct UserKeys {
    /// Who.
    pub id: UserId,
    /// Folded userName.
    pub user_name: SortKey,
    /// Folded displayName.
    pub display_name: SortKey,
}

/// Users whose userName, displayName or family name begins with a folded text, at most `limit` of each.
///
/// # Errors
/// [`DatabaseError`].
pub fn beginning_with(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    text: &str,
    limit: i64,
) -> Result<Vec<UserId>, DatabaseError> {
    let end = format!("{text}{LAST}");
    let mut found = Vec::new();
    for statement in [&BY_USER_NAME, &BY_DISPLAY_NAME, &BY_FAMILY_NAME] {
        let organization = Bind::Bytes(organization.as_bytes());
        let binds = vec![organization, Bind::Text(text), Bind::Text(&end), Bind::Int(limit)];
        found.extend(identified::all(tx, statement, binds)?.into_iter().map(UserId::from));
    }
    Ok(found)
}

/// What these users are sorted by, as far as they are there.
///
/// # Errors
/// [`DatabaseError`].
pub fn keys(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<UserKeys>, DatabaseError> {
    let ids: Vec<ResourceId> = ids.into_iter().map(ResourceId::from).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    let read = |row: KeysRecord| {
        Ok(UserKeys {
            id: UserId::from_bytes(&row.id).map_err(|error| corrupt(&error))?,
            user_name: SortKey::written(row.user_name_key),
            display_name: SortKey::written(row.display_name_key),
        })
    };
    let rows = Sql(&KEYS, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)]).rows::<KeysRecord>(tx)?;
    rows.into_iter().map(read).collect()
}
