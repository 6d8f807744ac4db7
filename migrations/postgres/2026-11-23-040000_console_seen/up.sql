-- When people were last seen: signed in to the console, or asked for at a gate; one row a person, written once an hour at
-- most. Twin of the SQLite migration of this name.
CREATE TABLE user_seen (
    organization BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (organization, user_id)
);
CREATE INDEX user_seen_lately ON user_seen (organization, seen_at, user_id);
