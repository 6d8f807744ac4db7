-- Who signs in to the console, and how. Twin of the SQLite migration of this name.

-- Tables of the deployment itself. An account is known by a verified address, or by (issuer, subject).
CREATE TABLE account (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    email_key TEXT COLLATE "C",
    issuer TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_email ON account (email_key) WHERE email_key IS NOT NULL;
CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE issuer IS NOT NULL;

CREATE TABLE session (
    id BYTEA NOT NULL PRIMARY KEY,
    account BYTEA NOT NULL,
    secret_hash BYTEA NOT NULL,
    former_hash BYTEA,
    rotated_at BIGINT NOT NULL,
    form_key BYTEA NOT NULL,
    client TEXT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account);

-- Links that sign in once; only the hash of the secret is kept.
CREATE TABLE sign_in_link (
    id BYTEA NOT NULL PRIMARY KEY,
    organization BYTEA NOT NULL,
    account BYTEA NOT NULL,
    secret_hash BYTEA NOT NULL,
    browser_hash BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Tables of an organization. An account is at most one user of it; the recovery administrator is none.
CREATE TABLE account_link (
    organization BYTEA NOT NULL,
    account BYTEA NOT NULL,
    user_id BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, account)
);
CREATE INDEX account_link_account ON account_link (account);
CREATE INDEX account_link_recovery ON account_link (organization, account) WHERE user_id IS NULL;
CREATE INDEX account_link_user ON account_link (organization, user_id) WHERE user_id IS NOT NULL;

-- An invitation is open until it ended: joined or withdrawn. One that expired stays open, to be seen and sent again.
CREATE TABLE invitation (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    groups TEXT NOT NULL,
    role TEXT,
    scope TEXT,
    invited_by BYTEA,
    created_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    delivery TEXT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    user_id BYTEA,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX invitation_open ON invitation (organization, email_key) WHERE ended_at IS NULL;
