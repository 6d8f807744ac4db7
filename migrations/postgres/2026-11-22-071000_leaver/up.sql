-- The register of leavers: one row each time access was cut off. Twin of the SQLite migration of this name.
-- `how`: 1 deactivated, 2 deleted, 3 suspended. A connection of sixteen zero bytes means: none, an administrator.
CREATE TABLE leaver (
    organization BYTEA NOT NULL,
    event BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    how BIGINT NOT NULL,
    at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    -- Which server made the change, since when it denies, since when every server does, and which these were.
    server BYTEA,
    denied_at BIGINT,
    settled_at BIGINT,
    servers TEXT COLLATE "C",
    PRIMARY KEY (organization, event)
);
CREATE INDEX leaver_of_user ON leaver (organization, user_id, revision);
CREATE INDEX leaver_of_connection ON leaver (organization, connection, event);

INSERT INTO leaver (organization, event, user_id, connection, how, at, revision)
SELECT organization, id, resource_id, connection,
    CASE action WHEN 'user.deactivated' THEN 1 WHEN 'user.deleted' THEN 2 ELSE 3 END, at, revision
FROM event WHERE action IN ('user.deactivated', 'user.deleted', 'user.suspended') AND revision IS NOT NULL;
