//! Membership as rows: intervals of revisions, written only under the organization's lock.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::model::{GroupId, Member, MemberKind, Moment, OrganizationId, ResourceId, Revision};

use super::sql::{Bind, IdList, Sql, Statement, by_place};
use super::{DatabaseError, Tx, groups};

/// A member joins or leaves a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MembershipChange {
    /// The group.
    pub group: GroupId,
    /// Who.
    pub member: Member,
}

// A deleted user or group cannot join. The organization's lock is held by then, so a deletion that came first is seen.
pub(super) const JOIN: Statement = Statement {
    name: "membership_join",
    sqlite: "INSERT INTO membership (organization, group_id, member_id, from_revision, until_revision, member_kind) \
             SELECT $1, $2, $3, $4, 9223372036854775807, $5 WHERE EXISTS (SELECT 1 FROM scim_user u \
             WHERE u.organization = $1 AND u.id = $3 AND u.deleted_at IS NULL UNION ALL SELECT 1 FROM scim_group g \
             WHERE g.organization = $1 AND g.id = $3 AND g.deleted_at IS NULL)",
    // One EXISTS over both: of two with OR between them the second would read the whole table.
    postgres: "INSERT INTO membership (organization, group_id, member_id, from_revision, until_revision, member_kind) \
               SELECT v.organization, v.group_id, v.member_id, v.revision, 9223372036854775807, v.kind \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[]) \
               AS v(organization, group_id, member_id, revision, kind) WHERE EXISTS (SELECT 1 FROM scim_user u \
               WHERE u.organization = v.organization AND u.id = v.member_id AND u.deleted_at IS NULL UNION ALL \
               SELECT 1 FROM scim_group g WHERE g.organization = v.organization AND g.id = v.member_id \
               AND g.deleted_at IS NULL)",
};

pub(super) const LEAVE: Statement = Statement {
    name: "membership_leave",
    sqlite: "UPDATE membership SET until_revision = $4 WHERE organization = $1 AND group_id = $2 AND member_id = $3 \
             AND until_revision = 9223372036854775807",
    postgres: "UPDATE membership AS m SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) \
               AS v(organization, group_id, member_id, revision) \
               WHERE m.organization = v.organization AND m.group_id = v.group_id AND m.member_id = v.member_id \
               AND m.until_revision = 9223372036854775807",
};

// Left to itself SQLite would look through the organization: it does not weigh two keys of an index against one.
pub(super) const LEAVE_EVERYWHERE: Statement = Statement {
    name: "membership_leave_everywhere",
    sqlite: "UPDATE membership INDEXED BY membership_of_member SET until_revision = $3 WHERE organization = $1 \
             AND member_id = $2 AND until_revision = 9223372036854775807 RETURNING group_id",
    postgres: "UPDATE membership SET until_revision = $3 WHERE organization = $1 AND member_id = $2 \
               AND until_revision = 9223372036854775807 RETURNING group_id",
};

pub(super) const EMPTY: Statement = Statement::both(
    "membership_empty",
    "UPDATE membership SET until_revision = $3 WHERE organization = $1 AND group_id = $2 \
     AND until_revision = 9223372036854775807",
);

pub(super) const OF_GROUP: Statement = Statement::both(
    "membership_of_group",
    "SELECT group_id, member_id, member_kind FROM membership \
     WHERE organization = $1 AND group_id = $2 AND until_revision = 9223372036854775807 ORDER BY member_id LIMIT $3",
);

pub(super) const OF_GROUPS: Statement = Statement {
    name: "membership_of_groups",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) j CROSS JOIN membership m \
             ON m.organization = $1 AND m.group_id = unhex(j.value) AND m.until_revision = 9223372036854775807 LIMIT $3",
    postgres: "SELECT group_id, member_id, member_kind FROM membership \
               WHERE organization = $1 AND group_id = ANY($2) AND until_revision = 9223372036854775807 LIMIT $3",
};

// `LATERAL` with `OFFSET 0`, here and below, makes PostgreSQL look each member up: a planner that thinks of small groups
// would read all members of a large one instead.
pub(super) const AMONG: Statement = Statement {
    name: "membership_among",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($3) j CROSS JOIN membership m \
             ON m.organization = $1 AND m.group_id = $2 AND m.member_id = unhex(j.value) \
             AND m.until_revision = 9223372036854775807",
    postgres: "SELECT m.group_id, m.member_id, m.member_kind FROM unnest($3::bytea[]) AS j(id) CROSS JOIN LATERAL \
               (SELECT * FROM membership WHERE organization = $1 AND group_id = $2 AND member_id = j.id \
               AND until_revision = 9223372036854775807 OFFSET 0) AS m",
};

