DROP INDEX signal_refused;
DROP INDEX signal_passing;
DROP TABLE used_assertion;
ALTER TABLE connection DROP COLUMN asynchronous;
