DROP TABLE decision_segment;
