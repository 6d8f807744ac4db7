//! Users: rows, keys, status history, and the statements that read and write them.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{ConnectionId, GroupId, Moment, OrganizationId, ResourceId, Revision, UserId, Version};

use super::sql::{Bind, IdList, Sql, Statement};
use super::{DatabaseError, Tx};

/// A new user.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Its identifier.
    pub id: UserId,
    /// The connection that manages it.
    pub connection: ConnectionId,
    /// Folded userName.
    pub user_name_key: String,
    /// externalId as sent.
    pub external_id: Option<String>,
    /// Whether it is active.
    pub active: bool,
    /// When it was created.
    pub created_at: Moment,
    /// The key that seals this person's values in the log, wrapped.
    pub person_key: Vec<u8>,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
}

/// A user replaced at an expected version.
#[derive(Debug, Clone)]
pub struct UserChange {
    /// Which user.
    pub id: UserId,
    /// The version the change was worked out from.
    pub expected: Version,
    /// The connection that manages it from now on.
    pub connection: ConnectionId,
    /// Folded userName.
    pub user_name_key: String,
    /// externalId as sent.
    pub external_id: Option<String>,
    /// Whether it is active.
    pub active: bool,
    /// When.
    pub modified_at: Moment,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
}

/// A user deleted at an expected version; the row stays as a tombstone.
#[derive(Debug, Clone, Copy)]
pub struct UserDeletion {
    /// Which user.
    pub id: UserId,
    /// The version the change was worked out from.
    pub expected: Version,
    /// When.
    pub at: Moment,
}

/// A folded e-mail address a user can be found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmailRow {
    /// The folded address.
    pub address_key: String,
    /// Whose.
    pub user: UserId,
}

/// Whether a person may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// May act.
    Active,
    /// A leaver who may come back.
    Inactive,
    /// A leaver for good.
    Deleted,
}

impl Status {
    const fn as_i64(self) -> i64 {
        match self {
            Self::Active => 1,
            Self::Inactive => 2,
            Self::Deleted => 3,
        }
    }
}

/// Ends the current interval of a user's status and begins another.
#[derive(Debug, Clone, Copy)]
pub struct StatusChange {
    /// Which user.
    pub user: UserId,
    /// The status from now on.
    pub status: Status,
    /// When.
    pub since: Moment,
}

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
    /// Canonical JSON without id, meta and groups.
    pub document: String,
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

pub(super) const INSERT: Statement = Statement {
    name: "user_insert",
    sqlite: "INSERT INTO scim_user (organization, id, connection, user_name_key, external_id, active, version, created_at, \
             modified_at, person_key, document) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9)",
    postgres: "INSERT INTO scim_user (organization, id, connection, user_name_key, external_id, active, version, \
               created_at, modified_at, person_key, document) \
               SELECT v.organization, v.id, v.connection, v.name, v.external, v.active, 1, v.at, v.at, v.person_key, v.document \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bool[], $7::bigint[], \
               $8::bytea[], $9::text[]) \
               AS v(organization, id, connection, name, external, active, at, person_key, document)",
};

pub(super) const UPDATE: Statement = Statement {
    name: "user_update",
    sqlite: "UPDATE scim_user SET connection = $4, user_name_key = $5, external_id = $6, active = $7, version = version + 1, \
             modified_at = $8, document = $9 WHERE organization = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
    postgres: "UPDATE scim_user AS u SET connection = v.connection, user_name_key = v.name, external_id = v.external, \
               active = v.active, version = u.version + 1, modified_at = v.at, document = v.document \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::bool[], \
               $8::bigint[], $9::text[]) \
               AS v(organization, id, version, connection, name, external, active, at, document) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version AND u.deleted_at IS NULL",
};

pub(super) const DELETE: Statement = Statement {
    name: "user_delete",
    sqlite: "UPDATE scim_user SET deleted_at = $4, modified_at = $4, version = version + 1 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
    postgres: "UPDATE scim_user AS u SET deleted_at = v.at, modified_at = v.at, version = u.version + 1 \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, version, at) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version AND u.deleted_at IS NULL",
};

pub(super) const INSERT_EMAIL: Statement = Statement {
    name: "user_email_insert",
    sqlite: "INSERT INTO user_email (organization, address_key, user_id) VALUES ($1, $2, $3)",
    postgres: "INSERT INTO user_email (organization, address_key, user_id) \
               SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[])",
};

pub(super) const DELETE_EMAIL: Statement = Statement {
    name: "user_email_delete",
    sqlite: "DELETE FROM user_email WHERE organization = $1 AND address_key = $2 AND user_id = $3",
    postgres: "DELETE FROM user_email AS e USING unnest($1::bytea[], $2::text[], $3::bytea[]) AS v(organization, address, id) \
               WHERE e.organization = v.organization AND e.address_key = v.address AND e.user_id = v.id",
};

