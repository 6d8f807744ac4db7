-- Every index of users is one more page to write for each of them. The primary key finds what two of these
-- found; ids are in the order of creation; a list by the last change or the given name is sorted when it is asked for.
-- Without an index of last changes PostgreSQL updates rows in place. Twin of the PostgreSQL migration of this name.
DROP INDEX scim_user_listed;
DROP INDEX scim_user_created;
DROP INDEX scim_user_modified;
DROP INDEX scim_user_given_name;
ALTER TABLE scim_user DROP COLUMN given_name_key;
