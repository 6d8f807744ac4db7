-- Files that are being made of what is here, for whoever asked, part by part; deleted a day later. Twin of the PostgreSQL
-- migration of this name.
CREATE TABLE export (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    account BLOB NOT NULL,
    kind TEXT NOT NULL,
    asked TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    outcome TEXT,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX export_of_account ON export (organization, account, id);
-- What is to be worked on, and what is to be thrown away, of all organizations.
CREATE INDEX export_waiting ON export (changed_at) WHERE outcome IS NULL;
CREATE INDEX export_made ON export (changed_at) WHERE outcome IS NOT NULL;

CREATE TABLE export_part (
    organization BLOB NOT NULL,
    export BLOB NOT NULL,
    place INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (organization, export, place)
) STRICT;
