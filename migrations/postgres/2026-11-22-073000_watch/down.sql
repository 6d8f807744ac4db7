DROP TABLE watch;
DROP TABLE finding;
