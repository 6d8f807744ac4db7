-- Who is told what happens to people, and what is still to be told. Twin of the SQLite migration of this name.
CREATE TABLE receiver (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    endpoint TEXT,
    secret BYTEA,
    events TEXT COLLATE "C" NOT NULL,
    subject_format TEXT COLLATE "C" NOT NULL,
    subject_issuer TEXT,
    audience TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    credential BYTEA,
    status TEXT COLLATE "C" NOT NULL,
    reason TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    -- How far the sender has got.
    claimed_by BYTEA,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT,
    last_error TEXT,
    acknowledged_at BIGINT,
    PRIMARY KEY (organization, id)
);

-- One row for each receiver and event; the content is forgotten once the receiver has answered.
CREATE TABLE signal (
    organization BYTEA NOT NULL,
    receiver BYTEA NOT NULL,
    id BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    request BYTEA NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    first_attempt_at BIGINT,
    finished_at BIGINT,
    outcome TEXT,
    error TEXT,
    PRIMARY KEY (organization, receiver, id)
);
CREATE INDEX signal_waiting ON signal (organization, receiver, id) WHERE finished_at IS NULL;
CREATE INDEX signal_of_subject ON signal (organization, subject, id);
