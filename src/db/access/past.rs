//! What held at a revision, as far as the access of one subject, or of everybody at one scope, depends on it.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::model::{
    EventId, GroupId, Leaf, Member, Moment, OrganizationId, RequestId, ResourceId, Revision, ScopePath, ServiceId,
    UserId,
};

use super::super::memberships::{MemberRecord, MembershipChange};
use super::super::sql::{Bind, IdList, Sql, Statement, by_place};
use super::super::users::Status;
use super::super::{DatabaseError, Tx};
use super::assignments::{self, AssignmentRecord, AssignmentRow};
use super::catalogue::{self, PermissionRecord, PermissionRow, RoleRecord, StoredRole};
use super::interval::corrupt;
use super::leaves::{self, LeafRecord};
use super::people::{self, Person, PersonRecord};
use super::scopes::{self, ScopeRecord, ScopeRow};
use super::services::{self, ServiceRecord, ServiceRow};

// Said this way, no planner goes through the events by their revisions instead of back from the one given.
const REVISION: Statement = Statement::both(
    "revision_before_event",
    "SELECT revision FROM event WHERE organization = $1 AND id < $2 AND coalesce(revision, 0) > 0 ORDER BY id DESC LIMIT 1",
);
const PERSON: Statement = Statement::both(
    "person_at",
    "SELECT u.id, u.user_name_key, s.status FROM user_status s JOIN scim_user u \
     ON u.organization = s.organization AND u.id = s.user_id WHERE s.organization = $1 AND s.user_id = $2 \
     AND s.from_revision <= $3 AND s.until_revision > $3 ORDER BY s.from_revision DESC LIMIT 1",
);
const DOCUMENT: Statement =
    Statement::both("person_document", "SELECT document FROM scim_user WHERE organization = $1 AND id = $2");
const GROUPS: Statement = Statement {
    name: "membership_of_members_at",
    sqlite: "SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) j CROSS JOIN membership m \
             INDEXED BY membership_of_member ON m.organization = $1 AND m.member_id = unhex(j.value) \
             AND m.until_revision = 9223372036854775807 AND m.from_revision <= $3 \
             UNION ALL SELECT m.group_id, m.member_id, m.member_kind FROM json_each($2) j CROSS JOIN membership m \
             INDEXED BY membership_of_former_member ON m.organization = $1 AND m.member_id = unhex(j.value) \
             AND m.until_revision < 9223372036854775807 AND m.from_revision <= $3 AND m.until_revision > $3",
    postgres: "SELECT group_id, member_id, member_kind FROM membership WHERE organization = $1 AND member_id = ANY($2) \
               AND until_revision = 9223372036854775807 AND from_revision <= $3 \
               UNION ALL SELECT group_id, member_id, member_kind FROM membership WHERE organization = $1 \
               AND member_id = ANY($2) AND until_revision < 9223372036854775807 AND from_revision <= $3 \
               AND until_revision > $3",
};
const ASSIGNMENTS: Statement = Statement {
    name: "assignment_of_principals_at",
    sqlite: "SELECT a.id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, \
             reason, created_at FROM json_each($2) j CROSS JOIN assignment a INDEXED BY assignment_of_principal \
             ON a.organization = $1 AND a.principal = unhex(j.value) AND a.from_revision <= $3 AND a.until_revision > $3",
    postgres: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, \
               reason, created_at FROM assignment WHERE organization = $1 AND principal = ANY($2) \
               AND from_revision <= $3 AND until_revision > $3",
};
// Those that hold now by their scope, those that have ended since by that.
const AT_SCOPE: Statement = Statement::both(
    "assignment_at_scope_at",
    "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, reason, \
     created_at FROM assignment WHERE organization = $1 AND scope = $2 AND until_revision = 9223372036854775807 \
     AND from_revision <= $3 \
     UNION ALL SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, \
     reason, created_at FROM assignment WHERE organization = $1 AND scope = $2 AND from_revision <= $3 \
     AND until_revision > $3 AND until_revision < 9223372036854775807",
);
const MEMBERS: Statement = Statement::both(
    "membership_of_group_at",
    "SELECT group_id, member_id, member_kind FROM membership WHERE organization = $1 AND group_id = $2 \
     AND from_revision <= $3 AND until_revision > $3",
);
const STATUSES: Statement = Statement {
    name: "user_status_of_many_at",
    sqlite: "SELECT s.user_id, s.status FROM json_each($2) j CROSS JOIN user_status s \
             ON s.organization = $1 AND s.user_id = unhex(j.value) AND s.from_revision <= $3 AND s.until_revision > $3",
    postgres: "SELECT s.user_id, s.status FROM unnest($2::bytea[]) AS j(id) CROSS JOIN LATERAL \
               (SELECT * FROM user_status WHERE organization = $1 AND user_id = j.id AND from_revision <= $3 \
               AND until_revision > $3 OFFSET 0) AS s",
};
const ROLES: Statement = Statement::both(
    "role_version_at",
    "SELECT role, number, permissions, from_revision, created_at FROM role_version \
     WHERE organization = $1 AND from_revision <= $2 AND until_revision > $2",
);
const PERMISSIONS: Statement = Statement::both(
    "permission_at",
    "SELECT name, durable, description FROM permission \
     WHERE organization = $1 AND from_revision <= $2 AND until_revision > $2",
);
const SCOPE: Statement = Statement::both(
    "scope_at",
    "SELECT path, production, description, created_at FROM scope \
     WHERE organization = $1 AND path = $2 AND from_revision <= $3 AND until_revision > $3",
);
const SERVICE: Statement = Statement::both(
    "service_at",
    "SELECT id, name, owner, successor, expires_at, stopped_at, created_at FROM service \
     WHERE organization = $1 AND id = $2 AND from_revision <= $3 AND until_revision > $3",
);