pub(super) const AMONG_GROUPS: Statement = Statement {
    name: "membership_among_groups",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) g CROSS JOIN json_each($3) j \
             CROSS JOIN membership m ON m.organization = $1 AND m.group_id = unhex(g.value) \
             AND m.member_id = unhex(j.value) AND m.until_revision = 9223372036854775807",
    postgres: "SELECT m.group_id, m.member_id, m.member_kind FROM unnest($2::bytea[]) AS g(id) \
               CROSS JOIN unnest($3::bytea[]) AS j(id) CROSS JOIN LATERAL \
               (SELECT * FROM membership WHERE organization = $1 AND group_id = g.id AND member_id = j.id \
               AND until_revision = 9223372036854775807 OFFSET 0) AS m",
};

pub(super) const NESTED_IN: Statement = Statement {
    name: "membership_nested_in",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) j CROSS JOIN membership m \
             INDEXED BY membership_of_member \
             ON m.organization = $1 AND m.member_id = unhex(j.value) AND m.until_revision = 9223372036854775807",
    postgres: "SELECT group_id, member_id, member_kind FROM membership \
               WHERE organization = $1 AND member_id = ANY($2) AND until_revision = 9223372036854775807",
};

pub(super) const NESTED_GROUPS: Statement = Statement {
    name: "membership_nested_groups",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) j CROSS JOIN membership m \
             ON m.organization = $1 AND m.group_id = unhex(j.value) AND m.until_revision = 9223372036854775807 \
             AND m.member_kind = 2",
    postgres: "SELECT group_id, member_id, member_kind FROM membership WHERE organization = $1 AND group_id = ANY($2) \
               AND until_revision = 9223372036854775807 AND member_kind = 2",
};

pub(super) const MEMBERS_UNTIL: Statement = Statement::both(
    "membership_members_until",
    "SELECT group_id, member_id, member_kind FROM membership \
     WHERE organization = $1 AND group_id = $2 AND until_revision = $3 AND until_revision < 9223372036854775807",
);
pub(super) const ENDED_WITH: Statement = Statement {
    name: "membership_ended_with",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM membership m INDEXED BY membership_of_former_member \
             CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.deleted_at IS NULL \
             WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = $3 \
             AND m.until_revision < 9223372036854775807",
    postgres: "SELECT m.group_id, m.member_id, m.member_kind FROM membership m \
               JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id AND g.deleted_at IS NULL \
               WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = $3 \
               AND m.until_revision < 9223372036854775807",
};

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &JOIN,
    &LEAVE,
    &LEAVE_EVERYWHERE,
    &EMPTY,
    &OF_GROUP,
    &OF_GROUPS,
    &AMONG,
    &AMONG_GROUPS,
    &NESTED_IN,
    &NESTED_GROUPS,
    &ENDED_WITH,
    &MEMBERS_UNTIL,
];

impl MembershipChange {
    pub(super) fn join<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        let mut binds = self.leave(organization, revision);
        binds.push(Bind::Int(self.member.kind.as_i64()));
        binds
    }

    pub(super) fn leave<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.group.as_bytes()),
            Bind::Bytes(self.member.id.as_bytes()),
            Bind::Int(revision.as_i64()),
        ]
    }
}

#[derive(QueryableByName)]
struct GroupRecord {
    #[diesel(sql_type = Binary)]
    group_id: Vec<u8>,
}

/// Ends every membership of a deleted user or group, and counts up the groups it leaves.
pub(super) fn leave_everywhere(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    member: ResourceId,
    revision: Revision,
    at: Moment,
) -> Result<(), diesel::result::Error> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(member.as_bytes()), Bind::Int(revision.as_i64())];
    let left: Vec<GroupRecord> = Sql(&LEAVE_EVERYWHERE, binds).rows(tx)?;
    let touches = left
        .iter()
        .map(|group| {
            vec![
                Bind::Bytes(organization.as_bytes()),
                Bind::Bytes(&group.group_id),
                Bind::Int(1),
                Bind::Int(at.as_micros()),
            ]
        })
        .collect();
    // A group that is deleted in the same breath is not counted up any more.
    groups::TOUCH.write_rows(tx, touches).map(|_count| ())
}

