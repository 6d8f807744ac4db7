-- What was found of leavers after they had left, and when they were last looked at. Twin of the SQLite migration of this name.
-- `kind`: 1 reactivated, 2 re-added, 3 the same address, 4 an identifier recycled, 5 access left, 6 an account downstream.
CREATE TABLE finding (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    leaver BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    other BYTEA NOT NULL,
    details TEXT COLLATE "C" NOT NULL,
    found_at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    ended_at BIGINT,
    PRIMARY KEY (organization, id)
);
CREATE INDEX finding_standing ON finding (organization, id) WHERE ended_at IS NULL;

CREATE TABLE watch (
    organization BYTEA NOT NULL PRIMARY KEY,
    began_at BIGINT NOT NULL,
    leavers BIGINT NOT NULL
);
