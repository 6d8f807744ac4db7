//! Of the graph what everybody's access at some gates depended on at a moment: the work grows with those to whom anything
//! was assigned around them, not with the organization.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::decide::{Rules, Who};
use crate::access::graph::{Change, Graph, Lifetimes, Resource, Subject};
use crate::access::guardrail::Guardrails;
use crate::db::access::past;
use crate::db::{DatabaseError, Tx};
use crate::model::{
    GroupId, Member, MemberKind, Moment, OrganizationId, Permission, Principal, ResourceId, Revision, ScopePath, UserId,
};

use super::super::Live;
use super::load::{facts_at, standing};
use super::slice::around;

/// People read in one statement.
const PEOPLE: usize = 1_000;

/// A permission and where.
pub type AGate = (Permission, ScopePath);

/// Everybody who could pass some gates, at a moment.
#[derive(Debug)]
pub struct Everybody {
    /// What it was judged by.
    pub revision: Revision,
    /// For each gate those who could pass it, by id.
    pub passing: Vec<BTreeSet<UserId>>,
}

impl Live {
    /// Who could pass each of these gates at a moment. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn everybody_at(
        &self,
        organization: OrganizationId,
        gates: &[AGate],
        at: Moment,
    ) -> Result<Everybody, DatabaseError> {
        self.0.database.snapshot(|tx| {
            let revision = self.revision_at(tx, organization, Some(at))?;
            let scopes: Vec<ScopePath> = gates.iter().map(|(_, scope)| scope.clone()).collect();
            let (graph, guardrails) = read(tx, organization, &scopes, revision)?;
            let rules = Rules { graph: &graph, guardrails: &guardrails, lifetimes: Lifetimes::default() };
            let passing = gates.iter().map(|gate| passing(&rules, gate, at)).collect();
            Ok(Everybody { revision, passing })
        })
    }
}

/// Everybody who can pass a gate, by what decides.
pub fn passing(rules: &Rules<'_>, (permission, scope): &AGate, at: Moment) -> BTreeSet<UserId> {
    let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
    let who = Who { subject_type: "user", permission: permission.as_str(), resource, circumstances: None };
    let people = rules.subjects_who_may(&who, at, None, usize::MAX).into_iter();
    people
        .filter_map(|subject| match subject {
            Subject::User(user) => Some(user),
            Subject::Service(_) => None,
        })
        .collect()
}

fn read(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    scopes: &[ScopePath],
    at: Revision,
) -> Result<(Graph, Guardrails), DatabaseError> {
    let mut loading = Graph::load();
    let guardrails = around(tx, organization, scopes, at, |change| loading.row(change))?;
    let (mut people, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let mut assigned = Vec::new();
    let around: BTreeSet<ScopePath> = scopes.iter().flat_map(ScopePath::ancestors).collect();
    for scope in around {
        for row in past::at_scope(tx, organization, &scope, at)? {
            match row.assignment.principal {
                Principal::User(user) => drop(people.insert(user)),
                Principal::Group(group) => drop(groups.insert(group)),
                Principal::Service(_) => continue,
            }
            assigned.push(Change::Assigned(Box::new(row.assignment)));
        }
    }
    for (group, members) in members(tx, organization, groups, at)? {
        for member in members {
            if member.kind == MemberKind::User {
                people.insert(member.id.into());
            }
            loading.membership(group, member);
        }
    }
    let reads_people = !guardrails.person_attributes().is_empty();
    let people: Vec<ResourceId> = people.into_iter().map(ResourceId::from).collect();
    for some in people.chunks(PEOPLE) {
        for (user, status) in past::statuses(tx, organization, some, at)? {
            loading.row(Change::User { subject: Subject::User(user), standing: standing(status) });
            if reads_people && let Some(facts) = facts_at(tx, organization, user, at)? {
                loading.row(facts);
            }
        }
    }
    for row in assigned {
        loading.row(row);
    }
    Ok((loading.finish(), guardrails))
}

/// The members of groups, and of the groups in them.
fn members(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    groups: BTreeSet<GroupId>,
    at: Revision,
) -> Result<BTreeMap<GroupId, Vec<Member>>, DatabaseError> {
    let (mut found, mut edge) = (BTreeMap::new(), groups);
    while let Some(group) = edge.pop_first() {
        let members = past::members(tx, organization, group, at)?;
        let inner = members.iter().filter(|member| member.kind == MemberKind::Group);
        edge.extend(inner.map(|member| GroupId::from(member.id)).filter(|id| !found.contains_key(id) && *id != group));
        found.insert(group, members);
    }
    Ok(found)
}
