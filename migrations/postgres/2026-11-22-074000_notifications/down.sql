DROP TABLE notification;
DROP TABLE notice;
DROP TABLE subscription;
