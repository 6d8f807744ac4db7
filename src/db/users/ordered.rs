//! Users in the order of an attribute that an index sorts them by; those of equal keys by id.

use diesel::QueryableByName;
use diesel::sql_types::Text;

use crate::model::{OrganizationId, ResourceId, SortKey};

use super::super::ordered::{Key, Ordered, Start, ordered};
use super::super::sql::Statement;
use super::super::{DatabaseError, Tx};
use super::read::{StoredUser, UserRecord};

macro_rules! users {
    ($name:literal, $key:literal, $text:literal, $order:literal, $reverse:literal) => {
        ordered!(
            $name,
            concat!(
                "id, connection, version, created_at, modified_at, person_key, suspended_at, document, ",
                $text,
                " AS sort_key"
            ),
            "scim_user WHERE organization = $1",
            $key,
            $order,
            $reverse
        )
    };
}

// The userName is unique: no id is needed to settle the order.
pub(super) const BY_USER_NAME: Ordered =
    users!("user_in_order_of_user_name", "user_name_key", "user_name_key", "user_name_key", "user_name_key DESC");
pub(super) const BY_DISPLAY_NAME: Ordered = users!(
    "user_in_order_of_display_name",
    "display_name_key",
    "display_name_key",
    "display_name_key, id",
    "display_name_key DESC, id DESC"
);
pub(super) const BY_FAMILY_NAME: Ordered = users!(
    "user_in_order_of_family_name",
    "family_name_key",
    "family_name_key",
    "family_name_key, id",
    "family_name_key DESC, id DESC"
);
pub(super) const BY_EXTERNAL_ID: Ordered = users!(
    "user_in_order_of_external_id",
    "external_id_key",
    "external_id_key",
    "external_id_key, id",
    "external_id_key DESC, id DESC"
);
// Ids are in the order of creation: the index of lists serves this one.
pub(super) const BY_CREATED: Ordered = Ordered {
    ascending: Statement::both(
        "user_in_order_of_created_ascending",
        "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document, \
         CAST(created_at AS TEXT) AS sort_key FROM scim_user \
         WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3 OFFSET $4",
    ),
    descending: Statement::both(
        "user_in_order_of_created_descending",
        "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document, \
         CAST(created_at AS TEXT) AS sort_key FROM scim_user \
         WHERE organization = $1 AND id < $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT $3 OFFSET $4",
    ),
};

/// By what an index sorts users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOrder {
    /// Folded userName.
    UserName,
    /// Folded displayName.
    DisplayName,
    /// Folded name.familyName.
    FamilyName,
    /// externalId.
    ExternalId,
    /// meta.created.
    Created,
}

#[derive(QueryableByName)]
struct OrderedRecord {
    #[diesel(embed)]
    user: UserRecord,
    #[diesel(sql_type = Text)]
    sort_key: String,
}

/// At most `limit` users in an order, with the key each stands under.
pub fn in_order(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    order: UserOrder,
    start: &Start<'_>,
    limit: i64,
) -> Result<Vec<(SortKey, StoredUser)>, DatabaseError> {
    let (ordered, key) = match order {
        UserOrder::UserName => (&BY_USER_NAME, Key::Text),
        UserOrder::DisplayName => (&BY_DISPLAY_NAME, Key::Text),
        UserOrder::FamilyName => (&BY_FAMILY_NAME, Key::Text),
        UserOrder::ExternalId => (&BY_EXTERNAL_ID, Key::Text),
        UserOrder::Created => (&BY_CREATED, Key::Created),
    };
    let organization = ResourceId::from(organization);
    ordered
        .rows::<OrderedRecord>(tx, &[organization.as_bytes()], key, start, limit)?
        .into_iter()
        .map(|row| Ok((SortKey::written(row.sort_key), StoredUser::try_from(row.user)?)))
        .collect()
}
