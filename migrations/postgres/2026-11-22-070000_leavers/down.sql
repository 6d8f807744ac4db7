DROP INDEX scim_user_name_deleted;
