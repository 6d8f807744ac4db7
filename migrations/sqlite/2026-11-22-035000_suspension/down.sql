DROP INDEX scim_user_suspended;
ALTER TABLE scim_user DROP COLUMN suspended_at;
