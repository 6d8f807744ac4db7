DROP INDEX account_claimed;
ALTER TABLE account DROP COLUMN claimed_key;
