-- What `roles` of a connection's users come to. Twin of the PostgreSQL migration of this name.
ALTER TABLE connection ADD COLUMN assigns_roles INTEGER NOT NULL DEFAULT 0;

-- Roles at scopes that a connection may assign, each once: two who offer at once are told apart by access_administration.
CREATE TABLE role_offer (
    organization BLOB NOT NULL,
    id BLOB NOT NULL,
    connection BLOB NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT;
CREATE INDEX role_offer_of_connection ON role_offer (organization, connection, role, scope);
