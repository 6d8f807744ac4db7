DROP TABLE mirror;
