//! What guardrails could read of users, kept when it changes.

use serde_json::{Map, Value};

use crate::access::graph::Facts;
use crate::model::{Fact, OrganizationId, Revision, UserId};

use super::super::sql::{Bind, Statement};

/// What guardrails could read of a user until the revision that is being written.
#[derive(Debug, Clone)]
pub struct FormerFacts {
    user: UserId,
    facts: String,
}

pub(in crate::db) const FORMER: Statement = Statement {
    name: "user_facts",
    sqlite: "INSERT INTO user_facts (organization, user_id, until_revision, facts) VALUES ($1, $2, $3, $4)",
    postgres: "INSERT INTO user_facts (organization, user_id, until_revision, facts) \
               SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[])",
};

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&FORMER];

impl FormerFacts {
    /// What was read of a user before it changed.
    pub fn new(user: UserId, facts: &Facts) -> Self {
        Self { user, facts: text(facts) }
    }

    pub(in crate::db) fn binds<'a>(&'a self, organization: &'a OrganizationId, revision: Revision) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.user.as_bytes()),
            Bind::Int(revision.as_i64()),
            Bind::Text(&self.facts),
        ]
    }
}

/// Facts as a JSON object.
pub(super) fn text(facts: &Facts) -> String {
    let facts: Map<String, Value> = facts.iter().map(|(name, fact)| (name.clone(), json(fact))).collect();
    Value::Object(facts).to_string()
}

fn json(fact: &Fact) -> Value {
    match fact {
        Fact::Flag(flag) => Value::from(*flag),
        Fact::Number(number) => Value::from(*number),
        Fact::Text(text) => Value::from(text.as_str()),
        Fact::Texts(texts) => texts.iter().map(String::as_str).collect(),
    }
}
