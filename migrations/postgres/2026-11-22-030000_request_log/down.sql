DROP TABLE connection_activity;
DROP TABLE request_count;
DROP TABLE request_log;
