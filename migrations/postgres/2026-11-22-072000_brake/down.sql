DROP TABLE quarantine;
DROP TABLE brake;
