ALTER TABLE organization ADD COLUMN certification INTEGER NOT NULL DEFAULT 0;
-- Names separated by commas; none: the usual ones.
ALTER TABLE credential ADD COLUMN believed TEXT;
