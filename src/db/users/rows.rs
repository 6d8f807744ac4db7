//! What is written of users: rows as data, and the statements that write them.

use crate::model::{ConnectionId, Moment, OrganizationId, Revision, SortKey, UserId, Version};

use super::super::sql::{Bind, Statement};

/// What lists of users are sorted by, beside userName, externalId and the moments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSortKeys {
    /// By displayName.
    pub display_name: SortKey,
    /// By name.familyName.
    pub family_name: SortKey,
}

/// A new user.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Its identifier.
    pub id: UserId,
    /// The connection that manages it.
    pub connection: ConnectionId,
    /// Folded userName.
    pub user_name_key: String,
    /// What lists are sorted by.
    pub sort_keys: UserSortKeys,
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
    /// The version from now on: the next one, or the same where only its manager changes.
    pub version: Version,
    /// The connection that managed it when the change was worked out.
    pub managed_by: ConnectionId,
    /// The connection that manages it from now on.
    pub connection: ConnectionId,
    /// Folded userName.
    pub user_name_key: String,
    /// What lists are sorted by.
    pub sort_keys: UserSortKeys,
    /// externalId as sent.
    pub external_id: Option<String>,
    /// Whether it is active.
    pub active: bool,
    /// Whether it was suspended when the change was worked out.
    pub suspended: bool,
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

/// A deleted user who is there again, at an expected version.
#[derive(Debug, Clone)]
pub struct UserRestoration {
    /// Which user.
    pub id: UserId,
    /// The version the change was worked out from.
    pub expected: Version,
    /// Whether it is active.
    pub active: bool,
    /// When.
    pub at: Moment,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
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
    /// Barred by an administrator, whatever connections say.
    Suspended,
}

