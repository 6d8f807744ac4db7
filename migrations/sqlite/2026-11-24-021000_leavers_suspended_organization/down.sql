ALTER TABLE organization DROP COLUMN suspended_at;
