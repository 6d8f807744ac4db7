-- What connections asked and were answered. Twin of the PostgreSQL migration of this name.
-- Errors and writes, masked. The id is that of the request, which sorts by time.
CREATE TABLE request_log (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    credential BLOB NOT NULL,
    at INTEGER NOT NULL,
    method TEXT NOT NULL,
    route TEXT NOT NULL,
    resource_id BLOB,
    query TEXT,
    status INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    request TEXT,
    answer TEXT,
    effect TEXT,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE INDEX request_log_connection ON request_log (organization, connection, id);
CREATE INDEX request_log_refused ON request_log (organization, connection, id) WHERE status >= 400;
CREATE INDEX request_log_writes ON request_log (organization, connection, id) WHERE writes = 1;

-- Reads that succeeded, a minute of the epoch.
CREATE TABLE request_count (
    organization BLOB NOT NULL,
    minute INTEGER NOT NULL,
    connection BLOB NOT NULL,
    reads INTEGER NOT NULL,
    PRIMARY KEY (organization, minute, connection)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_count_connection ON request_count (organization, connection, minute);

-- When a connection was last heard of, and how many requests were refused since a write succeeded.
CREATE TABLE connection_activity (
    organization BLOB NOT NULL,
    connection BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    failing_since INTEGER,
    last_refused_at INTEGER,
    PRIMARY KEY (organization, connection)
) STRICT, WITHOUT ROWID;
