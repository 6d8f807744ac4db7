DROP TABLE receiver_subject;
ALTER TABLE receiver DROP COLUMN claims_told;
ALTER TABLE receiver DROP COLUMN notice;
ALTER TABLE receiver DROP COLUMN chosen;
ALTER TABLE receiver DROP COLUMN subjects;
