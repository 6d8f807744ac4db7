DROP TABLE held_purge;
ALTER TABLE quarantine DROP COLUMN group_count;
DROP TABLE deleted_group;
