DROP TABLE proof;
