DROP TABLE invitation;
DROP TABLE account_link;
DROP TABLE sign_in_link;
DROP TABLE session;
DROP TABLE account;
