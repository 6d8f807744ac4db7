-- What the brake counts beside people, and what it keeps waiting. Twin of the SQLite migration of this name.
-- One row each time a connection deletes a group.
CREATE TABLE deleted_group (
    organization BYTEA NOT NULL,
    event BYTEA NOT NULL,
    group_id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (organization, event)
);
CREATE INDEX deleted_group_of_connection ON deleted_group (organization, connection, event);

INSERT INTO deleted_group (organization, event, group_id, connection, at, revision)
SELECT organization, id, resource_id, connection, at, revision
FROM event WHERE action = 'group.deleted' AND revision IS NOT NULL;

ALTER TABLE quarantine ADD COLUMN group_count BIGINT NOT NULL DEFAULT 0;

-- Deleted over a connection that has a brake: receivers are not told yet that the person may be purged.
CREATE TABLE held_purge (
    organization BYTEA NOT NULL,
    event BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    request BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (organization, event)
);