// The first interval begins at the organization's revision as it stands: nothing can have been allowed before a later
// revision names the user, so no lock is needed.
pub(super) const INSERT_FIRST_STATUS: Statement = Statement {
    name: "user_status_first",
    sqlite: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
             SELECT $1, $2, o.revision, 9223372036854775807, $3, $4 FROM organization o WHERE o.id = $1",
    postgres: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
               SELECT v.organization, v.id, o.revision, 9223372036854775807, v.status, v.since \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, status, since) \
               JOIN organization o ON o.id = v.organization",
};

pub(super) const CLOSE_STATUS: Statement = Statement {
    name: "user_status_close",
    sqlite: "UPDATE user_status SET until_revision = $3 \
             WHERE organization = $1 AND user_id = $2 AND until_revision = 9223372036854775807",
    postgres: "UPDATE user_status AS s SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS v(organization, id, revision) \
               WHERE s.organization = v.organization AND s.user_id = v.id AND s.until_revision = 9223372036854775807",
};

pub(super) const OPEN_STATUS: Statement = Statement {
    name: "user_status_open",
    sqlite: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
             VALUES ($1, $2, $3, 9223372036854775807, $4, $5)",
    postgres: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
               SELECT v.organization, v.id, v.revision, 9223372036854775807, v.status, v.since \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[]) \
               AS v(organization, id, revision, status, since)",
};

pub(super) const BY_ID: Statement = Statement::both(
    "user_by_id",
    "SELECT id, connection, version, created_at, modified_at, person_key, document FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL",
);

// One statement a request: the document in the first row, the direct groups of this connection in the others.
pub(super) const WITH_GROUPS: Statement = Statement::both(
    "user_with_groups",
    "SELECT id, version, created_at, modified_at, document FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT g.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), g.display_name FROM membership m \
     JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
     WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807 AND g.connection = $3",
);

pub(super) const BY_USER_NAME: Statement = Statement::both(
    "user_by_user_name",
    "SELECT id, connection, version, created_at, modified_at, person_key, document FROM scim_user \
     WHERE organization = $1 AND user_name_key = $2 AND deleted_at IS NULL",
);

pub(super) const BY_EXTERNAL_ID: Statement = Statement::both(
    "user_by_external_id",
    "SELECT id, connection, version, created_at, modified_at, person_key, document FROM scim_user \
     WHERE organization = $1 AND external_id = $2 AND deleted_at IS NULL ORDER BY id LIMIT $3",
);

pub(super) const BY_EMAIL: Statement = Statement::both(
    "user_by_email",
    "SELECT u.id, u.connection, u.version, u.created_at, u.modified_at, u.person_key, u.document FROM user_email e \
     JOIN scim_user u ON u.organization = e.organization AND u.id = e.user_id AND u.deleted_at IS NULL \
     WHERE e.organization = $1 AND e.address_key = $2 ORDER BY u.id LIMIT $3",
);

pub(super) const BY_GROUP: Statement = Statement::both(
    "user_by_group",
    "SELECT u.id, u.connection, u.version, u.created_at, u.modified_at, u.person_key, u.document FROM membership m \
     JOIN scim_user u ON u.organization = m.organization AND u.id = m.member_id AND u.deleted_at IS NULL \
     WHERE m.organization = $1 AND m.group_id = $2 AND m.until_revision = 9223372036854775807 ORDER BY m.member_id LIMIT $3",
);

pub(super) const PAGE_AFTER: Statement = Statement::both(
    "user_page_after",
    "SELECT id, connection, version, created_at, modified_at, person_key, document FROM scim_user \
     WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3",
);

pub(super) const SKIP: Statement = Statement::both(
    "user_skip",
    "SELECT id FROM scim_user WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT 1 OFFSET $3",
);

pub(super) const GROUPS_OF: Statement = Statement {
    name: "user_groups_of_page",
    sqlite: "SELECT m.member_id, g.id, g.display_name FROM json_each($2) j \
             CROSS JOIN membership m ON m.organization = $1 AND m.member_id = unhex(j.value) \
             AND m.until_revision = 9223372036854775807 \
             JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.connection = $3",
    postgres: "SELECT m.member_id, g.id, g.display_name FROM membership m \
               JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.connection = $3 \
               WHERE m.organization = $1 AND m.member_id = ANY($2) AND m.until_revision = 9223372036854775807",
};

pub(super) const KNOWN: Statement = Statement {
    name: "user_known",
    sqlite: "SELECT id, deleted_at FROM scim_user WHERE organization = $1 AND id IN (SELECT unhex(value) FROM json_each($2))",
    postgres: "SELECT id, deleted_at FROM scim_user WHERE organization = $1 AND id = ANY($2)",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &INSERT_EMAIL,
    &DELETE_EMAIL,
    &INSERT_FIRST_STATUS,
    &CLOSE_STATUS,
    &OPEN_STATUS,
    &BY_ID,
    &WITH_GROUPS,
    &BY_USER_NAME,
    &BY_EXTERNAL_ID,
    &BY_EMAIL,
    &BY_GROUP,
    &PAGE_AFTER,
    &SKIP,
    &GROUPS_OF,
    &KNOWN,
];

