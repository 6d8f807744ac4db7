-- What `roles` of a connection's users come to. Twin of the SQLite migration of this name.
ALTER TABLE connection ADD COLUMN assigns_roles BOOLEAN NOT NULL DEFAULT FALSE;

-- Roles at scopes that a connection may assign, each once: two who offer at once are told apart by access_administration.
CREATE TABLE role_offer (
    organization BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE INDEX role_offer_of_connection ON role_offer (organization, connection, role, scope);
