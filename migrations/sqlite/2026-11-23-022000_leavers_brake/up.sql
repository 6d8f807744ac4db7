-- What the brake counts beside people, and what it keeps waiting. Twin of the PostgreSQL migration of this name.
-- One row each time a connection deletes a group.
CREATE TABLE deleted_group (
    organization BLOB NOT NULL,
    event BLOB NOT NULL,
    group_id BLOB NOT NULL,
    connection BLOB NOT NULL,
    at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization, event)
) STRICT;
CREATE INDEX deleted_group_of_connection ON deleted_group (organization, connection, event);

INSERT INTO deleted_group (organization, event, group_id, connection, at, revision)
SELECT organization, id, resource_id, connection, at, revision
FROM event WHERE action = 'group.deleted' AND revision IS NOT NULL;

ALTER TABLE quarantine ADD COLUMN group_count INTEGER NOT NULL DEFAULT 0;

-- Deleted over a connection that has a brake: receivers are not told yet that the person may be purged.
CREATE TABLE held_purge (
    organization BLOB NOT NULL,
    event BLOB NOT NULL,
    user_id BLOB NOT NULL,
    connection BLOB NOT NULL,
    request BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (organization, event)
) STRICT;
