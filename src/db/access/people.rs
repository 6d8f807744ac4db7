//! Who is who and in which group, as decisions see it: read whole once, then what has changed.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::model::{GroupId, OrganizationId, ResourceId, Revision, UserId};

use super::super::memberships::{MemberRecord, MembershipChange};
use super::super::sql::{Bind, IdList, Sql, Statement};
use super::super::users::Status;
use super::super::{DatabaseError, Tx};
use super::interval::{self, corrupt};

/// A user as a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: UserId,
    /// Folded userName; that of a deleted user may be borne by another.
    pub user_name_key: String,
    /// Whether it may act.
    pub status: Status,
}

const ALL: Statement = Statement {
    name: "person_all",
    sqlite: "SELECT u.id, u.user_name_key, s.status FROM scim_user u CROSS JOIN user_status s \
             ON s.organization = u.organization AND s.user_id = u.id AND s.until_revision = 9223372036854775807 \
             WHERE u.organization = $1 AND u.id > $2 AND u.deleted_at IS NULL ORDER BY u.id LIMIT $3",
    postgres: "SELECT u.id, u.user_name_key, s.status FROM scim_user u JOIN user_status s \
               ON s.organization = u.organization AND s.user_id = u.id AND s.until_revision = 9223372036854775807 \
               WHERE u.organization = $1 AND u.id > $2 AND u.deleted_at IS NULL ORDER BY u.id LIMIT $3",
};
const BY_IDS: Statement = Statement {
    name: "person_by_ids",
    sqlite: "SELECT u.id, u.user_name_key, s.status FROM json_each($2) j CROSS JOIN scim_user u \
             ON u.organization = $1 AND u.id = unhex(j.value) CROSS JOIN user_status s \
             ON s.organization = u.organization AND s.user_id = u.id AND s.until_revision = 9223372036854775807",
    postgres: "SELECT u.id, u.user_name_key, s.status FROM unnest($2::bytea[]) AS j(id) CROSS JOIN LATERAL \
               (SELECT * FROM scim_user WHERE organization = $1 AND id = j.id OFFSET 0) AS u CROSS JOIN LATERAL \
               (SELECT * FROM user_status WHERE organization = $1 AND user_id = j.id \
               AND until_revision = 9223372036854775807 OFFSET 0) AS s",
};
// One number a user: the same may have changed in several ways.
const CHANGED: Statement = Statement::both(
    "person_changed",
    "SELECT user_id AS id FROM user_status \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807 \
     UNION SELECT user_id AS id FROM user_identified WHERE organization = $1 AND revision > $2",
);
const JOINED: Statement = Statement::both(
    "membership_begun",
    "SELECT group_id, member_id, member_kind FROM membership \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const LEFT: Statement = Statement::both(
    "membership_ended",
    "SELECT group_id, member_id, member_kind FROM membership \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const USERS_OF_GROUPS: Statement = Statement {
    name: "membership_users_of_groups",
    sqlite: "SELECT group_id, unhex(group_concat(hex(member_id), '')) AS members FROM membership \
             INDEXED BY membership_current \
             WHERE organization = $1 AND group_id > $2 AND until_revision = 9223372036854775807 AND member_kind = 1 \
             GROUP BY group_id ORDER BY group_id LIMIT $3",
    postgres: "SELECT group_id, string_agg(member_id, ''::bytea) AS members FROM membership \
               WHERE organization = $1 AND group_id > $2 AND until_revision = 9223372036854775807 AND member_kind = 1 \
               GROUP BY group_id ORDER BY group_id LIMIT $3",
};
const GROUPS_OF_GROUPS: Statement = Statement::both(
    "membership_groups_of_groups",
    "SELECT group_id, member_id, member_kind FROM membership \
     WHERE organization = $1 AND until_revision = 9223372036854775807 AND member_kind = 2",
);

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] =
    &[&ALL, &BY_IDS, &CHANGED, &JOINED, &LEFT, &USERS_OF_GROUPS, &GROUPS_OF_GROUPS];

/// Users read at a time.
const PEOPLE_A_PAGE: i64 = 10_000;
/// Groups read at a time, with all users in them.
const GROUPS_A_PAGE: i64 = 100;

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct PersonRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    user_name_key: String,
    #[diesel(sql_type = BigInt)]
    status: i64,
}

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

#[derive(QueryableByName)]
struct UsersRecord {
    #[diesel(sql_type = Binary)]
    group_id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    members: Vec<u8>,
}

pub(super) fn read(row: PersonRecord) -> Result<Person, DatabaseError> {
    let status = Status::from_i64(row.status);
    Ok(Person {
        id: UserId::from_bytes(&row.id).map_err(corrupt("scim_user"))?,
        user_name_key: row.user_name_key,
        status: status.ok_or_else(|| corrupt("user_status")(format!("unknown status {}", row.status)))?,
    })
}

/// Every user that is not deleted, page by page.
///
/// # Errors
/// [`DatabaseError`].
pub fn each(tx: &mut Tx<'_>, organization: OrganizationId, mut take: impl FnMut(Person)) -> Result<(), DatabaseError> {
    let mut after = UserId::from(ResourceId::FIRST);
    loop {
        let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(PEOPLE_A_PAGE)];
        let rows = Sql(&ALL, binds).rows::<PersonRecord>(tx)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let person = read(row)?;
            after = person.id;
            take(person);
        }
    }
}

/// These users as they are now, deleted ones too.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_ids(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<Person>, DatabaseError> {
    let ids: Vec<UserId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)];
    Sql(&BY_IDS, binds).rows::<PersonRecord>(tx)?.into_iter().map(read).collect()
}

/// The users whose status or names changed after `since`.
///
/// # Errors
/// [`DatabaseError`].
pub fn changed(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<Vec<UserId>, DatabaseError> {
    let read = |row: IdRecord| UserId::from_bytes(&row.id).map_err(corrupt("user_status"));
    interval::since(tx, &CHANGED, organization, since, read)
}

/// Memberships that began after `since` and still hold.
///
/// # Errors
/// [`DatabaseError`].
pub fn joined(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    interval::since(tx, &JOINED, organization, since, |row: MemberRecord| row.try_into())
}

/// Memberships that ended after `since`; the same may have begun again.
///
/// # Errors
/// [`DatabaseError`].
pub fn left(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    interval::since(tx, &LEFT, organization, since, |row: MemberRecord| row.try_into())
}

/// Every group that has users, with them, page by page.
///
/// # Errors
/// [`DatabaseError`].
pub fn each_group(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    mut take: impl FnMut(GroupId, Vec<UserId>),
) -> Result<(), DatabaseError> {
    let mut after = GroupId::from(ResourceId::FIRST);
    loop {
        let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(GROUPS_A_PAGE)];
        let rows = Sql(&USERS_OF_GROUPS, binds).rows::<UsersRecord>(tx)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = GroupId::from_bytes(&row.group_id).map_err(corrupt("membership"))?;
            let users: Result<Vec<UserId>, _> = row.members.chunks(16).map(UserId::from_bytes).collect();
            take(after, users.map_err(corrupt("membership"))?);
        }
    }
}

/// Every group that is a member of a group.
///
/// # Errors
/// [`DatabaseError`].
pub fn nested(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<MembershipChange>, DatabaseError> {
    let rows = Sql(&GROUPS_OF_GROUPS, vec![Bind::Bytes(organization.as_bytes())]).rows::<MemberRecord>(tx)?;
    rows.into_iter().map(MembershipChange::try_from).collect()
}
