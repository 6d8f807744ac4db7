-- How callers prove who they are who bear no secret of ours. Twin of the SQLite migration of this name.
CREATE TABLE proof (
    organization BYTEA NOT NULL,
    credential BYTEA NOT NULL,
    -- Whose tokens admit; none: the caller signs itself.
    issuer TEXT COLLATE "C",
    audience TEXT COLLATE "C",
    -- What the tokens must say besides: a JSON object of strings.
    claims TEXT COLLATE "C" NOT NULL,
    -- The public keys, or where they are published.
    keys TEXT COLLATE "C",
    keys_url TEXT COLLATE "C",
    PRIMARY KEY (organization, credential)
);
-- A token names its issuer and no organization: what it says must lead to one credential of the whole deployment.
CREATE UNIQUE INDEX proof_of_issuer ON proof (issuer, audience, claims) WHERE issuer IS NOT NULL;
