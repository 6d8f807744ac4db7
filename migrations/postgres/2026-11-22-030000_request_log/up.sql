-- What connections asked and were answered. Twin of the SQLite migration of this name.
-- Errors and writes, masked. The id is that of the request, which sorts by time.
CREATE TABLE request_log (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    credential BYTEA NOT NULL,
    at BIGINT NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    resource_id BYTEA,
    query TEXT COLLATE "C",
    status BIGINT NOT NULL,
    writes BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    request TEXT COLLATE "C",
    answer TEXT COLLATE "C",
    effect TEXT COLLATE "C",
    PRIMARY KEY (organization, id)
);
CREATE INDEX request_log_connection ON request_log (organization, connection, id);
CREATE INDEX request_log_refused ON request_log (organization, connection, id) WHERE status >= 400;
CREATE INDEX request_log_writes ON request_log (organization, connection, id) WHERE writes = 1;

-- Reads that succeeded, a minute of the epoch.
CREATE TABLE request_count (
    organization BYTEA NOT NULL,
    minute BIGINT NOT NULL,
    connection BYTEA NOT NULL,
    reads BIGINT NOT NULL,
    PRIMARY KEY (organization, minute, connection)
);
CREATE INDEX request_count_connection ON request_count (organization, connection, minute);

-- When a connection was last heard of, and how many requests were refused since a write succeeded.
CREATE TABLE connection_activity (
    organization BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    failing_since BIGINT,
    last_refused_at BIGINT,
    PRIMARY KEY (organization, connection)
);
