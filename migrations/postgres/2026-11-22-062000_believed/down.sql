ALTER TABLE credential DROP COLUMN believed;
ALTER TABLE organization DROP COLUMN certification;
