-- Who bore a userName and was deleted. Twin of the PostgreSQL migration of this name.
CREATE INDEX scim_user_name_deleted ON scim_user (organization, user_name_key) WHERE deleted_at IS NOT NULL;
