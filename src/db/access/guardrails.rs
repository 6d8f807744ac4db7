//! Guardrails, and the attributes they may read beside those every organization has.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};

use crate::access::guardrail::{Attribute, AttributeOwner, FactKind, Guardrail, Guardrails, Vocabulary};
use crate::model::{Catalogue, GuardrailId, Moment, OrganizationId, ResourceType, Revision};

use super::super::sql::{Bind, Statement};
use super::super::{DatabaseError, Tx};
use super::interval::{self, NameRecord, corrupt};
use super::{catalogue, leaves};

/// A guardrail as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailRow {
    /// Its name.
    pub id: GuardrailId,
    /// The Cedar policy as it was written.
    pub text: String,
    /// Since when it is there, whenever it was changed.
    pub created_at: Moment,
}

pub(super) const BEGIN: Statement = Statement {
    name: "guardrail_begin",
    sqlite: "INSERT INTO guardrail (organization, id, from_revision, until_revision, text, created_at) \
             VALUES ($1, $3, $2, 9223372036854775807, $4, $5)",
    postgres: "INSERT INTO guardrail (organization, id, from_revision, until_revision, text, created_at) \
               SELECT v.organization, v.id, v.revision, 9223372036854775807, v.text, v.at \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::bigint[]) \
               AS v(organization, revision, id, text, at)",
};
pub(super) const END: Statement = Statement {
    name: "guardrail_end",
    sqlite: "UPDATE guardrail SET until_revision = $2 \
             WHERE organization = $1 AND id = $3 AND until_revision = 9223372036854775807",
    postgres: "UPDATE guardrail AS g SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS v(organization, revision, id) \
               WHERE g.organization = v.organization AND g.id = v.id AND g.until_revision = 9223372036854775807",
};
const BEGUN: Statement = Statement::both(
    "guardrail_begun",
    "SELECT id, text, created_at FROM guardrail \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ENDED: Statement = Statement::both(
    "guardrail_ended",
    "SELECT id AS name FROM guardrail \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);
pub(super) const BEGIN_ATTRIBUTE: Statement = Statement {
    name: "attribute_begin",
    sqlite: "INSERT INTO attribute (organization, owner, name, from_revision, until_revision, kind) \
             VALUES ($1, $3, $4, $2, 9223372036854775807, $5)",
    postgres: "INSERT INTO attribute (organization, owner, name, from_revision, until_revision, kind) \
               SELECT v.organization, v.owner, v.name, v.revision, 9223372036854775807, v.kind \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[]) \
               AS v(organization, revision, owner, name, kind)",
};
pub(super) const END_ATTRIBUTE: Statement = Statement {
    name: "attribute_end",
    sqlite: "UPDATE attribute SET until_revision = $2 \
             WHERE organization = $1 AND owner = $3 AND name = $4 AND until_revision = 9223372036854775807",
    postgres: "UPDATE attribute AS a SET until_revision = v.revision \
               FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) AS v(organization, revision, owner, name) \
               WHERE a.organization = v.organization AND a.owner = v.owner AND a.name = v.name \
               AND a.until_revision = 9223372036854775807",
};
const ATTRIBUTES_BEGUN: Statement = Statement::both(
    "attribute_begun",
    "SELECT owner, name, kind FROM attribute \
     WHERE organization = $1 AND from_revision > $2 AND until_revision = 9223372036854775807",
);
const ATTRIBUTES_ENDED: Statement = Statement::both(
    "attribute_ended",
    "SELECT name FROM attribute \
     WHERE organization = $1 AND until_revision > $2 AND until_revision < 9223372036854775807",
);

const AT: Statement = Statement::both(
    "guardrail_at",
    "SELECT id, text, created_at FROM guardrail \
     WHERE organization = $1 AND from_revision <= $2 AND until_revision > $2",
);
const ATTRIBUTES_AT: Statement = Statement::both(
    "attribute_at",
    "SELECT owner, name, kind FROM attribute WHERE organization = $1 AND from_revision <= $2 AND until_revision > $2",
);

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] = &[
    &BEGIN,
    &END,
    &BEGUN,
    &ENDED,
    &BEGIN_ATTRIBUTE,
    &END_ATTRIBUTE,
    &ATTRIBUTES_BEGUN,
    &ATTRIBUTES_ENDED,
    &AT,
    &ATTRIBUTES_AT,
];

impl GuardrailRow {
    pub(super) fn binds(&self) -> [Bind<'_>; 3] {
        [Bind::Text(self.id.as_str()), Bind::Text(&self.text), Bind::Int(self.created_at.as_micros())]
    }
}

/// The values of an attribute that is declared.
pub(super) fn attribute_binds(attribute: &Attribute) -> [Bind<'_>; 3] {
    [Bind::Text(attribute.owner.as_str()), Bind::Text(&attribute.name), Bind::Text(attribute.kind.as_str())]
}

