-- By which identity provider an organization's people sign in. Twin of the PostgreSQL migration of this name.
CREATE TABLE identity_provider (
    organization BLOB NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret BLOB,
    joined_by TEXT NOT NULL,
    claim TEXT NOT NULL,
    required TEXT NOT NULL,
    is_only INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Such a session reaches the organization whose identity provider opened it, and no other; of one attempt comes one session.
ALTER TABLE session ADD COLUMN organization BLOB;
ALTER TABLE session ADD COLUMN attempt BLOB;
CREATE UNIQUE INDEX session_attempt ON session (attempt) WHERE attempt IS NOT NULL;
CREATE INDEX session_organization ON session (organization) WHERE organization IS NOT NULL;
