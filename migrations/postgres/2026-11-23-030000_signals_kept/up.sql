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

-- What was answered and need not be kept: everything but that somebody is gone, which certificates tell of.
CREATE INDEX signal_passing ON signal (organization, finished_at) WHERE finished_at IS NOT NULL AND event NOT IN (
    'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
    'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
    'https://schemas.openid.net/secevent/risc/event-type/account-purged',
    'urn:ietf:params:scim:event:prov:delete',
    'urn:ietf:params:scim:event:prov:deactivate');
-- What receivers do not want: few, and administrators are told.
CREATE INDEX signal_refused ON signal (organization, finished_at) WHERE outcome = 'refused';
