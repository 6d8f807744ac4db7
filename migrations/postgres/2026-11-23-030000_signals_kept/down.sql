DROP INDEX signal_refused;
DROP INDEX signal_passing;
ALTER TABLE signal DROP COLUMN refused_at;
ALTER TABLE signal DROP COLUMN passing_at;
DROP TABLE used_assertion;
ALTER TABLE connection DROP COLUMN asynchronous;