const LEAF: Statement = Statement::both(
    "leaf_at",
    "SELECT resource_type, id, scope, facts FROM leaf WHERE organization = $1 AND resource_type = $2 AND id = $3 \
     AND from_revision <= $4 AND until_revision > $4",
);

const MOMENT: Statement =
    Statement::both("event_at_revision", "SELECT at FROM event WHERE organization = $1 AND revision = $2 LIMIT 1");

const REQUEST: Statement = Statement::both(
    "event_request_at_revision",
    "SELECT request FROM event WHERE organization = $1 AND revision = $2 LIMIT 1",
);

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[
    &REVISION,
    &MOMENT,
    &REQUEST,
    &PERSON,
    &DOCUMENT,
    &GROUPS,
    &ASSIGNMENTS,
    &AT_SCOPE,
    &MEMBERS,
    &STATUSES,
    &ROLES,
    &PERMISSIONS,
    &SCOPE,
    &SERVICE,
    &LEAF,
];

by_place!(StatusRecord {
    user_id: Vec<u8> => Binary,
    status: i64 => BigInt,
});

#[derive(QueryableByName)]
struct RevisionRecord {
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

#[derive(QueryableByName)]
struct DocumentRecord {
    #[diesel(sql_type = Text)]
    document: String,
}

#[derive(QueryableByName)]
struct MomentRecord {
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// The revision of the last change before an event.
pub fn revision_before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    event: EventId,
) -> Result<Option<Revision>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(event.as_bytes())];
    Ok(Sql(&REVISION, binds).row::<RevisionRecord>(tx)?.map(|row| Revision::new(row.revision)))
}

/// When a revision was made, by the clock of the server that made it.
pub fn moment_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    revision: Revision,
) -> Result<Option<Moment>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64())];
    Ok(Sql(&MOMENT, binds).row::<MomentRecord>(tx)?.map(|row| Moment::from_micros(row.at)))
}

#[derive(QueryableByName)]
struct RequestRecord {
    #[diesel(sql_type = Binary)]
    request: Vec<u8>,
}

/// The request that made a revision.
pub fn request_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    revision: Revision,
) -> Result<Option<RequestId>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64())];
    let row = Sql(&REQUEST, binds).row::<RequestRecord>(tx)?;
    row.map(|row| RequestId::from_bytes(&row.request).map_err(corrupt("event"))).transpose()
}

/// A user, under the name it bears now, with the status it had.
pub fn person(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    at: Revision,
) -> Result<Option<Person>, DatabaseError> {
    Sql(&PERSON, of(&organization, user.as_bytes(), at)).row::<PersonRecord>(tx)?.map(people::read).transpose()
}

/// What stands of a user, a deleted one too.
pub fn document(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<Option<String>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes())];
    Ok(Sql(&DOCUMENT, binds).row::<DocumentRecord>(tx)?.map(|row| row.document))
}

