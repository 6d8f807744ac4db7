//! Who can be meant: groups by name whatever their connection, users by what they are known by.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};

use crate::model::{ConnectionId, GroupId, OrganizationId, ResourceId, UserId};

use super::super::sql::{Bind, IdList, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::corrupt;

/// A group by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedGroup {
    /// The group.
    pub id: GroupId,
    /// The connection it belongs to, or nobody.
    pub connection: ConnectionId,
    /// displayName.
    pub name: String,
}

/// What a user may be looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// userName, folded.
    UserName,
    /// An e-mail address, folded.
    Email,
    /// externalId as sent.
    ExternalId,
}

const GROUPS: Statement = Statement {
    name: "group_names",
    sqlite: "SELECT g.id, g.connection, g.display_name FROM json_each($2) j CROSS JOIN scim_group g \
             ON g.organization = $1 AND g.id = unhex(j.value) AND g.deleted_at IS NULL",
    postgres: "SELECT id, connection, display_name FROM scim_group \
               WHERE organization = $1 AND id = ANY($2) AND deleted_at IS NULL",
};
// `$3` are all connections of the organization: names are found by connection.
const GROUPS_BY_NAME: Statement = Statement {
    name: "group_by_name_anywhere",
    sqlite: "SELECT g.id, g.connection, g.display_name FROM json_each($3) j CROSS JOIN scim_group g \
             INDEXED BY scim_group_name_sorted ON g.organization = $1 AND g.connection = unhex(j.value) \
             AND g.display_name_key = $2 AND g.deleted_at IS NULL",
    postgres: "SELECT id, connection, display_name FROM scim_group \
               WHERE organization = $1 AND connection = ANY($3) AND display_name_key = $2 AND deleted_at IS NULL",
};
const USERS_BY_NAME: Statement = Statement::both(
    "subject_by_user_name",
    "SELECT id FROM scim_user WHERE organization = $1 AND user_name_key = $2 AND deleted_at IS NULL",
);
const DELETED_BY_NAME: Statement = Statement {
    name: "subject_deleted_by_user_name",
    sqlite: "SELECT id FROM scim_user INDEXED BY scim_user_name_deleted \
             WHERE organization = $1 AND user_name_key = $2 AND deleted_at IS NOT NULL LIMIT $3",
    postgres: "SELECT id FROM scim_user \
               WHERE organization = $1 AND user_name_key = $2 AND deleted_at IS NOT NULL LIMIT $3",
};
const USERS_BY_EMAIL: Statement = Statement::both(
    "subject_by_email",
    "SELECT user_id AS id FROM user_email WHERE organization = $1 AND address_key = $2",
);
const USERS_BY_EXTERNAL_ID: Statement = Statement::both(
    "subject_by_external_id",
    "SELECT id FROM scim_user WHERE organization = $1 AND external_id_key = $2 AND deleted_at IS NULL",
);
const ACTIVE_MEMBERS: Statement = Statement {
    name: "membership_active_users",
    sqlite: "SELECT m.member_id AS id FROM membership m INDEXED BY membership_current CROSS JOIN user_status s \
             ON s.organization = $1 AND s.user_id = m.member_id AND s.until_revision = 9223372036854775807 \
             AND s.status = 1 WHERE m.organization = $1 AND m.group_id = $2 \
             AND m.until_revision = 9223372036854775807 AND m.member_kind = 1 LIMIT $3",
    postgres: "SELECT m.member_id AS id FROM membership m JOIN user_status s \
               ON s.organization = $1 AND s.user_id = m.member_id AND s.until_revision = 9223372036854775807 \
               AND s.status = 1 WHERE m.organization = $1 AND m.group_id = $2 \
               AND m.until_revision = 9223372036854775807 AND m.member_kind = 1 LIMIT $3",
};

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[
    &GROUPS,
    &GROUPS_BY_NAME,
    &USERS_BY_NAME,
    &DELETED_BY_NAME,
    &USERS_BY_EMAIL,
    &USERS_BY_EXTERNAL_ID,
    &ACTIVE_MEMBERS,
];

#[derive(QueryableByName)]
struct GroupRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Text)]
    display_name: String,
}

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

fn read_groups(records: Vec<GroupRecord>) -> Result<Vec<NamedGroup>, DatabaseError> {
    let read = |row: GroupRecord| {
        Ok(NamedGroup {
            id: GroupId::from_bytes(&row.id).map_err(corrupt("scim_group"))?,
            connection: ConnectionId::from_bytes(&row.connection).map_err(corrupt("scim_group"))?,
            name: row.display_name,
        })
    };
    let mut groups = records.into_iter().map(read).collect::<Result<Vec<_>, DatabaseError>>()?;
    groups.sort_by_key(|group| group.id);
    Ok(groups)
}

fn read_users(records: Vec<IdRecord>) -> Result<Vec<UserId>, DatabaseError> {
    records.into_iter().map(|row| UserId::from_bytes(&row.id).map_err(corrupt("scim_user"))).collect()
}

/// These groups, as far as they are not deleted, whatever their connection.
pub fn groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[GroupId],
) -> Result<Vec<NamedGroup>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    read_groups(Sql(&GROUPS, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)]).rows(tx)?)
}

/// The groups of a folded displayName, of each of these connections.
pub fn groups_by_name(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name_key: &str,
    connections: &[ConnectionId],
) -> Result<Vec<NamedGroup>, DatabaseError> {
    let list = IdList::new(connections.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(name_key), Bind::Ids(list)];
    read_groups(Sql(&GROUPS_BY_NAME, binds).rows(tx)?)
}

/// The users, not deleted, that bear a key.
pub fn users(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    look_up: LookUp,
    key: &str,
) -> Result<Vec<UserId>, DatabaseError> {
    let statement = match look_up {
        LookUp::UserName => &USERS_BY_NAME,
        LookUp::Email => &USERS_BY_EMAIL,
        LookUp::ExternalId => &USERS_BY_EXTERNAL_ID,
    };
    read_users(Sql(statement, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(key)]).rows(tx)?)
}

/// Deleted users who bore a folded userName last, at most `limit`.
pub fn deleted_users(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user_name_key: &str,
    limit: i64,
) -> Result<Vec<UserId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(user_name_key), Bind::Int(limit)];
    read_users(Sql(&DELETED_BY_NAME, binds).rows(tx)?)
}

/// Active users that are direct members of a group, at most `limit`.
pub fn active_members(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    limit: usize,
) -> Result<Vec<ResourceId>, DatabaseError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Int(limit)];
    Ok(read_users(Sql(&ACTIVE_MEMBERS, binds).rows(tx)?)?.into_iter().map(ResourceId::from).collect())
}
