ALTER TABLE service DROP COLUMN successor;
