-- What receivers ask for of their streams. Twin of the SQLite migration of this name.
-- Whether a stream is about everybody ('ALL') or about nobody ('NONE'), those aside who are chosen below.
ALTER TABLE receiver ADD COLUMN subjects TEXT COLLATE "C" NOT NULL DEFAULT 'ALL';
ALTER TABLE receiver ADD COLUMN chosen BOOLEAN NOT NULL DEFAULT false;
-- The signal that is sent although the stream is not enabled: that it was paused or disabled.
ALTER TABLE receiver ADD COLUMN notice BYTEA;
-- The revision up to which it was told whose groups and roles have changed, where it wants to know.
ALTER TABLE receiver ADD COLUMN claims_told BIGINT;

CREATE TABLE receiver_subject (
    organization BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    receiver BYTEA NOT NULL,
    included BOOLEAN NOT NULL,
    PRIMARY KEY (organization, subject, receiver)
);
