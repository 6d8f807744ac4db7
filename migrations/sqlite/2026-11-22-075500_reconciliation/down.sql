DROP TABLE reconciliation;
DROP TABLE account_owner;
DROP TABLE downstream_system;
