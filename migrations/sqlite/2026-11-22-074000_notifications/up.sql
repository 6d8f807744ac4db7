-- What administrators are told, and what is still to be told. Twin of the PostgreSQL migration of this name.

-- Who is told, an account by mail or an address by webhook, and of what: words of notices, with spaces.
CREATE TABLE subscription (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    account BLOB,
    endpoint TEXT,
    secret BLOB,
    kinds TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- How far the sender has got.
    claimed_until INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX subscription_of_account ON subscription (organization, account) WHERE account IS NOT NULL;

-- Something administrators should know, from when to when it was so; one row a cause.
CREATE TABLE notice (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    said TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX notice_standing ON notice (organization, kind, cause) WHERE ended_at IS NULL;

-- What a subscriber is to be told: one row each time a notice begins or ends.
CREATE TABLE notification (
    organization BLOB NOT NULL,
    subscription BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    said TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    outcome TEXT,
    PRIMARY KEY (organization, subscription, id)
) STRICT;
CREATE INDEX notification_waiting ON notification (organization, subscription, id) WHERE finished_at IS NULL;
