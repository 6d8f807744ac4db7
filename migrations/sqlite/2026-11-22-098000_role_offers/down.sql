DROP TABLE role_offer;
ALTER TABLE connection DROP COLUMN assigns_roles;
