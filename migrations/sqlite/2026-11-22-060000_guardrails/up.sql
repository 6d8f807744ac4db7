-- Rules that forbid, and what they may speak of. Twin of the PostgreSQL migration of this name. Each row holds for an
-- interval of revisions.

-- A guardrail is one Cedar policy, kept as it was written.
CREATE TABLE guardrail (
    organization BLOB NOT NULL,
    id TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id, from_revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX guardrail_begun ON guardrail (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX guardrail_ended ON guardrail (organization, until_revision) WHERE until_revision < 9223372036854775807;

-- What guardrails may read beside what every organization has: of users, of requests, of a type of resources.
CREATE TABLE attribute (
    organization BLOB NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (organization, owner, name, from_revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX attribute_begun ON attribute (organization, from_revision) WHERE until_revision = 9223372036854775807;
CREATE INDEX attribute_ended ON attribute (organization, until_revision) WHERE until_revision < 9223372036854775807;

-- What guardrails could read of a user until a revision, a JSON object; what they read now is in the user's document.
CREATE TABLE user_facts (
    organization BLOB NOT NULL,
    user_id BLOB NOT NULL,
    until_revision INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (organization, user_id, until_revision)
) STRICT, WITHOUT ROWID;
