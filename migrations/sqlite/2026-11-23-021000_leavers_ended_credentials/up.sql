-- What admitted somebody who left, and ended with that. Twin of the PostgreSQL migration of this name.
-- `kind`: 1 a session of the console, 2 a link that signs in, 3 an invitation the leaver had made.
CREATE TABLE ended_credential (
    organization BLOB NOT NULL,
    user_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (organization, user_id, at, kind, id)
) STRICT;
CREATE INDEX sign_in_link_account ON sign_in_link (account) WHERE used_at IS NULL;
CREATE INDEX invitation_inviter ON invitation (organization, invited_by) WHERE ended_at IS NULL;
