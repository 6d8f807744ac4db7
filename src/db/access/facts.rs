//! What guardrails could read of users, kept when it changes.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use serde_json::{Map, Value};

use crate::access::graph::Facts;
use crate::access::guardrail::facts_from_json;
use crate::model::{Fact, OrganizationId, Revision, UserId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::corrupt;

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

const AT: Statement = Statement::both(
    "user_facts_at",
    "SELECT facts FROM user_facts WHERE organization = $1 AND user_id = $2 AND until_revision > $3 \
     ORDER BY until_revision LIMIT 1",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&FORMER, &AT];

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

#[derive(QueryableByName)]
struct FactsRecord {
    #[diesel(sql_type = Text)]
    facts: String,
}

/// What guardrails could read of a user at a revision, if that has changed since; `None`: it is as its document says now.
///
/// # Errors
/// [`DatabaseError`].
pub fn former(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    at: Revision,
) -> Result<Option<Facts>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes()), Bind::Int(at.as_i64())];
    let Some(row) = Sql(&AT, binds).row::<FactsRecord>(tx)? else { return Ok(None) };
    let facts: Map<String, Value> = serde_json::from_str(&row.facts).map_err(corrupt("user_facts"))?;
    Ok(Some(facts_from_json(&facts)))
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
