-- What receivers ask for of their streams. Twin of the PostgreSQL migration of this name.
-- Whether a stream is about everybody ('ALL') or about nobody ('NONE'), those aside who are chosen below.
ALTER TABLE receiver ADD COLUMN subjects TEXT NOT NULL DEFAULT 'ALL';
ALTER TABLE receiver ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;
-- The signal that is sent although the stream is not enabled: that it was paused or disabled.
ALTER TABLE receiver ADD COLUMN notice BLOB;
-- The revision up to which it was told whose groups and roles have changed, where it wants to know.
ALTER TABLE receiver ADD COLUMN claims_told INTEGER;

CREATE TABLE receiver_subject (
    organization BLOB NOT NULL,
    subject BLOB NOT NULL,
    receiver BLOB NOT NULL,
    included INTEGER NOT NULL,
    PRIMARY KEY (organization, subject, receiver)
) STRICT;
