-- Who is told what happens to people, and what is still to be told. Twin of the PostgreSQL migration of this name.
CREATE TABLE receiver (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    method TEXT NOT NULL,
    endpoint TEXT,
    secret BLOB,
    events TEXT NOT NULL,
    subject_format TEXT NOT NULL,
    subject_issuer TEXT,
    audience TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    credential BLOB,
    status TEXT NOT NULL,
    reason TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    -- How far the sender has got.
    claimed_by BLOB,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    last_error TEXT,
    acknowledged_at INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;

-- One row for each receiver and event; the content is forgotten once the receiver has answered.
CREATE TABLE signal (
    organization BLOB NOT NULL,
    receiver BLOB NOT NULL,
    id BLOB NOT NULL,
    subject BLOB NOT NULL,
    request BLOB NOT NULL,
    event TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,
    error TEXT,
    PRIMARY KEY (organization, receiver, id)
) STRICT;
CREATE INDEX signal_waiting ON signal (organization, receiver, id) WHERE finished_at IS NULL;
CREATE INDEX signal_of_subject ON signal (organization, subject, id);
