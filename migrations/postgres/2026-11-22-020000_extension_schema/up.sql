-- Schemas an organization has added to its users and groups. Twin of the SQLite migration of this name.
CREATE TABLE extension_schema (
    organization BYTEA NOT NULL,
    urn_key TEXT COLLATE "C" NOT NULL,
    resource_kind BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, urn_key)
);
