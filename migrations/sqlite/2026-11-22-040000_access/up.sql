-- Who may do what where: permissions, roles, scopes, assignments, services, gates. Twin of the PostgreSQL migration of this name.
-- Each row holds for an interval of revisions, as membership and user_status do; what begins and what ends at a revision is
-- found by an index, so that what is in memory follows by what has changed. Moments are microseconds since 1970 in UTC; a
-- validity without an end ends at 9223372036854775807.

-- One row an organization, made by its first change: the revision of the last change to the tables below, so that two
-- administrators do not decide on the same state, and what subjects are looked up by beside id and userName.
CREATE TABLE access_administration (
    organization BLOB NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    subjects_by_email INTEGER NOT NULL,
    subjects_by_external_id INTEGER NOT NULL
) STRICT;

-- Permissions an organization has added, or marked otherwise than they come.
CREATE TABLE permission (
    organization BLOB NOT NULL,
    name TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (organization, name, from_revision)
) STRICT, WITHOUT ROWID;

-- Roles of the organization's own; the built-in ones are part of the program. Permissions are a JSON array of names.
CREATE TABLE role_version (
    organization BLOB NOT NULL,
    role TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    number INTEGER NOT NULL,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, role, from_revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE scope (
    organization BLOB NOT NULL,
    path TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    production INTEGER NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, path, from_revision)
) STRICT, WITHOUT ROWID;

-- How many must, and how many may, be able to pass.
CREATE TABLE gate (
    organization BLOB NOT NULL,
    scope TEXT NOT NULL,
    permission TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    minimum INTEGER NOT NULL,
    maximum INTEGER,
    PRIMARY KEY (organization, scope, permission, from_revision)
) STRICT, WITHOUT ROWID;

-- A role at a scope for a group, a user or a service. The source is the connection where it is one, else sixteen zero bytes.
CREATE TABLE assignment (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    principal_kind TEXT NOT NULL,
    principal BLOB NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    source TEXT NOT NULL,
    connection BLOB NOT NULL,
    approver BLOB,
    reason TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_of_principal ON assignment (organization, principal);
CREATE INDEX assignment_of_role ON assignment (organization, role, scope)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX assignment_at_scope ON assignment (organization, scope)
    WHERE until_revision = 9223372036854775807;

-- Subjects that are no people. The owner is a user.
CREATE TABLE service (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    owner BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    stopped_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX service_name ON service (organization, name_key)
    WHERE until_revision = 9223372036854775807 AND stopped_at IS NULL;
CREATE INDEX service_of_owner ON service (organization, owner)
    WHERE until_revision = 9223372036854775807;

-- Resources below the scopes, of types the organization declares. What is known of one is a JSON object.
CREATE TABLE leaf (
    organization BLOB NOT NULL,
    resource_type TEXT NOT NULL,
    id TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    scope TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (organization, resource_type, id, from_revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX leaf_in_scope ON leaf (organization, scope)
    WHERE until_revision = 9223372036854775807;

-- At which revisions a user was found by other keys than before: userName, externalId, e-mail addresses.
CREATE TABLE user_identified (
    organization BLOB NOT NULL,
    revision INTEGER NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (organization, revision, user_id)
) STRICT, WITHOUT ROWID;

-- What has begun, and what has ended, since a revision.
CREATE INDEX permission_begun ON permission (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX permission_ended ON permission (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX role_version_begun ON role_version (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX role_version_ended ON role_version (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX scope_begun ON scope (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX scope_ended ON scope (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX gate_begun ON gate (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX gate_ended ON gate (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX assignment_begun ON assignment (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX assignment_ended ON assignment (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX service_begun ON service (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX service_ended ON service (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX leaf_begun ON leaf (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX leaf_ended ON leaf (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX membership_begun ON membership (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX membership_ended ON membership (organization, until_revision) WHERE until_revision < 9223372036854775807;
CREATE INDEX user_status_ended ON user_status (organization, until_revision) WHERE until_revision < 9223372036854775807;
-- Who was in which group; who is, `membership_of_member` tells.
CREATE INDEX membership_of_former_member ON membership (organization, member_id, group_id)
    WHERE until_revision < 9223372036854775807;
-- Groups in groups, which are few.
CREATE INDEX membership_nested ON membership (organization, group_id, member_id)
    WHERE until_revision = 9223372036854775807 AND member_kind = 2;
-- What was done at a revision, and when.
CREATE INDEX event_of_revision ON event (organization, revision) WHERE revision IS NOT NULL;