#[derive(QueryableByName)]
struct GuardrailRecord {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct AttributeRecord {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

fn read(row: GuardrailRecord) -> Result<GuardrailRow, DatabaseError> {
    Ok(GuardrailRow {
        id: row.id.parse().map_err(corrupt("guardrail"))?,
        text: row.text,
        created_at: Moment::from_micros(row.created_at),
    })
}

fn read_attribute(row: AttributeRecord) -> Result<Attribute, DatabaseError> {
    let kind = FactKind::from_name(&row.kind);
    Ok(Attribute {
        owner: row.owner.parse().map_err(corrupt("attribute"))?,
        name: row.name,
        kind: kind.ok_or_else(|| corrupt("attribute")(format!("unknown kind `{}`", row.kind)))?,
    })
}

/// The guardrails of an organization, by name.
///
/// # Errors
/// [`DatabaseError`].
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<GuardrailRow>, DatabaseError> {
    let mut rows = interval::since(tx, &BEGUN, organization, interval::EVER, read)?;
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

/// The attributes an organization has declared, by owner and name.
///
/// # Errors
/// [`DatabaseError`].
pub fn attributes(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Attribute>, DatabaseError> {
    let mut all = interval::since(tx, &ATTRIBUTES_BEGUN, organization, interval::EVER, read_attribute)?;
    all.sort_by(|a, b| (a.owner.as_str(), &a.name).cmp(&(b.owner.as_str(), &b.name)));
    Ok(all)
}

/// What guardrails may speak of in an organization.
///
/// # Errors
/// [`DatabaseError`].
pub fn vocabulary(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vocabulary, DatabaseError> {
    let (known, attributes) = (catalogue::complete(tx, organization)?, attributes(tx, organization)?);
    speaking_of(tx, organization, &known, &attributes)
}

fn speaking_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    known: &Catalogue,
    attributes: &[Attribute],
) -> Result<Vocabulary, DatabaseError> {
    let mut vocabulary = Vocabulary::new(known);
    for attribute in attributes {
        vocabulary.declare(attribute).map_err(corrupt("attribute"))?;
    }
    let mut last: Option<ResourceType> = None;
    for leaf in leaves::list(tx, organization)? {
        if last.as_ref() != Some(&leaf.resource_type) {
            vocabulary.declare_type(leaf.resource_type.clone());
            last = Some(leaf.resource_type);
        }
    }
    Ok(vocabulary)
}

/// The guardrails of an organization, ready to be asked.
///
/// # Errors
/// [`DatabaseError`]; one that cannot be read lets nothing be judged.
pub fn complete(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Guardrails, DatabaseError> {
    let rows = list(tx, organization)?;
    ready(rows, vocabulary(tx, organization)?)
}

/// The guardrails as they were at a revision, and what they could speak of then; `known` is the catalogue of then.
///
/// # Errors
/// As [`complete`].
pub fn complete_at(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    at: Revision,
    known: &Catalogue,
) -> Result<Guardrails, DatabaseError> {
    let rows = interval::since(tx, &AT, organization, at, read)?;
    if rows.is_empty() {
        return Ok(Guardrails::none());
    }
    let attributes = interval::since(tx, &ATTRIBUTES_AT, organization, at, read_attribute)?;
    ready(rows, speaking_of(tx, organization, known, &attributes)?)
}

fn ready(rows: Vec<GuardrailRow>, vocabulary: Vocabulary) -> Result<Guardrails, DatabaseError> {
    let read = |row: GuardrailRow| Guardrail::read(&row.text).map_err(corrupt("guardrail"));
    let all: Result<Vec<Guardrail>, DatabaseError> = rows.into_iter().map(read).collect();
    Ok(Guardrails::new(all?, vocabulary))
}

/// Whether guardrails, or the attributes they may read, have begun or ended after `since`.
///
/// # Errors
/// [`DatabaseError`].
pub fn changed(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<bool, DatabaseError> {
    let name = |row: NameRecord| Ok(row.name);
    Ok(!interval::since(tx, &BEGUN, organization, since, read)?.is_empty()
        || !interval::since(tx, &ENDED, organization, since, name)?.is_empty()
        || !interval::since(tx, &ATTRIBUTES_BEGUN, organization, since, read_attribute)?.is_empty()
        || !interval::since(tx, &ATTRIBUTES_ENDED, organization, since, name)?.is_empty())
}

/// Whose an attribute is, as values of a statement.
pub(super) fn attribute_name_binds<'a>(owner: &'a AttributeOwner, name: &'a str) -> [Bind<'a>; 2] {
    [Bind::Text(owner.as_str()), Bind::Text(name)]
}
