-- Downstream systems, whose accounts are compared with the people here. Twin of the PostgreSQL migration of this name.

-- `organization_name` and `api` are GitHub's, where its accounts are fetched; nothing where lists are uploaded.
CREATE TABLE downstream_system (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    organization_name TEXT,
    api TEXT,
    secret BLOB,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX downstream_system_name ON downstream_system (organization, name_key) WHERE removed_at IS NULL;

-- Whose an account is, because an administrator said so.
CREATE TABLE account_owner (
    organization BLOB NOT NULL,
    system BLOB NOT NULL,
    account TEXT NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (organization, system, account)
) STRICT;

-- One comparison, with what it came to.
CREATE TABLE reconciliation (
    organization BLOB NOT NULL,
    system BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (organization, system, id)
) STRICT;
