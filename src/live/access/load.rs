//! A graph from all rows of an organization, read in one snapshot.

use crate::access::graph::{Change, Graph, Identifier, Standing, Subject};
use crate::db::access::people::Person;
use crate::db::access::{assignments, catalogue, leaves, people, scopes, services};
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx, organizations};
use crate::model::{Member, MemberKind, OrganizationId, ResourceId, Revision};

/// The graph and the revision it is true to.
pub(super) fn graph(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<(Graph, Revision), DatabaseError> {
    let revision = organizations::revision(tx, organization)?.unwrap_or_default();
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
    Ok((graph.finish(), revision))
}

/// What is known of a user, as rows of the graph. Whoever is deleted bears no name any more.
pub(super) fn person_rows(person: Person) -> [Change; 2] {
    let subject = Subject::User(person.id);
    let standing = match person.status {
        Status::Active => Standing::Active,
        Status::Inactive => Standing::Inactive,
        Status::Suspended => Standing::Suspended,
        Status::Deleted => Standing::Deleted,
    };
    let named = standing != Standing::Deleted;
    let identifiers = if named { vec![Identifier::name(&person.user_name_key)] } else { Vec::new() };
    [Change::User { subject, standing }, Change::Identifiers { subject, identifiers }]
}
