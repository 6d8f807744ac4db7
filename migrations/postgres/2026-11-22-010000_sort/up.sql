-- Keys to sort lists by: folded, the first 128 characters, U+10FFFF where there is no value, so that it comes last. Twin of
-- the SQLite migration of this name. What is there already is folded as far as SQL can, which is ASCII; such a key is
-- made whole when its resource is next written. The indexes that are dropped are parts of new ones.
ALTER TABLE scim_user ADD COLUMN display_name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE scim_user ADD COLUMN family_name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE scim_user ADD COLUMN given_name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE scim_user ADD COLUMN external_id_key TEXT COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (coalesce(external_id, chr(1114111))) STORED;
UPDATE scim_user SET
    display_name_key = coalesce(nullif(substr(lower(trim(document::json ->> 'displayName')), 1, 128), ''), chr(1114111)),
    family_name_key = coalesce(nullif(substr(lower(trim(document::json -> 'name' ->> 'familyName')), 1, 128), ''), chr(1114111)),
    given_name_key = coalesce(nullif(substr(lower(trim(document::json -> 'name' ->> 'givenName')), 1, 128), ''), chr(1114111));
CREATE INDEX scim_user_display_name ON scim_user (organization, display_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_family_name ON scim_user (organization, family_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_given_name ON scim_user (organization, given_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_external_sorted ON scim_user (organization, external_id_key, id) WHERE deleted_at IS NULL;
DROP INDEX scim_user_external;
CREATE INDEX scim_user_created ON scim_user (organization, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_user_modified ON scim_user (organization, modified_at, id) WHERE deleted_at IS NULL;

-- Nothing by the last change of groups: every change of a member would have to move it.
ALTER TABLE scim_group ADD COLUMN external_id_key TEXT COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (coalesce(external_id, chr(1114111))) STORED;
CREATE INDEX scim_group_name_sorted ON scim_group (organization, connection, display_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_external_sorted ON scim_group (organization, connection, external_id_key, id) WHERE deleted_at IS NULL;
DROP INDEX scim_group_name;
DROP INDEX scim_group_external;
CREATE INDEX scim_group_created ON scim_group (organization, connection, created_at, id) WHERE deleted_at IS NULL;
