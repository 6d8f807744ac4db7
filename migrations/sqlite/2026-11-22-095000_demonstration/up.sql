-- Organizations that `muster demo` made up. Twin of the PostgreSQL migration of this name.
CREATE TABLE demonstration (
    organization BLOB NOT NULL PRIMARY KEY,
    seed INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
