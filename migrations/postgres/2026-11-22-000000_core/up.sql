-- People and groups, their history, what admits callers, and the log. Twin of the SQLite migration of this name.
-- Moments are microseconds since 1970 in UTC; ids are the sixteen bytes of a UUIDv7; an interval that has not ended
-- ends at 9223372036854775807.

-- Tables of the deployment itself.
CREATE TABLE organization (
    id BYTEA NOT NULL PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organization_slug ON organization (slug);

CREATE TABLE keyring (
    id BYTEA NOT NULL PRIMARY KEY,
    organization BYTEA NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    wrapped BOOLEAN NOT NULL,
    material BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX keyring_purpose ON keyring (organization, purpose);

CREATE TABLE server (
    instance BYTEA NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE TABLE server_applied (
    organization BYTEA NOT NULL,
    instance BYTEA NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (organization, instance)
);
CREATE INDEX server_applied_instance ON server_applied (instance);

-- Tables of an organization.
CREATE TABLE connection (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C" NOT NULL,
    paused BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX connection_name ON connection (organization, name);

CREATE TABLE credential (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    connection BYTEA NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (organization, id)
);

-- The document lacks id, meta and groups; they are spliced in when it is read.
CREATE TABLE scim_user (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    user_name_key TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT,
    person_key BYTEA,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX scim_user_name ON scim_user (organization, user_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_external ON scim_user (organization, external_id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_listed ON scim_user (organization, id) WHERE deleted_at IS NULL;

CREATE TABLE user_email (
    organization BYTEA NOT NULL,
    address_key TEXT COLLATE "C" NOT NULL,
    user_id BYTEA NOT NULL,
    PRIMARY KEY (organization, address_key, user_id)
);

CREATE TABLE user_status (
    organization BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    status BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (organization, user_id, from_revision)
);

-- A connection of sixteen zero bytes means: nobody's, local.
CREATE TABLE scim_group (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    display_name TEXT NOT NULL,
    display_name_key TEXT COLLATE "C" NOT NULL,
    unique_name_key TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT,
    document TEXT NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX scim_group_unique_name ON scim_group (organization, connection, unique_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_name ON scim_group (organization, connection, display_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_external ON scim_group (organization, connection, external_id) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_listed ON scim_group (organization, connection, id) WHERE deleted_at IS NULL;

CREATE TABLE membership (
    organization BYTEA NOT NULL,
    group_id BYTEA NOT NULL,
    member_id BYTEA NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    member_kind BIGINT NOT NULL,
    PRIMARY KEY (organization, group_id, member_id, from_revision)
);
CREATE UNIQUE INDEX membership_current ON membership (organization, group_id, member_id, member_kind)
    WHERE until_revision = 9223372036854775807;
CREATE INDEX membership_of_member ON membership (organization, member_id, group_id)
    WHERE until_revision = 9223372036854775807;

-- Totals of lists, sharded so that servers do not wait for each other.
CREATE TABLE resource_count (
    organization BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    resource_kind BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    present BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (organization, connection, resource_kind, shard)
);

-- Who did what to whom, when, over which connection. People by id only; personal values are sealed.
CREATE TABLE event (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT COLLATE "C" NOT NULL,
    connection BYTEA NOT NULL,
    credential BYTEA,
    request BYTEA NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    resource_id BYTEA NOT NULL,
    revision BIGINT,
    details TEXT NOT NULL,
    sealed BYTEA,
    transaction_id BIGINT,
    PRIMARY KEY (organization, id)
);
