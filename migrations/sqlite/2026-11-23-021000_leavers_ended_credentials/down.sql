DROP INDEX invitation_inviter;
DROP INDEX sign_in_link_account;
DROP TABLE ended_credential;
