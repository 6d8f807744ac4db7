-- What admitted somebody who left, and ended with that. Twin of the SQLite migration of this name.
-- `kind`: 1 a session of the console, 2 a link that signs in, 3 an invitation the leaver had made.
CREATE TABLE ended_credential (
    organization BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    id BYTEA NOT NULL,
    PRIMARY KEY (organization, user_id, at, kind, id)
);
CREATE INDEX sign_in_link_account ON sign_in_link (account) WHERE used_at IS NULL;
CREATE INDEX invitation_inviter ON invitation (organization, invited_by) WHERE ended_at IS NULL;
