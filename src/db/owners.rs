//! Whose an id is, among all organizations: the one look-up that is bound to none, for the record of what callers named
//! that is not theirs. Its answer never reaches a caller.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::Binary;

use crate::model::{OrganizationId, ResourceId};

use super::sql::{Bind, IdList, Sql, Statement};
use super::{DatabaseError, Tx};

macro_rules! owners {
    ($among:literal) => {
        concat!(
            "SELECT organization FROM scim_user WHERE organization ",
            $among,
            " AND id = $2 UNION ALL SELECT organization FROM scim_group WHERE organization ",
            $among,
            " AND id = $2 UNION ALL SELECT organization FROM assignment WHERE organization ",
            $among,
            " AND id = $2 UNION ALL SELECT organization FROM service WHERE organization ",
            $among,
            " AND id = $2 UNION ALL SELECT organization FROM connection WHERE organization ",
            $among,
            " AND id = $2 UNION ALL SELECT organization FROM credential WHERE organization ",
            $among,
            " AND id = $2"
        )
    };
}

const OF: Statement = Statement {
    name: "owners_of",
    sqlite: owners!("IN (SELECT unhex(value) FROM json_each($1))"),
    postgres: owners!("= ANY($1)"),
};

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[&OF];

/// Organizations asked about in one statement.
const AT_ONCE: usize = 500;

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
}

/// Which of these organizations have, or had, a user, a group, an assignment, a service, a connection or a credential of
/// this id.
pub fn of(
    tx: &mut Tx<'_>,
    organizations: &[OrganizationId],
    id: ResourceId,
) -> Result<BTreeSet<OrganizationId>, DatabaseError> {
    let mut owners = BTreeSet::new();
    for some in organizations.chunks(AT_ONCE) {
        let list = IdList::new(some.iter().map(|organization| organization.as_bytes().as_slice()));
        for row in Sql(&OF, vec![Bind::Ids(list), Bind::Bytes(id.as_bytes())]).rows::<Record>(tx)? {
            let owner = OrganizationId::from_bytes(&row.organization);
            let corrupt = |error: crate::model::IdError| DatabaseError::Corrupt {
                table: "organization",
                problem: error.to_string(),
            };
            owners.insert(owner.map_err(corrupt)?);
        }
    }
    Ok(owners)
}
