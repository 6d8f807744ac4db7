-- Since when nobody of an organization is admitted. Twin of the SQLite migration of this name.
ALTER TABLE organization ADD COLUMN suspended_at BIGINT;
