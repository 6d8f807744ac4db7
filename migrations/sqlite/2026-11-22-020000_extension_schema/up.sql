-- Schemas an organization has added to its users and groups. Twin of the PostgreSQL migration of this name.
CREATE TABLE extension_schema (
    organization BLOB NOT NULL,
    urn_key TEXT NOT NULL,
    resource_kind INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, urn_key)
) STRICT;
