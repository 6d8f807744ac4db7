//! What is read of users.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{ConnectionId, GroupId, Moment, OrganizationId, ResourceId, UserId, Version};

use super::super::sql::{Bind, IdList, Sql, Statement};
use super::super::{DatabaseError, Tx, identified};

/// A user as read for an answer or a change.
#[derive(Debug, Clone)]
pub struct StoredUser {
    /// Its identifier.
    pub id: UserId,
    /// The connection that manages it.
    pub connection: ConnectionId,
    /// Its version.
    pub version: Version,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// The wrapped key of this person; gone when the person was erased.
    pub person_key: Option<Vec<u8>>,
    /// Since when an administrator bars this person.
    pub suspended_at: Option<Moment>,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
}

/// A user about to be changed, with the direct groups a connection sees it in.
#[derive(Debug, Clone)]
pub struct UserWithGroups {
    /// The user.
    pub user: StoredUser,
    /// The groups, identifier and name, by identifier.
    pub groups: Vec<(GroupId, String)>,
}

/// A group a user is a direct member of.
#[derive(Debug, Clone)]
pub struct GroupOfMember {
    /// Whose membership this is.
    pub member: UserId,
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
}

pub(super) const BY_ID: Statement = Statement::both(
    "user_by_id",
    "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL",
);

pub(super) const EVEN_DELETED: Statement = Statement::both(
    "user_even_deleted",
    "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document, deleted_at FROM scim_user \
     WHERE organization = $1 AND id = $2",
);

// The user in the first row, whose version is never 0, and a row for each group.
pub(super) const FOR_CHANGE: Statement = Statement {
    name: "user_for_change",
    sqlite: "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT g.id, g.connection, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), NULL, NULL, g.display_name \
     FROM membership m INDEXED BY membership_of_member CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
     WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807 AND g.connection = $3",
    postgres: "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT g.id, g.connection, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), NULL, NULL, g.display_name \
     FROM membership m JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
     WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807 AND g.connection = $3",
};

pub(super) const PAGE_AFTER: Statement = Statement::both(
    "user_page_after",
    "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
     WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3",
);

pub(super) const SKIP: Statement = Statement::both(
    "user_skip",
    "SELECT id FROM scim_user WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT 1 OFFSET $3",
);

pub(super) const GROUPS_OF: Statement = Statement {
    name: "user_groups_of_page",
    sqlite: "SELECT m.member_id, g.id, g.display_name FROM json_each($2) j \
             CROSS JOIN membership m INDEXED BY membership_of_member \
             ON m.organization = $1 AND m.member_id = unhex(j.value) \
             AND m.until_revision = 9223372036854775807 \
             CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.connection = $3",
    postgres: "SELECT m.member_id, g.id, g.display_name FROM membership m \
               JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.connection = $3 \
               WHERE m.organization = $1 AND m.member_id = ANY($2) AND m.until_revision = 9223372036854775807",
};

pub(super) const KNOWN: Statement = Statement {
    name: "user_known",
    sqlite: "SELECT u.id, u.deleted_at FROM json_each($2) j CROSS JOIN scim_user u \
             ON u.organization = $1 AND u.id = unhex(j.value)",
    postgres: "SELECT id, deleted_at FROM scim_user WHERE organization = $1 AND id = ANY($2)",
};

pub(super) const BY_IDS: Statement = Statement {
    name: "user_by_ids",
    sqlite: "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
             WHERE organization = $1 AND id IN (SELECT unhex(value) FROM json_each($2)) AND deleted_at IS NULL",
    postgres: "SELECT id, connection, version, created_at, modified_at, person_key, suspended_at, document FROM scim_user \
               WHERE organization = $1 AND id = ANY($2) AND deleted_at IS NULL",
};

#[derive(QueryableByName)]
pub(super) struct UserRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    modified_at: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    person_key: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    suspended_at: Option<i64>,
    #[diesel(sql_type = Text)]
    document: String,
}

#[derive(QueryableByName)]
struct PerhapsDeletedRecord {
    #[diesel(embed)]
    user: UserRecord,
    #[diesel(sql_type = Nullable<BigInt>)]
    deleted_at: Option<i64>,
}

