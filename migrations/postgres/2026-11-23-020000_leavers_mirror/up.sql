-- Systems whose groups are kept as groups of a connection. Twin of the SQLite migration of this name.
CREATE TABLE mirror (
    organization BYTEA NOT NULL,
    system BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    -- The userName of an account's owner, in which `{login}` stands for what the account is called.
    subject TEXT,
    -- Names with spaces between; empty for all.
    repositories TEXT NOT NULL,
    minutes BIGINT NOT NULL,
    webhook_secret BYTEA,
    -- How far it has got.
    due_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    tried_at BIGINT,
    refreshed_at BIGINT,
    failing_since BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    problem TEXT,
    unknown BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (organization, system)
);
