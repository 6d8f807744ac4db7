-- Who signs in to the console, and how. Twin of the PostgreSQL migration of this name.

-- Tables of the deployment itself. An account is known by a verified address, or by (issuer, subject).
CREATE TABLE account (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    email_key TEXT,
    issuer TEXT,
    subject TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_email ON account (email_key) WHERE email_key IS NOT NULL;
CREATE UNIQUE INDEX account_subject ON account (issuer, subject) WHERE issuer IS NOT NULL;

CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    former_hash BLOB,
    rotated_at INTEGER NOT NULL,
    form_key BLOB NOT NULL,
    client TEXT NOT NULL,
    signed_in_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account);

-- Links that sign in once; only the hash of the secret is kept.
CREATE TABLE sign_in_link (
    id BLOB NOT NULL PRIMARY KEY,
    organization BLOB NOT NULL,
    account BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    browser_hash BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

-- Tables of an organization. An account is at most one user of it; the recovery administrator is none.
CREATE TABLE account_link (
    organization BLOB NOT NULL,
    account BLOB NOT NULL,
    user_id BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, account)
) STRICT;
CREATE INDEX account_link_account ON account_link (account);
CREATE INDEX account_link_recovery ON account_link (organization, account) WHERE user_id IS NULL;
CREATE INDEX account_link_user ON account_link (organization, user_id) WHERE user_id IS NOT NULL;

-- An invitation is open until it ended: joined or withdrawn. One that expired stays open, to be seen and sent again.
CREATE TABLE invitation (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    groups TEXT NOT NULL,
    role TEXT,
    scope TEXT,
    invited_by BLOB,
    created_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    delivery TEXT NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    user_id BLOB,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX invitation_open ON invitation (organization, email_key) WHERE ended_at IS NULL;
