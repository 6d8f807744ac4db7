-- Whether a declarative document made an offer. Twin of the SQLite migration of this name.
ALTER TABLE role_offer ADD COLUMN by_document BOOLEAN NOT NULL DEFAULT FALSE;
