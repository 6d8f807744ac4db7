-- Rules that forbid, and what they may speak of. Twin of the SQLite migration of this name. Each row holds for an
-- interval of revisions.

-- A guardrail is one Cedar policy, kept as it was written.
CREATE TABLE guardrail (
    organization BYTEA NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
);
CREATE INDEX guardrail_begun ON guardrail (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX guardrail_ended ON guardrail (organization, until_revision) WHERE until_revision < 9223372036854775807;

-- What guardrails may read beside what every organization has: of users, of requests, of a type of resources.
CREATE TABLE attribute (
    organization BYTEA NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    from_revision BIGINT NOT NULL,
    until_revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (organization, owner, name, from_revision)
);
CREATE INDEX attribute_begun ON attribute (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX attribute_ended ON attribute (organization, until_revision) WHERE until_revision < 9223372036854775807;

-- What guardrails could read of a user until a revision, a JSON object; what they read now is in the user's document.
CREATE TABLE user_facts (
    organization BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    until_revision BIGINT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (organization, user_id, until_revision)
);