/// A user, or what rests of one who was deleted, and when that was.
pub fn even_deleted(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: UserId,
) -> Result<Option<(StoredUser, Option<Moment>)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    let row = Sql(&EVEN_DELETED, binds).row::<PerhapsDeletedRecord>(tx)?;
    row.map(|row| Ok((row.user.try_into()?, row.deleted_at.map(Moment::from_micros)))).transpose()
}

impl TryFrom<UserRecord> for StoredUser {
    type Error = DatabaseError;

    fn try_from(row: UserRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: UserId::from_bytes(&row.id).map_err(|e| corrupt(&e))?,
            connection: ConnectionId::from_bytes(&row.connection).map_err(|e| corrupt(&e))?,
            version: Version::new(row.version),
            created_at: Moment::from_micros(row.created_at),
            modified_at: Moment::from_micros(row.modified_at),
            person_key: row.person_key,
            suspended_at: row.suspended_at.map(Moment::from_micros),
            document: row.document,
        })
    }
}

pub(super) fn corrupt(problem: &impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Corrupt { table: "scim_user", problem: problem.to_string() }
}

fn read_users(records: Vec<UserRecord>) -> Result<Vec<StoredUser>, DatabaseError> {
    records.into_iter().map(StoredUser::try_from).collect()
}

/// A user that is not deleted.
pub fn by_id(tx: &mut Tx<'_>, organization: OrganizationId, id: UserId) -> Result<Option<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row::<UserRecord>(tx)?.map(StoredUser::try_from).transpose()
}

/// A user that is not deleted, with the direct groups of `connection`, in one statement.
pub fn for_change(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    id: UserId,
) -> Result<Option<UserWithGroups>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Bytes(connection.as_bytes())];
    let mut user = None;
    let mut groups = Vec::new();
    for row in Sql(&FOR_CHANGE, binds).rows::<UserRecord>(tx)? {
        if row.version > 0 {
            user = Some(StoredUser::try_from(row)?);
        } else {
            groups.push((GroupId::from_bytes(&row.id).map_err(|e| corrupt(&e))?, row.document));
        }
    }
    groups.sort_unstable_by_key(|(id, _)| *id);
    Ok(user.map(|user| UserWithGroups { user, groups }))
}

/// The users after `after` in the order of lists (by id), at most `limit`.
pub fn page_after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: UserId,
    limit: i64,
) -> Result<Vec<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    read_users(Sql(&PAGE_AFTER, binds).rows(tx)?)
}

/// The users with these ids who are not deleted, in any order.
pub fn by_ids(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[ResourceId],
) -> Result<Vec<StoredUser>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    read_users(Sql(&BY_IDS, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)]).rows(tx)?)
}

/// The id `skip` places behind the one that follows `after` (0: the very next), in the order of lists.
pub fn skip(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: UserId,
    skip: i64,
) -> Result<Option<UserId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(skip)];
    Ok(identified::first(tx, &SKIP, binds)?.map(UserId::from))
}

#[derive(QueryableByName)]
struct GroupOfMemberRecord {
    #[diesel(sql_type = Binary)]
    member_id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    display_name: String,
}

/// The direct groups of every user of a page, as far as the connection sees them.
pub fn groups_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    members: &[UserId],
    connection: ConnectionId,
) -> Result<Vec<GroupOfMember>, DatabaseError> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let ids = IdList::new(members.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(ids), Bind::Bytes(connection.as_bytes())];
    Sql(&GROUPS_OF, binds)
        .rows::<GroupOfMemberRecord>(tx)?
        .into_iter()
        .map(|row| {
            Ok(GroupOfMember {
                member: UserId::from_bytes(&row.member_id).map_err(|e| corrupt(&e))?,
                id: GroupId::from_bytes(&row.id).map_err(|e| corrupt(&e))?,
                display_name: row.display_name,
            })
        })
        .collect()
}

/// Which of the ids were ever issued to users here, and whether each is still present.
pub fn known(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[ResourceId],
) -> Result<Vec<(ResourceId, bool)>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    identified::known(tx, &KNOWN, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)])
}
