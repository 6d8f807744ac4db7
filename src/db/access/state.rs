//! What all administration of access of an organization has in common.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool};

use crate::model::{OrganizationId, Revision};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};

/// Up to which revision the administration of access has changed, and by what subjects are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessState {
    /// The last revision that changed permissions, roles, scopes, gates, assignments, services or resources.
    pub revision: Revision,
    /// Whether a subject may be named by an e-mail address.
    pub subjects_by_email: bool,
    /// Whether a subject may be named by its externalId.
    pub subjects_by_external_id: bool,
}

impl AccessState {
    /// Whether subjects may be named by more than ids and userNames.
    pub const fn looks_up_more(self) -> bool {
        self.subjects_by_email || self.subjects_by_external_id
    }
}

const READ: Statement = Statement::both(
    "access_administration",
    "SELECT revision, subjects_by_email, subjects_by_external_id FROM access_administration WHERE organization = $1",
);

// The organization's lock is held by then: of two who decided on one state the second finds another.
const CHANGE: Statement = Statement::both(
    "access_administration_change",
    "INSERT INTO access_administration (organization, revision, subjects_by_email, subjects_by_external_id) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (organization) DO UPDATE SET revision = excluded.revision, \
     subjects_by_email = excluded.subjects_by_email, subjects_by_external_id = excluded.subjects_by_external_id \
     WHERE access_administration.revision = $5",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&READ, &CHANGE];

#[derive(QueryableByName)]
struct StateRecord {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Bool)]
    subjects_by_email: bool,
    #[diesel(sql_type = Bool)]
    subjects_by_external_id: bool,
}

/// The state of an organization's access administration. Read it before what a change is worked out from.
pub fn read(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<AccessState, DatabaseError> {
    let row = Sql(&READ, vec![Bind::Bytes(organization.as_bytes())]).row::<StateRecord>(tx)?;
    let state = |row: StateRecord| AccessState {
        revision: Revision::new(row.revision),
        subjects_by_email: row.subjects_by_email,
        subjects_by_external_id: row.subjects_by_external_id,
    };
    Ok(row.map(state).unwrap_or_default())
}

/// Goes on to `revision`, if the state is still the one that was read: answers how many rows were.
pub(in crate::db) fn change_state(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    revision: Revision,
    seen: AccessState,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Int(revision.as_i64()),
        Bind::Flag(seen.subjects_by_email),
        Bind::Flag(seen.subjects_by_external_id),
        Bind::Int(seen.revision.as_i64()),
    ];
    Sql(&CHANGE, binds).run(tx)
}
