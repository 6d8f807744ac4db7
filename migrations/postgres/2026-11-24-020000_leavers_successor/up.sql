-- Who answers for a service once its owner leaves. Twin of the SQLite migration of this name.
ALTER TABLE service ADD COLUMN successor BYTEA;
