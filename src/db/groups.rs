//! Groups: rows and the statements that read and write them. A connection sees its own groups only.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::model::{ConnectionId, GroupId, Moment, OrganizationId, ResourceId, Version};

use super::sql::{Bind, IdList, Sql, Statement};
use super::{DatabaseError, Tx, identified};

mod ordered;

pub use ordered::{GroupOrder, in_order};

/// A new group.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// Its identifier.
    pub id: GroupId,
    /// The connection that made it, or nobody.
    pub connection: ConnectionId,
    /// What the columns beside the document hold.
    pub names: GroupNames,
    /// When it was created.
    pub created_at: Moment,
    /// Canonical JSON without id, meta and members.
    pub document: String,
}

/// The keys of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNames {
    /// displayName as sent.
    pub display_name: String,
    /// Folded displayName.
    pub display_name_key: String,
    /// The folded displayName again where it must be unique in the connection.
    pub unique_name_key: Option<String>,
    /// externalId as sent.
    pub external_id: Option<String>,
}

/// What happens to a group that exists.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// Its document is replaced, if it is still at the expected version.
    Replace {
        /// Which group.
        id: GroupId,
        /// The version the change was worked out from.
        expected: Version,
        /// The new keys.
        names: GroupNames,
        /// When.
        modified_at: Moment,
        /// The new document.
        document: String,
    },
    /// Its members change: the version is counted up, whatever it is; other changes at the same time do not matter.
    Touch {
        /// Which group.
        id: GroupId,
        /// When.
        modified_at: Moment,
    },
    /// It is there again, if it is deleted at the expected version; empty.
    Restore {
        /// Which group.
        id: GroupId,
        /// The version the change was worked out from.
        expected: Version,
        /// When.
        at: Moment,
    },
    /// It is deleted, if it is still at the expected version. Ends every membership in it and of it.
    Delete {
        /// Which group.
        id: GroupId,
        /// The version the change was worked out from.
        expected: Version,
        /// When.
        at: Moment,
    },
}

/// A group as read for an answer or a change.
#[derive(Debug, Clone)]
pub struct StoredGroup {
    /// Its identifier.
    pub id: GroupId,
    /// Its version, membership counted.
    pub version: Version,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// Canonical JSON without id, meta and members.
    pub document: String,
}

pub(super) const INSERT: Statement = Statement {
    name: "group_insert",
    sqlite: "INSERT INTO scim_group (organization, id, connection, display_name, display_name_key, unique_name_key, \
             external_id, version, created_at, modified_at, document) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $9)",
    postgres: "INSERT INTO scim_group (organization, id, connection, display_name, display_name_key, unique_name_key, \
               external_id, version, created_at, modified_at, document) \
               SELECT v.organization, v.id, v.connection, v.name, v.name_key, v.unique_key, v.external, 1, v.at, v.at, v.document \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], \
               $8::bigint[], $9::text[]) \
               AS v(organization, id, connection, name, name_key, unique_key, external, at, document)",
};

pub(super) const REPLACE: Statement = Statement {
    name: "group_replace",
    sqlite: "UPDATE scim_group SET display_name = $4, display_name_key = $5, unique_name_key = $6, external_id = $7, \
             version = version + 1, modified_at = $8, document = $9 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
    postgres: "UPDATE scim_group AS g SET display_name = v.name, display_name_key = v.name_key, \
               unique_name_key = v.unique_key, external_id = v.external, version = g.version + 1, modified_at = v.at, \
               document = v.document \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], \
               $8::bigint[], $9::text[]) \
               AS v(organization, id, version, name, name_key, unique_key, external, at, document) \
               WHERE g.organization = v.organization AND g.id = v.id AND g.version = v.version AND g.deleted_at IS NULL",
};

pub(super) const TOUCH: Statement = Statement {
    name: "group_touch",
    sqlite: "UPDATE scim_group SET version = version + $3, modified_at = max(modified_at, $4) \
             WHERE organization = $1 AND id = $2 AND deleted_at IS NULL",
    postgres: "UPDATE scim_group AS g SET version = g.version + v.times, modified_at = greatest(g.modified_at, v.at) \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, times, at) \
               WHERE g.organization = v.organization AND g.id = v.id AND g.deleted_at IS NULL",
};

pub(super) const DELETE: Statement = Statement {
    name: "group_delete",
    sqlite: "UPDATE scim_group SET deleted_at = $4, modified_at = $4, version = version + 1 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
    postgres: "UPDATE scim_group AS g SET deleted_at = v.at, modified_at = v.at, version = g.version + 1 \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, version, at) \
               WHERE g.organization = v.organization AND g.id = v.id AND g.version = v.version AND g.deleted_at IS NULL",
};

