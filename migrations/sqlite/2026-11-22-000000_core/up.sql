-- People and groups, their history, what admits callers, and the log. Twin of the PostgreSQL migration of this name.
-- Moments are microseconds since 1970 in UTC; ids are the sixteen bytes of a UUIDv7; an interval that has not ended
-- ends at 9223372036854775807.

-- Tables of the deployment itself.
CREATE TABLE organization (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX organization_slug ON organization (slug);

CREATE TABLE keyring (
    id BLOB NOT NULL PRIMARY KEY,
    organization BLOB NOT NULL,
    purpose TEXT NOT NULL,
    wrapped INTEGER NOT NULL,
    material BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keyring_purpose ON keyring (organization, purpose);

CREATE TABLE server (
    instance BLOB NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

CREATE TABLE server_applied (
    organization BLOB NOT NULL,
    instance BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX server_applied_instance ON server_applied (instance);

-- Tables of an organization.
CREATE TABLE connection (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    paused INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX connection_name ON connection (organization, name);

CREATE TABLE credential (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    connection BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;

-- The document lacks id, meta and groups; they are spliced in when it is read.
CREATE TABLE scim_user (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    user_name_key TEXT NOT NULL,
    external_id TEXT,
    active INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted_at INTEGER,
    person_key BLOB,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX scim_user_name ON scim_user (organization, user_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_external ON scim_user (organization, external_id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_listed ON scim_user (organization, id) WHERE deleted_at IS NULL;

CREATE TABLE user_email (
    organization BLOB NOT NULL,
    address_key TEXT NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (organization, address_key, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_status (
    organization BLOB NOT NULL,
    user_id BLOB NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    status INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (organization, user_id, from_revision)
) STRICT, WITHOUT ROWID;

-- A connection of sixteen zero bytes means: nobody's, local.
CREATE TABLE scim_group (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    display_name TEXT NOT NULL,
    display_name_key TEXT NOT NULL,
    unique_name_key TEXT,
    external_id TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted_at INTEGER,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX scim_group_unique_name ON scim_group (organization, connection, unique_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_name ON scim_group (organization, connection, display_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_external ON scim_group (organization, connection, external_id) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_listed ON scim_group (organization, connection, id) WHERE deleted_at IS NULL;

CREATE TABLE membership (
    organization BLOB NOT NULL,
    group_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    member_kind INTEGER NOT NULL,
    PRIMARY KEY (organization, group_id, member_id, from_revision)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX membership_current ON membership (organization, group_id, member_id, member_kind)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX membership_of_member ON membership (organization, member_id, group_id)
    WHERE until_revision = 9223372036854775807;

-- Totals of lists, sharded so that servers do not wait for each other.
CREATE TABLE resource_count (
    organization BLOB NOT NULL,
    connection BLOB NOT NULL,
    resource_kind INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    present INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (organization, connection, resource_kind, shard)
) STRICT, WITHOUT ROWID;

-- Who did what to whom, when, over which connection. People by id only; personal values are sealed.
CREATE TABLE event (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    connection BLOB NOT NULL,
    credential BLOB,
    request BLOB NOT NULL,
    action TEXT NOT NULL,
    resource_id BLOB NOT NULL,
    revision INTEGER,
    details TEXT NOT NULL,
    sealed BLOB,
    transaction_id INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;
