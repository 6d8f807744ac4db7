-- Systems whose groups are kept as groups of a connection. Twin of the PostgreSQL migration of this name.
CREATE TABLE mirror (
    organization BLOB NOT NULL,
    system BLOB NOT NULL,
    connection BLOB NOT NULL,
    -- The userName of an account's owner, in which `{login}` stands for what the account is called.
    subject TEXT,
    -- Names with spaces between; empty for all.
    repositories TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    webhook_secret BLOB,
    -- How far it has got.
    due_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    tried_at INTEGER,
    refreshed_at INTEGER,
    failing_since INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    unknown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization, system)
) STRICT;
