//! Assignments: a role at a scope for a principal, for a time.

pub mod listed;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{
    Assignment, AssignmentId, AssignmentSource, ConnectionId, Moment, OrganizationId, Principal, Reason, ResourceId,
    Revision, RoleName, ScopePath, Validity,
};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::{self, corrupt};

/// An assignment as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// The assignment.
    pub assignment: Assignment,
    /// When it was made, whenever it begins.
    pub created_at: Moment,
    principal: ResourceId,
    connection: ConnectionId,
}

/// The end of a validity that has none.
const NEVER: i64 = i64::MAX;

pub(super) const BEGIN: Statement = Statement {
    name: "assignment_begin",
    sqlite: "INSERT INTO assignment (organization, id, from_revision, until_revision, role, scope, principal_kind, principal, \
             valid_from, valid_until, source, connection, approver, reason, created_at) \
             VALUES ($1, $3, $2, 9223372036854775807, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    postgres: "INSERT INTO assignment (organization, id, from_revision, until_revision, role, scope, principal_kind, \
               principal, valid_from, valid_until, source, connection, approver, reason, created_at) \
               SELECT v.organization, v.id, v.revision, 9223372036854775807, v.role, v.scope, v.kind, v.principal, \
               v.valid_from, v.valid_until, v.source, v.connection, v.approver, v.reason, v.at \
               FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::bytea[], \
               $8::bigint[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[], $13::text[], $14::bigint[]) \
               AS v(organization, revision, id, role, scope, kind, principal, valid_from, valid_until, source, \
               connection, approver, reason, at)",
};
pub(super) const END: Statement = Statement {
    name: "assignment_end",
    sqlite: "UPDATE assignment SET until_revision = $2 \
             WHERE organization = $1 AND id = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE assignment AS a SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS v(organization, revision, id) \
               WHERE a.organization = v.organization AND a.id = v.id AND a.until_revision = 9223372036854775807",
};
const BEGUN: Statement = Statement::both(
    "assignment_begun",
    "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, reason, \
     created_at FROM assignment \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ENDED: Statement = Statement::both(
    "assignment_ended",
    "SELECT id FROM assignment \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const ENDED_OF: Statement = Statement::both(
    "assignment_ended_of",
    "SELECT principal AS id FROM assignment \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
const BY_ID: Statement = Statement::both(
    "assignment_by_id",
    "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, approver, reason, \
     created_at FROM assignment WHERE organization = $1 AND id = $2 AND until_revision = 9223372036854775807",
);
// SQLite would rather look through the organization by the table's own key.
const OF_ROLE: Statement = Statement {
    name: "assignment_of_role",
    sqlite: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
             approver, reason, created_at FROM assignment INDEXED BY assignment_of_role WHERE organization = $1 AND \
             role = $2 AND until_revision = 9223372036854775807 LIMIT $3",
    postgres: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
               approver, reason, created_at FROM assignment WHERE organization = $1 AND role = $2 AND until_revision \
               = 9223372036854775807 LIMIT $3",
};
const OF_ROLE_AT: Statement = Statement {
    name: "assignment_of_role_at",
    sqlite: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
             approver, reason, created_at FROM assignment INDEXED BY assignment_of_role WHERE organization = $1 AND \
             role = $2 AND scope = $3 AND until_revision = 9223372036854775807",
    postgres: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
               approver, reason, created_at FROM assignment WHERE organization = $1 AND role = $2 AND scope = $3 AND \
               until_revision = 9223372036854775807",
};
const AT_SCOPE: Statement = Statement {
    name: "assignment_at_scope",
    sqlite: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
             approver, reason, created_at FROM assignment INDEXED BY assignment_at_scope WHERE organization = $1 AND \
             scope = $2 AND until_revision = 9223372036854775807 LIMIT $3",
    postgres: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
               approver, reason, created_at FROM assignment WHERE organization = $1 AND scope = $2 AND \
               until_revision = 9223372036854775807 LIMIT $3",
};
const OF_PRINCIPAL: Statement = Statement {
    name: "assignment_of_principal",
    sqlite: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
             approver, reason, created_at FROM assignment INDEXED BY assignment_of_principal WHERE organization = $1 AND \
             principal = $2 AND from_revision <= $3 AND until_revision >= $3",
    postgres: "SELECT id, role, scope, principal_kind, principal, valid_from, valid_until, source, connection, \
               approver, reason, created_at FROM assignment WHERE organization = $1 AND principal = $2 AND \
               from_revision <= $3 AND until_revision >= $3",
};

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] =
    &[&BEGIN, &END, &BEGUN, &ENDED, &ENDED_OF, &BY_ID, &OF_ROLE, &OF_ROLE_AT, &AT_SCOPE, &OF_PRINCIPAL];

impl AssignmentRow {
    /// The row of an assignment made at `created_at`.
    pub fn new(assignment: Assignment, created_at: Moment) -> Self {
        let (principal, connection) = (assignment.principal.id(), assignment.source.connection());
        Self { assignment, created_at, principal, connection }
    }