pub(super) const RESTORE: Statement = Statement {
    name: "group_restore",
    sqlite: "UPDATE scim_group SET deleted_at = NULL, modified_at = $4, version = version + 1 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND coalesce(deleted_at, 0) > 0",
    postgres: "UPDATE scim_group AS g SET deleted_at = NULL, modified_at = v.at, version = g.version + 1 \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, version, at) \
               WHERE g.organization = v.organization AND g.id = v.id AND g.version = v.version \
               AND coalesce(g.deleted_at, 0) > 0",
};
pub(super) const DELETED: Statement = Statement::both(
    "group_deleted",
    "SELECT id, version, created_at, modified_at, document FROM scim_group \
     WHERE organization = $1 AND id = $2 AND connection = $3 AND coalesce(deleted_at, 0) > 0",
);

pub(super) const BY_ID: Statement = Statement::both(
    "group_by_id",
    "SELECT id, version, created_at, modified_at, document FROM scim_group \
     WHERE organization = $1 AND id = $2 AND connection = $3 AND deleted_at IS NULL",
);

pub(super) const BY_IDS: Statement = Statement {
    name: "group_by_ids",
    sqlite: "SELECT id, version, created_at, modified_at, document FROM scim_group WHERE organization = $1 \
             AND connection = $3 AND id IN (SELECT unhex(value) FROM json_each($2)) AND deleted_at IS NULL",
    postgres: "SELECT id, version, created_at, modified_at, document FROM scim_group WHERE organization = $1 \
               AND connection = $3 AND id = ANY($2) AND deleted_at IS NULL",
};

// No order here: it would lure the planner away from the index. Callers sort the few rows they get.
pub(super) const BY_NAME: Statement = Statement::both(
    "group_by_name",
    "SELECT id, version, created_at, modified_at, document FROM scim_group \
     WHERE organization = $1 AND connection = $2 AND display_name_key = $3 AND deleted_at IS NULL LIMIT $4",
);

pub(super) const BY_EXTERNAL_ID: Statement = Statement::both(
    "group_by_external_id",
    "SELECT id, version, created_at, modified_at, document FROM scim_group \
     WHERE organization = $1 AND connection = $2 AND external_id_key = $3 AND deleted_at IS NULL LIMIT $4",
);

pub(super) const BY_MEMBER: Statement = Statement {
    name: "group_by_member",
    sqlite: "SELECT g.id, g.version, g.created_at, g.modified_at, g.document FROM membership m INDEXED BY membership_of_member \
     CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.deleted_at IS NULL \
     WHERE m.organization = $1 AND g.connection = $2 AND m.member_id = $3 AND m.until_revision = 9223372036854775807 LIMIT $4",
    postgres: "SELECT g.id, g.version, g.created_at, g.modified_at, g.document FROM membership m \
     JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.deleted_at IS NULL \
     WHERE m.organization = $1 AND g.connection = $2 AND m.member_id = $3 AND m.until_revision = 9223372036854775807 LIMIT $4",
};

pub(super) const PAGE_AFTER: Statement = Statement::both(
    "group_page_after",
    "SELECT id, version, created_at, modified_at, document FROM scim_group \
     WHERE organization = $1 AND connection = $2 AND id > $3 AND deleted_at IS NULL ORDER BY id LIMIT $4",
);

pub(super) const SKIP: Statement = Statement::both(
    "group_skip",
    "SELECT id FROM scim_group WHERE organization = $1 AND connection = $2 AND id > $3 AND deleted_at IS NULL \
     ORDER BY id LIMIT 1 OFFSET $4",
);

pub(super) const KNOWN: Statement = Statement {
    name: "group_known",
    sqlite: "SELECT g.id, g.deleted_at FROM json_each($2) j CROSS JOIN scim_group g \
             ON g.organization = $1 AND g.id = unhex(j.value) AND g.connection = $3",
    postgres: "SELECT id, deleted_at FROM scim_group WHERE organization = $1 AND connection = $3 AND id = ANY($2)",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &REPLACE,
    &TOUCH,
    &DELETE,
    &RESTORE,
    &DELETED,
    &BY_ID,
    &BY_IDS,
    &BY_NAME,
    &BY_EXTERNAL_ID,
    &BY_MEMBER,
    &PAGE_AFTER,
    &SKIP,
    &KNOWN,
    &ordered::BY_DISPLAY_NAME.ascending,
    &ordered::BY_DISPLAY_NAME.descending,
    &ordered::BY_EXTERNAL_ID.ascending,
    &ordered::BY_EXTERNAL_ID.descending,
    &ordered::BY_CREATED.ascending,
    &ordered::BY_CREATED.descending,
];

impl GroupRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::Text(&self.names.display_name),
            Bind::Text(&self.names.display_name_key),
            Bind::OptionalText(self.names.unique_name_key.as_deref()),
            Bind::OptionalText(self.names.external_id.as_deref()),
            Bind::Int(self.created_at.as_micros()),
            Bind::Text(&self.document),
        ]
    }
}

