-- Keys with which the deployment signs tokens. Rows are added and never changed: from when a key signs, and until when
-- older ones are published, follows from its successor. Twin of the SQLite migration of this name.
CREATE TABLE signing_key (
    algorithm TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    wrapped BOOLEAN NOT NULL,
    material BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    replaces_at_once BOOLEAN NOT NULL,
    PRIMARY KEY (algorithm, generation)
);
