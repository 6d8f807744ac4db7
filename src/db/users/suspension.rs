//! The bar an administrator puts before a person: no write of a connection lifts it.

use crate::model::{Moment, OrganizationId, UserId, Version};

use super::super::sql::{Bind, Sql, Statement};

/// A person is suspended, or is so no more, at an expected version.
#[derive(Debug, Clone)]
pub struct SuspensionChange {
    /// Whom.
    pub user: UserId,
    /// The version the change was worked out from.
    pub expected: Version,
    /// Since when; `None` ends it.
    pub suspended_at: Option<Moment>,
    /// The folded userName: whoever bore it before and was deleted does not bar the next one any more.
    pub user_name_key: String,
}

// The version stays as it is: clients of SCIM see nothing of this.
pub(in crate::db) const SUSPEND: Statement = Statement {
    name: "user_suspend",
    sqlite: "UPDATE scim_user SET suspended_at = $4 WHERE organization = $1 AND id = $2 AND version = $3 \
             AND deleted_at IS NULL AND (suspended_at IS NULL) <> ($4 IS NULL)",
    postgres: "UPDATE scim_user AS u SET suspended_at = v.at \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, version, at) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version \
               AND u.deleted_at IS NULL AND (u.suspended_at IS NULL) <> (v.at IS NULL)",
};

pub(in crate::db) const PARDON: Statement = Statement {
    name: "user_suspension_forget",
    sqlite: "UPDATE scim_user INDEXED BY scim_user_suspended SET suspended_at = NULL WHERE organization = $1 \
             AND user_name_key = $2 AND suspended_at IS NOT NULL AND deleted_at IS NOT NULL",
    postgres: "UPDATE scim_user SET suspended_at = NULL WHERE organization = $1 AND user_name_key = $2 \
               AND suspended_at IS NOT NULL AND deleted_at IS NOT NULL",
};

impl SuspensionChange {
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.user.as_bytes()),
            Bind::Int(self.expected.as_i64()),
            Bind::OptionalInt(self.suspended_at.map(Moment::as_micros)),
        ]
    }

    /// Where the bar is lifted: those of the same userName who were deleted under it are forgotten.
    pub(in crate::db) fn pardon<'a>(&'a self, organization: &'a OrganizationId) -> Option<Sql<'a>> {
        let pardon = || Sql(&PARDON, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(&self.user_name_key)]);
        self.suspended_at.is_none().then(pardon)
    }
}
