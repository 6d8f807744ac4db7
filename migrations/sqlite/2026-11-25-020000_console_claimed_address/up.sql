-- The address an account was invited at by a link that was shown, not mailed: nobody has proven yet whose it is. It becomes the
-- account's `email` with the first link that arrives there by mail. Twin of the PostgreSQL migration of this name.
ALTER TABLE account ADD COLUMN claimed_key TEXT;
CREATE INDEX account_claimed ON account (claimed_key) WHERE claimed_key IS NOT NULL;
UPDATE account SET claimed_key = email_key, email = NULL, email_key = NULL WHERE email_key IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM invitation i WHERE i.email_key = account.email_key AND i.outcome = 'joined'
    AND i.delivery <> 'shown');
DELETE FROM session WHERE account IN (SELECT id FROM account WHERE claimed_key IS NOT NULL);
