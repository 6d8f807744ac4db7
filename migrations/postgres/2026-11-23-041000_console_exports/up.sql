-- Files that are being made of what is here, for whoever asked, part by part; deleted a day later. Twin of the SQLite
-- migration of this name.
CREATE TABLE export (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    account BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    asked TEXT COLLATE "C" NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    outcome TEXT COLLATE "C",
    PRIMARY KEY (organization, id)
);
CREATE INDEX export_of_account ON export (organization, account, id);
-- What is to be worked on, and what is to be thrown away, of all organizations.
CREATE INDEX export_waiting ON export (changed_at) WHERE outcome IS NULL;
CREATE INDEX export_made ON export (changed_at) WHERE outcome IS NOT NULL;

CREATE TABLE export_part (
    organization BYTEA NOT NULL,
    export BYTEA NOT NULL,
    place BIGINT NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization, export, place)
);
