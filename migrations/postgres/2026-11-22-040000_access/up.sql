-- Who may do what where: permissions, roles, scopes, assignments, services, gates. Twin of the SQLite migration of this name.
-- Each row holds for an interval of revisions, as membership and user_status do; what begins and what ends at a revision is
-- found by an index, so that what is in memory follows by what has changed. Moments are microseconds since 1970 in UTC; a
-- validity without an end ends at 9223372036854775807.

-- One row an organization, made by its first change: the revision of the last change to the tables below, so that two
-- administrators do not decide on the same state, and what subjects are looked up by beside id and userName.
CREATE TABLE access_administration (
    organization BYTEA NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    subjects_by_email BOOLEAN NOT NULL,
    subjects_by_external_id BOOLEAN NOT NULL
);

-- Permissions an organization has added, or marked otherwise than they come.
CREATE TABLE permission (
    organization BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    durable BOOLEAN NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (organization, name, from_revision)
);

-- Roles of the organization's own; the built-in ones are part of the program. Permissions are a JSON array of names.
CREATE TABLE role_version (
    organization BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    number BIGINT NOT NULL,
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, role, from_revision)
);

CREATE TABLE scope (
    organization BYTEA NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    production BOOLEAN NOT NULL,
    description TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, path, from_revision)
);

-- How many must, and how many may, be able to pass.
CREATE TABLE gate (
    organization BYTEA NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    minimum BIGINT NOT NULL,
    maximum BIGINT,
    PRIMARY KEY (organization, scope, permission, from_revision)
);

-- A role at a scope for a group, a user or a service. The source is the connection where it is one, else sixteen zero bytes.
CREATE TABLE assignment (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT NOT NULL,
    principal BYTEA NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    source TEXT NOT NULL,
    connection BYTEA NOT NULL,
    approver BYTEA,
    reason TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
);
CREATE INDEX assignment_of_principal ON assignment (organization, principal);
CREATE INDEX assignment_of_role ON assignment (organization, role, scope)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX assignment_at_scope ON assignment (organization, scope)
    WHERE until_revision = 9223372036854775807;

-- Subjects that are no people. The owner is a user.
CREATE TABLE service (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    owner BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    stopped_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
);
CREATE UNIQUE INDEX service_name ON service (organization, name_key)
    WHERE until_revision = 9223372036854775807 AND stopped_at IS NULL;
CREATE INDEX service_of_owner ON service (organization, owner)
    WHERE until_revision = 9223372036854775807;

-- Resources below the scopes, of types the organization declares. What is known of one is a JSON object.
CREATE TABLE leaf (
    organization BYTEA NOT NULL,
    resource_type TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (organization, resource_type, id, from_revision)
);
CREATE INDEX leaf_in_scope ON leaf (organization, scope)
    WHERE until_revision = 9223372036854775807;

-- At which revisions a user was found by other keys than before: userName, externalId, e-mail addresses.
CREATE TABLE user_identified (
    organization BYTEA NOT NULL,
    revision BIGINT NOT NULL,
    user_id BYTEA NOT NULL,
    PRIMARY KEY (organization, revision, user_id)
);

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
