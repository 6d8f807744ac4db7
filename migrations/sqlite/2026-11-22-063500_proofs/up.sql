-- How callers prove who they are who bear no secret of ours. Twin of the PostgreSQL migration of this name.
CREATE TABLE proof (
    organization BLOB NOT NULL,
    credential BLOB NOT NULL,
    -- Whose tokens admit; none: the caller signs itself.
    issuer TEXT,
    audience TEXT,
    -- What the tokens must say besides: a JSON object of strings.
    claims TEXT NOT NULL,
    -- The public keys, or where they are published.
    keys TEXT,
    keys_url TEXT,
    PRIMARY KEY (organization, credential)
);
-- A token names its issuer and no organization: what it says must lead to one credential of the whole deployment.
CREATE UNIQUE INDEX proof_of_issuer ON proof (issuer, audience, claims) WHERE issuer IS NOT NULL;
