//! People and groups as administrators see them: all of the organization, whichever connection made them.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::model::{ConnectionId, GroupId, MemberKind, Moment, OrganizationId, ResourceId, Version};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// A group of any connection.
#[derive(Debug, Clone)]
pub struct DirectoryGroup {
    /// Its identifier.
    pub id: GroupId,
    /// The connection that made it; nobody for a local one.
    pub connection: ConnectionId,
    /// Its name.
    pub display_name: String,
    /// Its version, membership counted.
    pub version: Version,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
}

/// A direct member of a group.
#[derive(Debug, Clone)]
pub struct DirectoryMember {
    /// Who.
    pub id: ResourceId,
    /// What.
    pub kind: MemberKind,
    /// The document of a user, or the name of a group.
    pub text: String,
}

pub(super) const GROUP: Statement = Statement::both(
    "directory_group",
    "SELECT id, connection, display_name, version, created_at, modified_at FROM scim_group \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL",
);

pub(super) const GROUPS: Statement = Statement::both(
    "directory_groups_after",
    "SELECT id, connection, display_name, version, created_at, modified_at FROM scim_group \
     WHERE organization = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3",
);

pub(super) const GROUPS_OF: Statement = Statement {
    name: "directory_groups_of",
    sqlite: "SELECT g.id, g.connection, g.display_name, g.version, g.created_at, g.modified_at \
             FROM membership m INDEXED BY membership_of_member \
             CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
             WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807",
    postgres: "SELECT g.id, g.connection, g.display_name, g.version, g.created_at, g.modified_at FROM membership m \
               JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
               WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807",
};

pub(super) const MEMBERS: Statement = Statement {
    name: "directory_members_after",
    sqlite: "SELECT m.member_id AS id, m.member_kind, coalesce(u.document, g.display_name, '') AS text \
             FROM membership m INDEXED BY membership_current \
             LEFT JOIN scim_user u ON u.organization = m.organization AND u.id = m.member_id \
             LEFT JOIN scim_group g ON g.organization = m.organization AND g.id = m.member_id \
             WHERE m.organization = $1 AND m.group_id = $2 AND m.member_id > $3 \
             AND m.until_revision = 9223372036854775807 ORDER BY m.member_id LIMIT $4",
    postgres: "SELECT m.member_id AS id, m.member_kind, coalesce(u.document, g.display_name, '') AS text \
               FROM (SELECT * FROM membership WHERE organization = $1 AND group_id = $2 AND member_id > $3 \
               AND until_revision = 9223372036854775807 ORDER BY member_id LIMIT $4) AS m \
               LEFT JOIN scim_user u ON u.organization = m.organization AND u.id = m.member_id \
               LEFT JOIN scim_group g ON g.organization = m.organization AND g.id = m.member_id ORDER BY m.member_id",
};

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[&GROUP, &GROUPS, &GROUPS_OF, &MEMBERS];

#[derive(QueryableByName)]
struct GroupRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    modified_at: i64,
}

#[derive(QueryableByName)]
struct MemberRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    member_kind: i64,
    #[diesel(sql_type = Text)]
    text: String,
}

impl TryFrom<GroupRecord> for DirectoryGroup {
    type Error = DatabaseError;

    fn try_from(row: GroupRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: GroupId::from_bytes(&row.id).map_err(|e| corrupt("scim_group", &e))?,
            connection: ConnectionId::from_bytes(&row.connection).map_err(|e| corrupt("scim_group", &e))?,
            display_name: row.display_name,
            version: Version::new(row.version),
            created_at: Moment::from_micros(row.created_at),
            modified_at: Moment::from_micros(row.modified_at),
        })
    }
}

fn corrupt(table: &'static str, problem: &impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Corrupt { table, problem: problem.to_string() }
}

fn read(records: Vec<GroupRecord>) -> Result<Vec<DirectoryGroup>, DatabaseError> {
    records.into_iter().map(DirectoryGroup::try_from).collect()
}

/// A group that is not deleted.
pub fn group(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<DirectoryGroup>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Ok(read(Sql(&GROUP, binds).rows(tx)?)?.into_iter().next())
}

/// The groups after `after` in the order of their ids, at most `limit`.
pub fn groups_after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    after: GroupId,
    limit: i64,
) -> Result<Vec<DirectoryGroup>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(after.as_bytes()), Bind::Int(limit)];
    read(Sql(&GROUPS, binds).rows(tx)?)
}

/// The groups a user is directly in, in the order of their ids.
pub fn groups_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    member: impl Into<ResourceId>,
) -> Result<Vec<DirectoryGroup>, DatabaseError> {
    let member = member.into();
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(member.as_bytes())];
    let mut groups = read(Sql(&GROUPS_OF, binds).rows(tx)?)?;
    groups.sort_unstable_by_key(|group| group.id);
    Ok(groups)
}

/// The direct members of a group after `after` in the order of their ids, at most `limit`.
pub fn members_after(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    after: ResourceId,
    limit: i64,
) -> Result<Vec<DirectoryMember>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(group.as_bytes()),
        Bind::Bytes(after.as_bytes()),
        Bind::Int(limit),
    ];
    let read = |row: MemberRecord| {
        let kind = MemberKind::from_i64(row.member_kind).ok_or_else(|| corrupt("membership", &"unknown kind"))?;
        let id = ResourceId::from_bytes(&row.id).map_err(|e| corrupt("membership", &e))?;
        Ok(DirectoryMember { id, kind, text: row.text })
    };
    Sql(&MEMBERS, binds).rows::<MemberRecord>(tx)?.into_iter().map(read).collect()
}
