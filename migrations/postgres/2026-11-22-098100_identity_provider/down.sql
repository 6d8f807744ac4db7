DROP INDEX session_organization;
DROP INDEX session_attempt;
ALTER TABLE session DROP COLUMN attempt;
ALTER TABLE session DROP COLUMN organization;
DROP TABLE identity_provider;
