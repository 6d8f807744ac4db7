-- Since when an administrator bars a person, whatever connections say. Twin of the PostgreSQL migration of this name.
ALTER TABLE scim_user ADD COLUMN suspended_at INTEGER;
CREATE INDEX scim_user_suspended ON scim_user (organization, user_name_key) WHERE suspended_at IS NOT NULL;
