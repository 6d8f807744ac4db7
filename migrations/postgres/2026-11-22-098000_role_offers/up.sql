-- What `roles` of a connection's users come to. Twin of the SQLite migration of this name.
ALTER TABLE connection ADD COLUMN assigns_roles BOOLEAN NOT NULL DEFAULT FALSE;

-- Roles at scopes that a connection may assign.
CREATE TABLE role_offer (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX role_offer_of_connection ON role_offer (organization, connection, role, scope);