/// The groups these members were directly in.
pub fn groups(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    members: &[ResourceId],
    at: Revision,
) -> Result<Vec<MembershipChange>, DatabaseError> {
    let rows = Sql(&GROUPS, of_any(&organization, members, at)).rows::<MemberRecord>(tx)?;
    rows.into_iter().map(MembershipChange::try_from).collect()
}

/// What was assigned to these principals.
pub fn assignments(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    principals: &[ResourceId],
    at: Revision,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let rows = Sql(&ASSIGNMENTS, of_any(&organization, principals, at)).rows::<AssignmentRecord>(tx)?;
    rows.into_iter().map(assignments::read).collect()
}

/// What was assigned at a scope.
pub fn at_scope(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    scope: &ScopePath,
    at: Revision,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(scope.as_str()), Bind::Int(at.as_i64())];
    Sql(&AT_SCOPE, binds).rows::<AssignmentRecord>(tx)?.into_iter().map(assignments::read).collect()
}

/// Who was directly in a group.
pub fn members(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    at: Revision,
) -> Result<Vec<Member>, DatabaseError> {
    let rows = Sql(&MEMBERS, of(&organization, group.as_bytes(), at)).rows::<MemberRecord>(tx)?;
    rows.into_iter().map(|row| Ok(MembershipChange::try_from(row)?.member)).collect()
}

/// The status each of these users had, as far as they were there.
pub fn statuses(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    users: &[ResourceId],
    at: Revision,
) -> Result<Vec<(UserId, Status)>, DatabaseError> {
    let read = |row: StatusRecord| {
        let status = Status::from_i64(row.status);
        let status = status.ok_or_else(|| corrupt("user_status")(format!("unknown status {}", row.status)))?;
        Ok((UserId::from_bytes(&row.user_id).map_err(corrupt("user_status"))?, status))
    };
    Sql(&STATUSES, of_any(&organization, users, at)).rows::<StatusRecord>(tx)?.into_iter().map(read).collect()
}

/// The roles of the organization's own, as they were.
pub fn roles(tx: &mut Tx<'_>, organization: OrganizationId, at: Revision) -> Result<Vec<StoredRole>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(at.as_i64())];
    Sql(&ROLES, binds).rows::<RoleRecord>(tx)?.into_iter().map(catalogue::read_role).collect()
}

/// The permissions that were declared.
pub fn permissions(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    at: Revision,
) -> Result<Vec<PermissionRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(at.as_i64())];
    Sql(&PERMISSIONS, binds).rows::<PermissionRecord>(tx)?.into_iter().map(catalogue::read_permission).collect()
}

/// A scope as it was, where there was one.
pub fn scope(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    path: &ScopePath,
    at: Revision,
) -> Result<Option<ScopeRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(path.as_str()), Bind::Int(at.as_i64())];
    Sql(&SCOPE, binds).row::<ScopeRecord>(tx)?.map(scopes::read).transpose()
}

/// A service as it was, where there was one.
pub fn service(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ServiceId,
    at: Revision,
) -> Result<Option<ServiceRow>, DatabaseError> {
    Sql(&SERVICE, of(&organization, id.as_bytes(), at)).row::<ServiceRecord>(tx)?.map(services::read).transpose()
}

/// A resource below a scope, as it was.
pub fn leaf(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    resource_type: &str,
    id: &str,
    at: Revision,
) -> Result<Option<Leaf>, DatabaseError> {
    let organization = Bind::Bytes(organization.as_bytes());
    let binds = vec![organization, Bind::Text(resource_type), Bind::Text(id), Bind::Int(at.as_i64())];
    Sql(&LEAF, binds).row::<LeafRecord>(tx)?.map(leaves::read).transpose()
}

fn of<'a>(organization: &'a OrganizationId, id: &'a [u8; 16], at: Revision) -> Vec<Bind<'a>> {
    vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id), Bind::Int(at.as_i64())]
}

fn of_any<'a>(organization: &'a OrganizationId, ids: &'a [ResourceId], at: Revision) -> Vec<Bind<'a>> {
    let list = IdList::new(ids.iter().map(|id| id.as_bytes().as_slice()));
    vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(list), Bind::Int(at.as_i64())]
}