impl UserRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Text(&self.user_name_key),
            Bind::OptionalText(self.external_id.as_deref()),
            Bind::Flag(self.active),
            Bind::Int(self.created_at.as_micros()),
            Bind::Bytes(&self.person_key),
            Bind::Text(&self.document),
        ]
    }

    pub(super) fn first_status<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        let status = if self.active { Status::Active } else { Status::Inactive };
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(status.as_i64()),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

impl UserChange {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(self.expected.as_i64()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Text(&self.user_name_key),
            Bind::OptionalText(self.external_id.as_deref()),
            Bind::Flag(self.active),
            Bind::Int(self.modified_at.as_micros()),
            Bind::Text(&self.document),
        ]
    }
}

impl UserDeletion {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(self.expected.as_i64()),
            Bind::Int(self.at.as_micros()),
        ]
    }
}

impl EmailRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![Bind::Bytes(organization.as_bytes()), Bind::Text(&self.address_key), Bind::Bytes(self.user.as_bytes())]
    }
}

impl StatusChange {
    pub(super) fn close<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(self.user.as_bytes()), Bind::Int(revision.as_i64())]
    }

    pub(super) fn open<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.user.as_bytes()),
            Bind::Int(revision.as_i64()),
            Bind::Int(self.status.as_i64()),
            Bind::Int(self.since.as_micros()),
        ]
    }
}

#[derive(QueryableByName)]
struct UserRecord {
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
    #[diesel(sql_type = Text)]
    document: String,
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
            document: row.document,
        })
    }
}

fn corrupt(problem: &impl std::fmt::Display) -> DatabaseError {
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

/// What one `GET /Users/{id}` needs.
#[derive(Debug, Clone)]
pub struct UserWithGroups {
    /// Its version.
    pub version: Version,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
    /// The direct groups the connection may see: identifier and name.
    pub groups: Vec<(GroupId, String)>,
}

#[derive(QueryableByName)]
struct PartRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    modified_at: i64,
    #[diesel(sql_type = Text)]
    document: String,
}

/// A user that is not deleted, with the direct groups of `connection`, in one statement.
pub fn with_groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: UserId,
    connection: ConnectionId,
) -> Result<Option<UserWithGroups>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Bytes(connection.as_bytes())];
    let mut user = None;
    let mut groups = Vec::new();
    for part in Sql(&WITH_GROUPS, binds).rows::<PartRecord>(tx)? {
        if part.version > 0 {
            user = Some(part);
        } else {
            groups.push((GroupId::from_bytes(&part.id).map_err(|e| corrupt(&e))?, part.document));
        }
    }
    groups.sort_unstable_by_key(|(id, _)| *id);
    Ok(user.map(|part| UserWithGroups {
        version: Version::new(part.version),
        created_at: Moment::from_micros(part.created_at),
        modified_at: Moment::from_micros(part.modified_at),
        document: part.document,
        groups,
    }))
}

/// The user of a folded userName.
pub fn by_user_name(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user_name_key: &str,
) -> Result<Vec<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(user_name_key)];
    read_users(Sql(&BY_USER_NAME, binds).rows(tx)?)
}

/// Users of an externalId, at most `limit`.
pub fn by_external_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    external_id: &str,
    limit: i64,
) -> Result<Vec<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(external_id), Bind::Int(limit)];
    read_users(Sql(&BY_EXTERNAL_ID, binds).rows(tx)?)
}

/// Users of a folded e-mail address, at most `limit`.
pub fn by_email(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    address_key: &str,
    limit: i64,
) -> Result<Vec<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(address_key), Bind::Int(limit)];
    read_users(Sql(&BY_EMAIL, binds).rows(tx)?)
}

/// Users who are direct members of a group, at most `limit`.
pub fn by_group(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    limit: i64,
) -> Result<Vec<StoredUser>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Int(limit)];
    read_users(Sql(&BY_GROUP, binds).rows(tx)?)
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

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// The id `skip` places behind the one that follows `after` (0: the very next), in the order of lists.
pub fn skip(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: UserId,
    skip: i64,
) -> Result<Option<UserId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(skip)];
    let row = Sql(&SKIP, binds).row::<IdRecord>(tx)?;
    row.map(|row| UserId::from_bytes(&row.id).map_err(|e| corrupt(&e))).transpose()
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

#[derive(QueryableByName)]
struct KnownRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    deleted_at: Option<i64>,
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
    Sql(&KNOWN, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)])
        .rows::<KnownRecord>(tx)?
        .into_iter()
        .map(|row| {
            let id = ResourceId::from_bytes(&row.id).map_err(|e| corrupt(&e))?;
            Ok((id, row.deleted_at.is_none()))
        })
        .collect()
}
