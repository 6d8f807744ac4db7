DROP TABLE leaver;
