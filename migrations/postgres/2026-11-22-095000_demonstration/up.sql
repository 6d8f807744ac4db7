-- Organizations that `muster demo` made up. Twin of the SQLite migration of this name.
CREATE TABLE demonstration (
    organization BYTEA NOT NULL PRIMARY KEY,
    seed BIGINT NOT NULL,
    since BIGINT NOT NULL
);