    pub(super) fn binds(&self) -> [Bind<'_>; 12] {
        let Assignment { id, role, scope, principal, validity, source, approver, reason } = &self.assignment;
        [
            Bind::Bytes(id.as_bytes()),
            Bind::Text(role.as_str()),
            Bind::Text(scope.as_str()),
            Bind::Text(principal.kind()),
            Bind::Bytes(self.principal.as_bytes()),
            Bind::Int(validity.from().as_micros()),
            Bind::Int(validity.until().map_or(NEVER, Moment::as_micros)),
            Bind::Text(source.as_str()),
            Bind::Bytes(self.connection.as_bytes()),
            Bind::OptionalBytes(approver.as_ref().map(|id| id.as_bytes().as_slice())),
            Bind::OptionalText(reason.as_ref().map(Reason::as_str)),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

/// A row as read.
#[derive(QueryableByName)]
pub(super) struct AssignmentRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    principal_kind: String,
    #[diesel(sql_type = Binary)]
    principal: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    valid_from: i64,
    #[diesel(sql_type = BigInt)]
    valid_until: i64,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Binary)]
    connection: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    approver: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct IdRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

const TABLE: &str = "assignment";

pub(super) fn read(row: AssignmentRecord) -> Result<AssignmentRow, DatabaseError> {
    let principal = ResourceId::from_bytes(&row.principal).map_err(corrupt(TABLE))?;
    let connection = ConnectionId::from_bytes(&row.connection).map_err(corrupt(TABLE))?;
    let until = (row.valid_until != NEVER).then(|| Moment::from_micros(row.valid_until));
    let unknown = |what: &str, name: &str| corrupt(TABLE)(format!("unknown {what} `{name}`"));
    let assignment = Assignment {
        id: AssignmentId::from_bytes(&row.id).map_err(corrupt(TABLE))?,
        role: row.role.parse().map_err(corrupt(TABLE))?,
        scope: row.scope.parse().map_err(corrupt(TABLE))?,
        principal: Principal::from_parts(&row.principal_kind, principal)
            .ok_or_else(|| unknown("kind of principal", &row.principal_kind))?,
        validity: Validity::new(Moment::from_micros(row.valid_from), until).map_err(corrupt(TABLE))?,
        source: AssignmentSource::from_parts(&row.source, connection).ok_or_else(|| unknown("source", &row.source))?,
        approver: row.approver.map(|id| ResourceId::from_bytes(&id)).transpose().map_err(corrupt(TABLE))?,
        reason: row.reason.map(|text| text.parse()).transpose().map_err(corrupt(TABLE))?,
    };
    Ok(AssignmentRow { assignment, created_at: Moment::from_micros(row.created_at), principal, connection })
}

fn read_all(records: Vec<AssignmentRecord>) -> Result<Vec<AssignmentRow>, DatabaseError> {
    records.into_iter().map(read).collect()
}

/// The assignments of an organization, oldest first; those whose time is over too, until they are removed.
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let mut assignments = begun(tx, organization, interval::EVER)?;
    assignments.sort_by_key(|row| row.assignment.id);
    Ok(assignments)
}

/// The assignments that are as they are since a revision after `since`.
pub fn begun(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    interval::since(tx, &BEGUN, organization, since, read)
}

/// The assignments that ended, or became something else, after `since`.
pub fn ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<AssignmentId>, DatabaseError> {
    let read = |row: IdRecord| AssignmentId::from_bytes(&row.id).map_err(corrupt(TABLE));
    interval::since(tx, &ENDED, organization, since, read)
}

/// To whom something was assigned that ended, or became something else, after `since`.
pub fn ended_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
) -> Result<Vec<ResourceId>, DatabaseError> {
    let read = |row: IdRecord| ResourceId::from_bytes(&row.id).map_err(corrupt(TABLE));
    interval::since(tx, &ENDED_OF, organization, since, read)
}

/// One assignment.
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: AssignmentId,
) -> Result<Option<AssignmentRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row(tx)?.map(read).transpose()
}

/// The assignments to a principal itself that stood up to a revision, those that ended with it among them;
/// [`Revision::OPEN`]: that stand now.
pub fn of_principal(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    principal: ResourceId,
    revision: Revision,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(principal.as_bytes()), Bind::Int(revision.as_i64())];
    read_all(Sql(&OF_PRINCIPAL, binds).rows(tx)?)
}

/// Assignments of a role, at most `limit`.
pub fn of_role(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    role: &RoleName,
    limit: i64,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(role.as_str()), Bind::Int(limit)];
    read_all(Sql(&OF_ROLE, binds).rows(tx)?)
}

/// The assignments of a role at one scope, those around and within it not among them.
pub fn of_role_at(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    role: &RoleName,
    scope: &ScopePath,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(role.as_str()), Bind::Text(scope.as_str())];
    read_all(Sql(&OF_ROLE_AT, binds).rows(tx)?)
}

/// Assignments at one scope, at most `limit`, those around and within it not among them.
pub fn at_scope(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    scope: &ScopePath,
    limit: i64,
) -> Result<Vec<AssignmentRow>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Text(scope.as_str()), Bind::Int(limit)];
    read_all(Sql(&AT_SCOPE, binds).rows(tx)?)
}