/// What names a group at a version, and when it changed.
pub(super) fn versioned_binds<'a>(
    organization: &'a OrganizationId,
    id: &'a GroupId,
    expected: Version,
    at: Moment,
) -> Vec<Bind<'a>> {
    vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(expected.as_i64()),
        Bind::Int(at.as_micros()),
    ]
}

pub(super) fn replace_binds<'a>(
    organization: &'a OrganizationId,
    id: &'a GroupId,
    expected: Version,
    names: &'a GroupNames,
    modified_at: Moment,
    document: &'a str,
) -> Vec<Bind<'a>> {
    vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(expected.as_i64()),
        Bind::Text(&names.display_name),
        Bind::Text(&names.display_name_key),
        Bind::OptionalText(names.unique_name_key.as_deref()),
        Bind::OptionalText(names.external_id.as_deref()),
        Bind::Int(modified_at.as_micros()),
        Bind::Text(document),
    ]
}

#[derive(QueryableByName)]
struct GroupRecord {
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

impl TryFrom<GroupRecord> for StoredGroup {
    type Error = DatabaseError;

    fn try_from(row: GroupRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: GroupId::from_bytes(&row.id).map_err(|e| corrupt(&e))?,
            version: Version::new(row.version),
            created_at: Moment::from_micros(row.created_at),
            modified_at: Moment::from_micros(row.modified_at),
            document: row.document,
        })
    }
}

fn corrupt(problem: &impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Corrupt { table: "scim_group", problem: problem.to_string() }
}

fn read_groups(records: Vec<GroupRecord>) -> Result<Vec<StoredGroup>, DatabaseError> {
    records.into_iter().map(StoredGroup::try_from).collect()
}

/// A group of the connection that is not deleted.
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    id: GroupId,
) -> Result<Option<StoredGroup>, DatabaseError> {
    one(tx, &BY_ID, (organization, connection, id))
}

fn one(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    (organization, connection, id): (OrganizationId, ConnectionId, GroupId),
) -> Result<Option<StoredGroup>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Bytes(connection.as_bytes())];
    Sql(statement, binds).row::<GroupRecord>(tx)?.map(StoredGroup::try_from).transpose()
}

/// The groups of the connection with these ids that are not deleted, in any order.
pub fn by_ids(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    ids: &[ResourceId],
) -> Result<Vec<StoredGroup>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list), Bind::Bytes(connection.as_bytes())];
    read_groups(Sql(&BY_IDS, binds).rows(tx)?)
}

/// Groups of the connection with a folded displayName, at most `limit`.
pub fn by_name(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    name_key: &str,
    limit: i64,
) -> Result<Vec<StoredGroup>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Text(name_key),
        Bind::Int(limit),
    ];
    read_groups(Sql(&BY_NAME, binds).rows(tx)?)
}

/// Groups of the connection with an externalId, at most `limit`.
pub fn by_external_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    external_id: &str,
    limit: i64,
) -> Result<Vec<StoredGroup>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Text(external_id),
        Bind::Int(limit),
    ];
    read_groups(Sql(&BY_EXTERNAL_ID, binds).rows(tx)?)
}

/// Groups of the connection that have `member` as a direct member, at most `limit`.
pub fn by_member(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    member: ResourceId,
    limit: i64,
) -> Result<Vec<StoredGroup>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(member.as_bytes()),
        Bind::Int(limit),
    ];
    read_groups(Sql(&BY_MEMBER, binds).rows(tx)?)
}

/// The groups after `after` in the order of lists (by id), at most `limit`.
pub fn page_after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: GroupId,
    limit: i64,
) -> Result<Vec<StoredGroup>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(after.as_bytes()),
        Bind::Int(limit),
    ];
    read_groups(Sql(&PAGE_AFTER, binds).rows(tx)?)
}

/// The id `skip` places behind the one that follows `after` (0: the very next), in the order of lists.
pub fn skip(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    after: GroupId,
    skip: i64,
) -> Result<Option<GroupId>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(connection.as_bytes()),
        Bind::Bytes(after.as_bytes()),
        Bind::Int(skip),
    ];
    Ok(identified::first(tx, &SKIP, binds)?.map(GroupId::from))
}

/// Which of the ids were ever issued to groups of the connection, and whether each is still present.
pub fn known(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    ids: &[ResourceId],
) -> Result<Vec<(ResourceId, bool)>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list), Bind::Bytes(connection.as_bytes())];
    identified::known(tx, &KNOWN, binds)
}

/// A group of the connection that is deleted.
pub fn deleted(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    id: GroupId,
) -> Result<Option<StoredGroup>, DatabaseError> {
    one(tx, &DELETED, (organization, connection, id))
}
