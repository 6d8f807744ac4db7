-- The mass-change brake of a connection, and what it holds. Twin of the PostgreSQL migration of this name.
CREATE TABLE brake (
    organization BLOB NOT NULL,
    connection BLOB NOT NULL,
    share INTEGER NOT NULL,
    least INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    PRIMARY KEY (organization, connection)
) STRICT;

-- Whoever left over the connection from `from_event` on, until it is closed. `outcome`: 1 released, 2 restored.
CREATE TABLE quarantine (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    from_event BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    people INTEGER NOT NULL,
    population INTEGER NOT NULL,
    closed_at INTEGER,
    outcome INTEGER,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE UNIQUE INDEX quarantine_open ON quarantine (organization, connection) WHERE closed_at IS NULL;
CREATE INDEX quarantine_of_connection ON quarantine (organization, connection, id);
