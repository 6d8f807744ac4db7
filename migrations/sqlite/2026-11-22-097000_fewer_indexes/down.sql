ALTER TABLE scim_user ADD COLUMN given_name_key TEXT NOT NULL DEFAULT '';
CREATE INDEX scim_user_given_name ON scim_user (organization, given_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_modified ON scim_user (organization, modified_at, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_created ON scim_user (organization, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_listed ON scim_user (organization, id) WHERE deleted_at IS NULL;
