-- When people were last seen: signed in to the console, or asked for at a gate; one row a person, written once an hour at
-- most. Twin of the PostgreSQL migration of this name.
CREATE TABLE user_seen (
    organization BLOB NOT NULL,
    user_id BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (organization, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_seen_lately ON user_seen (organization, seen_at, user_id);
