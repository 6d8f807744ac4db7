-- What administrators are told, and what is still to be told. Twin of the SQLite migration of this name.

-- Who is told, an account by mail or an address by webhook, and of what: words of notices, with spaces.
CREATE TABLE subscription (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    account BYTEA,
    endpoint TEXT,
    secret BYTEA,
    kinds TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- How far the sender has got.
    claimed_until BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX subscription_of_account ON subscription (organization, account) WHERE account IS NOT NULL;

-- Something administrators should know, from when to when it was so; one row a cause.
CREATE TABLE notice (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    said TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX notice_standing ON notice (organization, kind, cause) WHERE ended_at IS NULL;

-- What a subscriber is to be told: one row each time a notice begins or ends.
CREATE TABLE notification (
    organization BYTEA NOT NULL,
    subscription BYTEA NOT NULL,
    id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    said TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    PRIMARY KEY (organization, subscription, id)
);
CREATE INDEX notification_waiting ON notification (organization, subscription, id) WHERE finished_at IS NULL;
