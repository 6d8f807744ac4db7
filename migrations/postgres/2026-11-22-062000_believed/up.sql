ALTER TABLE organization ADD COLUMN certification boolean NOT NULL DEFAULT false;
-- Names separated by commas; none: the usual ones.
ALTER TABLE credential ADD COLUMN believed text;
