-- The mass-change brake of a connection, and what it holds. Twin of the SQLite migration of this name.
CREATE TABLE brake (
    organization BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    share BIGINT NOT NULL,
    least BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    PRIMARY KEY (organization, connection)
);

-- Whoever left over the connection from `from_event` on, until it is closed. `outcome`: 1 released, 2 restored.
CREATE TABLE quarantine (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    from_event BYTEA NOT NULL,
    opened_at BIGINT NOT NULL,
    people BIGINT NOT NULL,
    population BIGINT NOT NULL,
    closed_at BIGINT,
    outcome BIGINT,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX quarantine_open ON quarantine (organization, connection) WHERE closed_at IS NULL;
CREATE INDEX quarantine_of_connection ON quarantine (organization, connection, id);