/// Ends every membership in a deleted group.
pub(super) fn empty<'a>(organization: &'a OrganizationId, group: &'a GroupId, revision: Revision) -> Sql<'a> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Int(revision.as_i64())];
    Sql(&EMPTY, binds)
}

// A membership as read.
by_place!(pub(super) MemberRecord {
    group_id: Vec<u8> => Binary,
    member_id: Vec<u8> => Binary,
    member_kind: i64 => BigInt,
});

impl TryFrom<MemberRecord> for MembershipChange {
    type Error = DatabaseError;

    fn try_from(row: MemberRecord) -> Result<Self, DatabaseError> {
        let kind = MemberKind::from_i64(row.member_kind).ok_or_else(|| corrupt(&"unknown kind of member"))?;
        Ok(Self {
            group: GroupId::from_bytes(&row.group_id).map_err(|e| corrupt(&e))?,
            member: Member { id: ResourceId::from_bytes(&row.member_id).map_err(|e| corrupt(&e))?, kind },
        })
    }
}

fn corrupt(problem: &impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Corrupt { table: "membership", problem: problem.to_string() }
}

fn read(records: Vec<MemberRecord>) -> Result<Vec<MembershipChange>, DatabaseError> {
    records.into_iter().map(MembershipChange::try_from).collect()
}

/// The direct members of a group in the order of their ids, at most `limit`.
pub fn of_group(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    limit: i64,
) -> Result<Vec<Member>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Int(limit)];
    Ok(read(Sql(&OF_GROUP, binds).rows(tx)?)?.into_iter().map(|row| row.member).collect())
}

/// The memberships that ended with a revision, in groups that are still there.
pub fn ended_with(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    member: ResourceId,
    revision: Revision,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(member.as_bytes()), Bind::Int(revision.as_i64())];
    read(Sql(&ENDED_WITH, binds).rows(tx)?)
}

/// Who was in a group until a revision ended that, whether deleted since or not.
pub fn members_until(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    revision: Revision,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Int(revision.as_i64())];
    read(Sql(&MEMBERS_UNTIL, binds).rows(tx)?)
}

/// The direct members of several groups, at most `limit` in all.
pub fn of_groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    groups: &[GroupId],
    limit: i64,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(groups.iter().map(|id| id.as_bytes().as_slice()));
    let mut rows =
        read(Sql(&OF_GROUPS, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list), Bind::Int(limit)]).rows(tx)?)?;
    rows.sort_unstable();
    Ok(rows)
}

/// Which of `candidates` are direct members of the group.
pub fn among(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    candidates: &[ResourceId],
) -> Result<Vec<Member>, DatabaseError> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(candidates.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(group.as_bytes()), Bind::Ids(list)];
    Ok(read(Sql(&AMONG, binds).rows(tx)?)?.into_iter().map(|row| row.member).collect())
}

/// Which of `candidates` are direct members of which of `groups`.
pub fn among_groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    groups: &[GroupId],
    candidates: &[ResourceId],
) -> Result<Vec<MembershipChange>, DatabaseError> {
    if groups.is_empty() || candidates.is_empty() {
        return Ok(Vec::new());
    }
    let groups = IdList::new(groups.iter().map(|id| id.as_bytes().as_slice()));
    let members = IdList::new(candidates.iter().map(|id| id.as_bytes().as_slice()));
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(groups), Bind::Ids(members)];
    read(Sql(&AMONG_GROUPS, binds).rows(tx)?)
}

/// The groups any of `members` is directly in.
pub fn nested_in(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    members: &[ResourceId],
) -> Result<Vec<MembershipChange>, DatabaseError> {
    around(tx, &NESTED_IN, organization, members)
}

/// The groups that are direct members of any of `groups`.
pub fn nested_groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    groups: &[ResourceId],
) -> Result<Vec<MembershipChange>, DatabaseError> {
    around(tx, &NESTED_GROUPS, organization, groups)
}

fn around(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    organization: OrganizationId,
    ids: &[ResourceId],
) -> Result<Vec<MembershipChange>, DatabaseError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    read(Sql(statement, vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list)]).rows(tx)?)
}