impl Status {
    pub(in crate::db) const fn from_i64(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Inactive),
            3 => Some(Self::Deleted),
            4 => Some(Self::Suspended),
            _ => None,
        }
    }

    const fn as_i64(self) -> i64 {
        match self {
            Self::Active => 1,
            Self::Inactive => 2,
            Self::Deleted => 3,
            Self::Suspended => 4,
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

// Whoever comes back under the userName of somebody who was suspended comes back suspended: no write of a connection
// lifts the bar, a deletion and another creation neither.
pub(in crate::db) const INSERT: Statement = Statement {
    name: "user_insert",
    sqlite: "INSERT INTO scim_user (organization, id, connection, user_name_key, external_id, active, version, created_at, \
             modified_at, person_key, document, display_name_key, family_name_key, suspended_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9, $10, $11, \
             (SELECT min(b.suspended_at) FROM scim_user b INDEXED BY scim_user_suspended WHERE b.organization = $1 \
             AND b.user_name_key = $4 AND b.suspended_at IS NOT NULL))",
    postgres: "INSERT INTO scim_user (organization, id, connection, user_name_key, external_id, active, version, \
               created_at, modified_at, person_key, document, display_name_key, family_name_key, suspended_at) \
               SELECT v.organization, v.id, v.connection, v.name, v.external, v.active, 1, v.at, v.at, v.person_key, \
               v.document, v.display, v.family, \
               (SELECT min(b.suspended_at) FROM scim_user b WHERE b.organization = v.organization \
               AND b.user_name_key = v.name AND b.suspended_at IS NOT NULL) \
               FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bool[], $7::bigint[], \
               $8::bytea[], $9::text[], $10::text[], $11::text[]) \
               AS v(organization, id, connection, name, external, active, at, person_key, document, display, family)",
};

pub(in crate::db) const UPDATE: Statement = Statement {
    name: "user_update",
    sqlite: "UPDATE scim_user SET connection = $4, user_name_key = $5, external_id = $6, active = $7, version = $13, \
             modified_at = $8, document = $9, display_name_key = $11, family_name_key = $12 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND connection = $14 AND deleted_at IS NULL \
             AND (suspended_at IS NOT NULL) = $10",
    postgres: "UPDATE scim_user AS u SET connection = v.connection, user_name_key = v.name, external_id = v.external, \
               active = v.active, version = v.next, modified_at = v.at, document = v.document, \
               display_name_key = v.display, family_name_key = v.family \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::bool[], \
               $8::bigint[], $9::text[], $10::bool[], $11::text[], $12::text[], $13::bigint[], $14::bytea[]) \
               AS v(organization, id, version, connection, name, external, active, at, document, suspended, display, family, \
               next, managed_by) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version \
               AND u.connection = v.managed_by AND u.deleted_at IS NULL \
               AND (u.suspended_at IS NOT NULL) = v.suspended",
};

pub(in crate::db) const DELETE: Statement = Statement {
    name: "user_delete",
    sqlite: "UPDATE scim_user SET deleted_at = $4, modified_at = $4, version = version + 1 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
    postgres: "UPDATE scim_user AS u SET deleted_at = v.at, modified_at = v.at, version = u.version + 1 \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, version, at) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version AND u.deleted_at IS NULL",
};

// Not `IS NOT NULL`: there is an index of all who were deleted, and it must not be taken for the shorter way.
pub(in crate::db) const RESTORE: Statement = Statement {
    name: "user_restore",
    sqlite: "UPDATE scim_user SET deleted_at = NULL, active = $4, modified_at = $5, document = $6, version = version + 1 \
             WHERE organization = $1 AND id = $2 AND version = $3 AND coalesce(deleted_at, 0) > 0",
    postgres: "UPDATE scim_user AS u SET deleted_at = NULL, active = v.active, modified_at = v.at, document = v.document, \
               version = u.version + 1 \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bool[], $5::bigint[], $6::text[]) \
               AS v(organization, id, version, active, at, document) \
               WHERE u.organization = v.organization AND u.id = v.id AND u.version = v.version \
               AND coalesce(u.deleted_at, 0) > 0",
};

pub(in crate::db) const INSERT_EMAIL: Statement = Statement {
    name: "user_email_insert",
    sqlite: "INSERT INTO user_email (organization, address_key, user_id) VALUES ($1, $2, $3)",
    postgres: "INSERT INTO user_email (organization, address_key, user_id) \
               SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[])",
};

pub(in crate::db) const DELETE_EMAIL: Statement = Statement {
    name: "user_email_delete",
    sqlite: "DELETE FROM user_email WHERE organization = $1 AND address_key = $2 AND user_id = $3",
    postgres: "DELETE FROM user_email AS e USING unnest($1::bytea[], $2::text[], $3::bytea[]) AS v(organization, address, id) \
               WHERE e.organization = v.organization AND e.address_key = v.address AND e.user_id = v.id",
};

// The first interval begins at the organization's revision as it stands: nothing can have been allowed before a later
// revision names the user, so no lock is needed.
pub(in crate::db) const INSERT_FIRST_STATUS: Statement = Statement {
    name: "user_status_first",
    sqlite: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
             SELECT $1, $2, o.revision, 9223372036854775807, CASE WHEN u.suspended_at IS NULL THEN $3 ELSE 4 END, $4 \
             FROM organization o CROSS JOIN scim_user u ON u.organization = o.id AND u.id = $2 WHERE o.id = $1",
    postgres: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
               SELECT v.organization, v.id, o.revision, 9223372036854775807, \
               CASE WHEN u.suspended_at IS NULL THEN v.status ELSE 4 END, v.since \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS v(organization, id, status, since) \
               JOIN organization o ON o.id = v.organization \
               JOIN scim_user u ON u.organization = v.organization AND u.id = v.id",
};

pub(in crate::db) const CLOSE_STATUS: Statement = Statement {
    name: "user_status_close",
    sqlite: "UPDATE user_status SET until_revision = $3 \
             WHERE organization = $1 AND user_id = $2 AND until_revision = 9223372036854775807",
    postgres: "UPDATE user_status AS s SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS v(organization, id, revision) \
               WHERE s.organization = v.organization AND s.user_id = v.id AND s.until_revision = 9223372036854775807",
};

pub(in crate::db) const OPEN_STATUS: Statement = Statement {
    name: "user_status_open",
    sqlite: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
             VALUES ($1, $2, $3, 9223372036854775807, $4, $5)",
    postgres: "INSERT INTO user_status (organization, user_id, from_revision, until_revision, status, since) \
               SELECT v.organization, v.id, v.revision, 9223372036854775807, v.status, v.since \
               FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[]) \
               AS v(organization, id, revision, status, since)",
};

pub(in crate::db) const IDENTIFY: Statement = Statement {
    name: "user_identified",
    sqlite: "INSERT INTO user_identified (organization, revision, user_id) VALUES ($1, $2, $3)",
    postgres: "INSERT INTO user_identified (organization, revision, user_id) \
               SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])",
};

pub(in crate::db) fn identified_binds<'a>(
    organization: &'a OrganizationId,
    revision: Revision,
    user: &'a UserId,
) -> Vec<Bind<'a>> {
    vec![Bind::Bytes(organization.as_bytes()), Bind::Int(revision.as_i64()), Bind::Bytes(user.as_bytes())]
}

impl UserRow {
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
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
            Bind::Text(self.sort_keys.display_name.as_str()),
            Bind::Text(self.sort_keys.family_name.as_str()),
        ]
    }

    pub(in crate::db) fn first_status<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
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
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
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
            Bind::Flag(self.suspended),
            Bind::Text(self.sort_keys.display_name.as_str()),
            Bind::Text(self.sort_keys.family_name.as_str()),
            Bind::Int(self.version.as_i64()),
            Bind::Bytes(self.managed_by.as_bytes()),
        ]
    }
}

impl UserDeletion {
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(self.expected.as_i64()),
            Bind::Int(self.at.as_micros()),
        ]
    }
}

impl UserRestoration {
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Int(self.expected.as_i64()),
            Bind::Flag(self.active),
            Bind::Int(self.at.as_micros()),
            Bind::Text(&self.document),
        ]
    }
}

impl EmailRow {
    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![Bind::Bytes(organization.as_bytes()), Bind::Text(&self.address_key), Bind::Bytes(self.user.as_bytes())]
    }
}

impl StatusChange {
    pub(in crate::db) fn close<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(self.user.as_bytes()), Bind::Int(revision.as_i64())]
    }

    pub(in crate::db) fn open<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.user.as_bytes()),
            Bind::Int(revision.as_i64()),
            Bind::Int(self.status.as_i64()),
            Bind::Int(self.since.as_micros()),
        ]
    }
}
