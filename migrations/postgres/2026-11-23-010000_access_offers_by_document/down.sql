ALTER TABLE role_offer DROP COLUMN by_document;
