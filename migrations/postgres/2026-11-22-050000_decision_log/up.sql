-- Decisions, many in a row: see src/evidence/decisions.rs for the bytes. Ids are made when a segment is begun, so that
-- their order is the order of time. Twin of the SQLite migration of this name.
CREATE TABLE decision_segment (
    organization bytea NOT NULL,
    id bytea NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    decisions bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (organization, id)
);
