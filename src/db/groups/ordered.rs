//! Groups in the order of an attribute that an index sorts them by; those of equal keys by id.

use diesel::QueryableByName;
use diesel::sql_types::Text;

use crate::model::{ConnectionId, OrganizationId, ResourceId, SortKey};

use super::super::ordered::{Key, Ordered, Start, ordered};
use super::super::{DatabaseError, Tx};
use super::{GroupRecord, StoredGroup};

macro_rules! groups {
    ($name:literal, $key:literal, $text:literal, $order:literal, $reverse:literal) => {
        ordered!(
            $name,
            concat!("id, version, created_at, modified_at, document, ", $text, " AS sort_key"),
            "scim_group WHERE organization = $1 AND connection = $2",
            $key,
            $order,
            $reverse,
            "$3",
            "$4",
            "$5",
            "$6"
        )
    };
}

pub(in crate::db) const BY_DISPLAY_NAME: Ordered = groups!(
    "group_in_order_of_display_name",
    "display_name_key",
    "display_name_key",
    "display_name_key, id",
    "display_name_key DESC, id DESC"
);
pub(in crate::db) const BY_EXTERNAL_ID: Ordered = groups!(
    "group_in_order_of_external_id",
    "external_id_key",
    "external_id_key",
    "external_id_key, id",
    "external_id_key DESC, id DESC"
);
pub(in crate::db) const BY_CREATED: Ordered = groups!(
    "group_in_order_of_created",
    "created_at",
    "CAST(created_at AS TEXT)",
    "created_at, id",
    "created_at DESC, id DESC"
);

/// By what an index sorts groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupOrder {
    /// Folded displayName.
    DisplayName,
    /// externalId.
    ExternalId,
    /// meta.created.
    Created,
}

#[derive(QueryableByName)]
struct OrderedRecord {
    #[diesel(embed)]
    group: GroupRecord,
    #[diesel(sql_type = Text)]
    sort_key: String,
}

/// At most `limit` groups of the connection in an order, with the key each stands under.
pub fn in_order(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    order: GroupOrder,
    start: &Start<'_>,
    limit: i64,
) -> Result<Vec<(SortKey, StoredGroup)>, DatabaseError> {
    let (ordered, key) = match order {
        GroupOrder::DisplayName => (&BY_DISPLAY_NAME, Key::Text),
        GroupOrder::ExternalId => (&BY_EXTERNAL_ID, Key::Text),
        GroupOrder::Created => (&BY_CREATED, Key::Moment),
    };
    let list = [ResourceId::from(organization), ResourceId::from(connection)];
    ordered
        .rows::<OrderedRecord>(tx, &list.each_ref().map(ResourceId::as_bytes), key, start, limit)?
        .into_iter()
        .map(|row| Ok((SortKey::written(row.sort_key), StoredGroup::try_from(row.group)?)))
        .collect()
}
