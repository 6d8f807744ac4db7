-- Downstream systems, whose accounts are compared with the people here. Twin of the SQLite migration of this name.

-- `organization_name` and `api` are GitHub's, where its accounts are fetched; nothing where lists are uploaded.
CREATE TABLE downstream_system (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    organization_name TEXT,
    api TEXT,
    secret BYTEA,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX downstream_system_name ON downstream_system (organization, name_key) WHERE removed_at IS NULL;

-- Whose an account is, because an administrator said so.
CREATE TABLE account_owner (
    organization BYTEA NOT NULL,
    system BYTEA NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    user_id BYTEA NOT NULL,
    PRIMARY KEY (organization, system, account)
);

-- One comparison, with what it came to.
CREATE TABLE reconciliation (
    organization BYTEA NOT NULL,
    system BYTEA NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (organization, system, id)
);
