-- Keys with which the deployment signs tokens. Rows are added and never changed: from when a key signs, and until when
-- older ones are published, follows from its successor. Twin of the PostgreSQL migration of this name.
CREATE TABLE signing_key (
    algorithm TEXT NOT NULL,
    generation INTEGER NOT NULL,
    wrapped INTEGER NOT NULL,
    material BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    replaces_at_once INTEGER NOT NULL,
    PRIMARY KEY (algorithm, generation)
) STRICT, WITHOUT ROWID;
