//! What has changed since a revision, read in one snapshot, as changes of the graph.

use std::collections::BTreeSet;

use crate::access::graph::{Change, Subject};
use crate::access::guardrail::Guardrails;
use crate::db::access::{self, assignments, catalogue, guardrails, leaves, people, scopes, services};
use crate::db::{DatabaseError, Tx, organizations};
use crate::model::{MemberKind, OrganizationId, Principal, Revision, ScopePath, UserId};

use super::load::{Reading, facts_of, person_rows};

/// What leads from one revision to another.
pub(super) struct Delta {
    /// In the order in which they are to be applied.
    pub changes: Vec<Change>,
    /// All guardrails, where they or what they may speak of has changed.
    pub guardrails: Option<Guardrails>,
    /// Whether subjects are looked up by more than the graph holds.
    pub looks_up_more: bool,
    /// The revision they lead to.
    pub revision: Revision,
}

/// What has changed after `since`. A user takes no revision when created, so users that are named for the first time
/// (`known` says no) are read with what names them.
pub(super) fn since(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
    held: &Guardrails,
    known: impl Fn(Subject) -> bool,
) -> Result<Delta, DatabaseError> {
    let revision = organizations::revision(tx, organization)?.unwrap_or_default();
    let mut changes = Vec::new();
    let mut named: BTreeSet<UserId> = BTreeSet::new();
    let mut new = None;
    let state = access::state(tx, organization)?;
    if state.revision > since {
        administered(tx, organization, since, &mut changes, &mut named)?;
        if speak_of_more(held, &changes) || guardrails::changed(tx, organization, since)? {
            new = Some(guardrails::complete(tx, organization)?);
        }
    }
    for row in people::left(tx, organization, since)? {
        changes.push(Change::Left(row.group, row.member));
    }
    for row in people::joined(tx, organization, since)? {
        if row.member.kind == MemberKind::User {
            named.insert(row.member.id.into());
        }
        changes.push(Change::Joined(row.group, row.member));
    }
    named.retain(|user| !known(Subject::User(*user)));
    named.extend(people::changed(tx, organization, since)?);
    let read = new.as_ref().unwrap_or(held).person_attributes();
    let reading = Reading::These(read.into_iter().map(str::to_owned).collect());
    let ids: Vec<UserId> = named.into_iter().collect();
    for person in people::by_ids(tx, organization, ids.iter().copied())? {
        changes.extend(person_rows(person));
    }
    changes.extend(facts_of(tx, organization, &ids, &reading)?);
    Ok(Delta { changes, guardrails: new, looks_up_more: state.looks_up_more(), revision })
}

/// Whether there is a permission or a type of resources that the guardrails have no word for.
fn speak_of_more(held: &Guardrails, changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Catalogue(_) => true,
        Change::Leaf(leaf) => !held.vocabulary().leaf_types().any(|known| *known == leaf.resource_type),
        _ => false,
    })
}

/// Permissions, roles, scopes, resources, services, assignments.
fn administered(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
    changes: &mut Vec<Change>,
    named: &mut BTreeSet<UserId>,
) -> Result<(), DatabaseError> {
    let declared = !catalogue::permissions_begun(tx, organization, since)?.is_empty()
        || !catalogue::permissions_ended(tx, organization, since)?.is_empty();
    if declared {
        changes.push(Change::Catalogue(Box::new(catalogue::complete(tx, organization)?)));
    }
    changes.extend(catalogue::roles_ended(tx, organization, since)?.into_iter().map(Change::RoleRemoved));
    for role in catalogue::roles_begun(tx, organization, since)? {
        changes.push(Change::Role(Box::new(role.version)));
    }
    changed_scopes(tx, organization, since, changes)?;
    let ended = leaves::ended(tx, organization, since)?.into_iter();
    changes.extend(ended.map(|(resource_type, id)| Change::LeafRemoved(resource_type, id)));
    for leaf in leaves::begun(tx, organization, since)? {
        changes.push(Change::Leaf(Box::new(leaf)));
    }
    for row in services::begun(tx, organization, since)? {
        named.insert(row.service.owner);
        changes.push(Change::Service(Box::new(row.service)));
    }
    changes.extend(assignments::ended(tx, organization, since)?.into_iter().map(Change::Unassigned));
    for row in assignments::begun(tx, organization, since)? {
        if let Principal::User(user) = row.assignment.principal {
            named.insert(user);
        }
        changes.push(Change::Assigned(Box::new(row.assignment)));
    }
    Ok(())
}

/// Each scope once, as it is now: one that is changed is never taken for removed.
fn changed_scopes(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Revision,
    changes: &mut Vec<Change>,
) -> Result<(), DatabaseError> {
    let mut paths: BTreeSet<ScopePath> = scopes::ended(tx, organization, since)?.into_iter().collect();
    paths.extend(scopes::begun(tx, organization, since)?.into_iter().map(|row| row.path));
    paths.extend(scopes::gates_ended(tx, organization, since)?.into_iter().map(|(scope, _)| scope));
    paths.extend(scopes::gates_begun(tx, organization, since)?.into_iter().map(|row| row.scope));
    if paths.is_empty() {
        return Ok(());
    }
    let mut all = scopes::complete(tx, organization)?;
    changes.extend(paths.into_iter().map(|path| match all.remove(&path) {
        Some(scope) => Change::Scope(Box::new(scope)),
        None => Change::ScopeRemoved(path),
    }));
    Ok(())
}
