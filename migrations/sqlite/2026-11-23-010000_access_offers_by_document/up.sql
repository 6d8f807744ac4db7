-- Whether a declarative document made an offer: what a document makes and names no more ends.
ALTER TABLE role_offer ADD COLUMN by_document INTEGER NOT NULL DEFAULT 0;
