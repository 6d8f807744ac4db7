-- Requests whose outcome is told, tokens that prove something once, and what need not be kept of signals. Twin of the SQLite
-- migration of this name.

-- Whether the outcome of a request may be told in an event, where a client prefers that to an answer.
ALTER TABLE connection ADD COLUMN asynchronous BOOLEAN NOT NULL DEFAULT FALSE;

-- Signed tokens with which a client has proven who it is, by the digest of their `jti`, until they end of themselves (seconds).
CREATE TABLE used_assertion (
    organization BYTEA NOT NULL,
    credential BYTEA NOT NULL,
    name BYTEA NOT NULL,
    ends BIGINT NOT NULL,
    PRIMARY KEY (organization, credential, name)
);
CREATE INDEX used_assertion_ends ON used_assertion (organization, ends);

-- When a receiver answered what need not be kept: everything but that somebody is gone, which certificates tell of.
ALTER TABLE signal ADD COLUMN passing_at BIGINT;
-- When a receiver refused what it was told: seldom, and administrators are told.
ALTER TABLE signal ADD COLUMN refused_at BIGINT;
UPDATE signal SET passing_at = finished_at WHERE event NOT IN (
    'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
    'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
    'https://schemas.openid.net/secevent/risc/event-type/account-purged',
    'urn:ietf:params:scim:event:prov:delete',
    'urn:ietf:params:scim:event:prov:deactivate');
UPDATE signal SET refused_at = finished_at WHERE outcome = 'refused';
CREATE INDEX signal_passing ON signal (organization, passing_at) WHERE passing_at IS NOT NULL;
CREATE INDEX signal_refused ON signal (organization, refused_at) WHERE refused_at IS NOT NULL;
