//! A graph from all rows of an organization, read in one snapshot.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::access::graph::{Change, Facts, Graph, Identifier, Standing, Subject};
use crate::access::guardrail::{KNOWN_AS, person_facts};
use crate::db::access::people::Person;
use crate::db::access::{self, assignments, catalogue, guardrails, leaves, people, scopes, services};
use crate::db::users::{self, Status};
use crate::db::{DatabaseError, Tx, organizations};
use crate::model::{Member, MemberKind, OrganizationId, ResourceId, Revision, UserId};

use super::Current;

/// Users whose documents are read at a time.
const DOCUMENTS_A_PAGE: i64 = 1_000;

/// Which attributes of people are read.
pub(super) enum Reading {
    /// Those that some guardrail reads.
    These(BTreeSet<String>),
    /// All a guardrail could read, but for what tells authors: what could be is asked without commits.
    General,
    /// All of it.
    All,
}

impl Reading {
    fn is_nothing(&self) -> bool {
        matches!(self, Self::These(names) if names.is_empty())
    }

    fn keep(&self, mut facts: Facts) -> Facts {
        match self {
            Self::These(names) => facts.retain(|name, _| names.contains(name)),
            Self::General => drop(facts.remove(KNOWN_AS)),
            Self::All => {}
        }
        facts
    }
}

/// What is kept in memory.
pub(super) fn everything(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Current, DatabaseError> {
    load(tx, organization, None)
}

/// The same with everything guardrails could read of people.
pub(super) fn with_all_facts(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Current, DatabaseError> {
    load(tx, organization, Some(Reading::General))
}

fn load(tx: &mut Tx<'_>, organization: OrganizationId, reading: Option<Reading>) -> Result<Current, DatabaseError> {
    let revision = organizations::revision(tx, organization)?.unwrap_or_default();
    let guardrails = guardrails::complete(tx, organization)?;
    let read = || guardrails.person_attributes().into_iter().map(str::to_owned).collect();
    let reading = reading.unwrap_or_else(|| Reading::These(read()));
    let mut graph = Graph::load();
    graph.row(Change::Catalogue(Box::new(catalogue::complete(tx, organization)?)));
    for role in catalogue::roles(tx, organization)? {
        graph.row(Change::Role(Box::new(role.version)));
    }
    for scope in scopes::complete(tx, organization)?.into_values() {
        graph.row(Change::Scope(Box::new(scope)));
    }
    for leaf in leaves::list(tx, organization)? {
        graph.row(Change::Leaf(Box::new(leaf)));
    }
    people::each(tx, organization, |person| person_rows(person).into_iter().for_each(|row| graph.row(row)))?;
    facts(tx, organization, &reading, |change| graph.row(change))?;
    people::each_group(tx, organization, |group, users| {
        for user in users {
            graph.membership(group, Member { id: ResourceId::from(user), kind: MemberKind::User });
        }
    })?;
    for nested in people::nested(tx, organization)? {
        graph.membership(nested.group, nested.member);
    }
    for row in services::list(tx, organization)? {
        graph.row(Change::Service(Box::new(row.service)));
    }
    for row in assignments::list(tx, organization)? {
        graph.row(Change::Assigned(Box::new(row.assignment)));
    }
    let looks_up_more = access::state(tx, organization)?.looks_up_more();
    Ok(Current { graph: graph.finish(), guardrails, looks_up_more, revision })
}

/// What guardrails read of everybody, page by page.
fn facts(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    reading: &Reading,
    mut take: impl FnMut(Change),
) -> Result<(), DatabaseError> {
    let mut after = UserId::from(ResourceId::FIRST);
    while !reading.is_nothing() {
        let page = users::page_after(tx, organization, after, DOCUMENTS_A_PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for user in page {
            take(facts_row(user.id, &user.document, reading)?);
        }
    }
    Ok(())
}

/// What guardrails read of these users now.
pub(super) fn facts_of(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ids: &[UserId],
    reading: &Reading,
) -> Result<Vec<Change>, DatabaseError> {
    if reading.is_nothing() || ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ResourceId> = ids.iter().copied().map(ResourceId::from).collect();
    let found = users::by_ids(tx, organization, &ids)?;
    found.iter().map(|user| facts_row(user.id, &user.document, reading)).collect()
}

fn facts_row(user: UserId, document: &str, reading: &Reading) -> Result<Change, DatabaseError> {
    let document: Map<String, Value> = serde_json::from_str(document)
        .map_err(|error| DatabaseError::Corrupt { table: "scim_user", problem: error.to_string() })?;
    let facts = Box::new(reading.keep(person_facts(&document)));
    Ok(Change::Facts { subject: Subject::User(user), facts })
}

/// What guardrails read of a user at a revision, a deleted one too.
pub(super) fn facts_at(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    at: Revision,
) -> Result<Option<Change>, DatabaseError> {
    let subject = Subject::User(user);
    if let Some(facts) = access::facts::former(tx, organization, user, at)? {
        return Ok(Some(Change::Facts { subject, facts: Box::new(facts) }));
    }
    let document = access::past::document(tx, organization, user)?;
    document.map(|document| facts_row(user, &document, &Reading::All)).transpose()
}

/// Whether somebody of a status takes part.
pub(super) const fn standing(status: Status) -> Standing {
    match status {
        Status::Active => Standing::Active,
        Status::Inactive => Standing::Inactive,
        Status::Suspended => Standing::Suspended,
        Status::Deleted => Standing::Deleted,
    }
}

/// What is known of a user, as rows of the graph. Whoever is deleted bears no name any more.
pub(super) fn person_rows(person: Person) -> [Change; 2] {
    let subject = Subject::User(person.id);
    let standing = standing(person.status);
    let named = standing != Standing::Deleted;
    let identifiers = if named { vec![Identifier::name(&person.user_name_key)] } else { Vec::new() };
    [Change::User { subject, standing }, Change::Identifiers { subject, identifiers }]
}
