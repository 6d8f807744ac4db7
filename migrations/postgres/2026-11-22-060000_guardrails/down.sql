DROP TABLE user_facts;
DROP TABLE attribute;
DROP TABLE guardrail;
