-- Decisions, many in a row: see src/evidence/decisions.rs for the bytes. Ids are made when a segment is begun, so that
-- their order is the order of time. Twin of the PostgreSQL migration of this name.
CREATE TABLE decision_segment (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    decisions INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT;
