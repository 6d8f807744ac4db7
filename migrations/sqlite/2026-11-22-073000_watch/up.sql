-- What was found of leavers after they had left, and when they were last looked at. Twin of the PostgreSQL migration of this name.
-- `kind`: 1 reactivated, 2 re-added, 3 the same address, 4 an identifier recycled, 5 access left, 6 an account downstream.
CREATE TABLE finding (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    leaver BLOB NOT NULL,
    kind INTEGER NOT NULL,
    other BLOB NOT NULL,
    details TEXT NOT NULL,
    found_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE INDEX finding_standing ON finding (organization, id) WHERE ended_at IS NULL;

CREATE TABLE watch (
    organization BLOB NOT NULL PRIMARY KEY,
    began_at INTEGER NOT NULL,
    leavers INTEGER NOT NULL
) STRICT;
