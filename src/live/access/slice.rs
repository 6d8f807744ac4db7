//! Of the graph what one subject's access at one scope depends on, now or at a moment in the past: read in a handful of
//! statements, however large the organization is.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::decide::Rules;
use crate::access::graph::{Change, Graph, Lifetimes, Resource, Subject};
use crate::access::guardrail::Guardrails;
use crate::db::access::{AssignmentRow, PermissionRow, ScopeRow, guardrails, past};
use crate::db::{DatabaseError, Tx, organizations};
use crate::ids;
use crate::model::{
    Catalogue, Leaf, Member, Moment, OrganizationId, ResourceId, Revision, Scope, ScopeKind, ScopePath, UserId, limits,
};

use super::super::Live;
use super::load::{facts_at, person_rows};

/// A part of the graph, as it was at a revision.
pub struct Slice {
    graph: Graph,
    guardrails: Guardrails,
    /// The revision it is true to.
    pub revision: Revision,
}

impl Slice {
    /// What decides about the subject at the scope.
    pub fn rules(&self) -> Rules<'_> {
        Rules { graph: &self.graph, guardrails: &self.guardrails, lifetimes: Lifetimes::default() }
    }
}

impl Live {
    /// Reads the slice of a subject and some scopes, as of `at` or now. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn slice(
        &self,
        organization: OrganizationId,
        subject: Subject,
        scopes: &[ScopePath],
        at: Option<Moment>,
    ) -> Result<Slice, DatabaseError> {
        self.0.database.snapshot(|tx| {
            let revision = self.revision_at(tx, organization, at)?;
            read(tx, organization, subject, (scopes, None), revision)
        })
    }

    /// The revision that held at a moment; of now, if nothing is said.
    pub(super) fn revision_at(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        at: Option<Moment>,
    ) -> Result<Revision, DatabaseError> {
        let revision = match at {
            Some(at) if at < self.0.clock.now() => past::revision_before(tx, organization, ids::first_event_after(at))?,
            _ => organizations::revision(tx, organization)?,
        };
        Ok(revision.unwrap_or_default())
    }

    /// Reads the slice of a subject and a resource, as of a revision. Of a resource that was not there then nothing is
    /// read. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn slice_at(
        &self,
        organization: OrganizationId,
        subject: Subject,
        resource: Resource<'_>,
        revision: Revision,
    ) -> Result<Slice, DatabaseError> {
        self.0.database.snapshot(|tx| {
            if ScopeKind::from_name(resource.resource_type).is_some() {
                // What cannot be a scope was none.
                let scope = resource.id.parse().unwrap_or_else(|_none| ScopePath::root());
                return read(tx, organization, subject, (&[scope], None), revision);
            }
            let leaf = past::leaf(tx, organization, resource.resource_type, resource.id, revision)?;
            let scope = leaf.as_ref().map_or_else(ScopePath::root, |leaf| leaf.scope.clone());
            read(tx, organization, subject, (&[scope], leaf), revision)
        })
    }
}

fn read(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subject: Subject,
    (scopes, leaf): (&[ScopePath], Option<Leaf>),
    at: Revision,
) -> Result<Slice, DatabaseError> {
    let mut graph = Graph::empty();
    let guardrails = around(tx, organization, scopes, at, |change| graph.apply(change))?;
    if let Some(leaf) = leaf {
        graph.apply(Change::Leaf(Box::new(leaf)));
    }
    match subject {
        Subject::User(user) => {
            person(tx, organization, user, at, &mut graph)?;
            if !guardrails.person_attributes().is_empty() {
                facts_at(tx, organization, user, at)?.into_iter().for_each(|facts| graph.apply(facts));
            }
        }
        Subject::Service(id) => {
            if let Some(row) = past::service(tx, organization, id, at)? {
                person(tx, organization, row.service.owner, at, &mut graph)?;
                graph.apply(Change::Service(Box::new(row.service)));
            }
        }
    }
    let mut principals: BTreeSet<ResourceId> = BTreeSet::from([subject.id()]);
    for (group, member) in groups_around(tx, organization, subject.id(), at)? {
        principals.insert(group);
        graph.apply(Change::Joined(group.into(), member));
    }
    let principals: Vec<ResourceId> = principals.into_iter().collect();
    for AssignmentRow { assignment, .. } in past::assignments(tx, organization, &principals, at)? {
        graph.apply(Change::Assigned(Box::new(assignment)));
    }
    Ok(Slice { graph, guardrails, revision: at })
}

/// What decides about everybody at some scopes: permissions, guardrails, roles, and the scopes around them.
pub(super) fn around(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    scopes: &[ScopePath],
    at: Revision,
    mut take: impl FnMut(Change),
) -> Result<Guardrails, DatabaseError> {
    let mut catalogue = Catalogue::default();
    for PermissionRow { name, entry } in past::permissions(tx, organization, at)? {
        catalogue
            .declare(name, entry)
            .map_err(|error| DatabaseError::Corrupt { table: "permission", problem: error.to_string() })?;
    }
    let guardrails = guardrails::complete_at(tx, organization, at, &catalogue)?;
    take(Change::Catalogue(Box::new(catalogue)));
    for role in past::roles(tx, organization, at)? {
        take(Change::Role(Box::new(role.version)));
    }
    let paths: BTreeSet<ScopePath> = scopes.iter().flat_map(ScopePath::ancestors).collect();
    for path in paths {
        if let Some(ScopeRow { path, production, description, .. }) = past::scope(tx, organization, &path, at)? {
            take(Change::Scope(Box::new(Scope { path, production, gates: BTreeMap::new(), description })));
        }
    }
    Ok(guardrails)
}

fn person(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    at: Revision,
    graph: &mut Graph,
) -> Result<(), DatabaseError> {
    if let Some(person) = past::person(tx, organization, user, at)? {
        for row in person_rows(person) {
            graph.apply(row);
        }
    }
    Ok(())
}

/// The memberships that lead up from a member, level by level.
fn groups_around(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    member: ResourceId,
    at: Revision,
) -> Result<Vec<(ResourceId, Member)>, DatabaseError> {
    let (mut rows, mut seen) = (Vec::new(), BTreeSet::from([member]));
    let mut edge = vec![member];
    for _ in 0..=limits::NESTING_DEPTH {
        if edge.is_empty() {
            break;
        }
        let found = past::groups(tx, organization, &edge, at)?;
        edge = found.iter().map(|row| ResourceId::from(row.group)).filter(|group| seen.insert(*group)).collect();
        rows.extend(found.into_iter().map(|row| (row.group.into(), row.member)));
    }
    Ok(rows)
}
