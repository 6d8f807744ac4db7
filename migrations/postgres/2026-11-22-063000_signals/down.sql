DROP TABLE signal;
DROP TABLE receiver;
