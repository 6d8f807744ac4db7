//! What explanations call people, groups and connections, and since when things are as they are.

use std::collections::BTreeMap;

use crate::access::explain::{Explanation, Names, Provenance};
use crate::db::access::people::{self, Person};
use crate::db::access::principals::{self, NamedGroup};
use crate::db::access::{catalogue, past, services};
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx, history, organizations};
use crate::model::{ConnectionId, GroupId, OrganizationId, ResourceId, UserId};

/// What a group is managed by that no connection sent.
const LOCAL: &str = "local";

/// Names for everything an explanation speaks of. What is gone has none, and is shown by its id.
///
/// # Errors
/// [`DatabaseError`].
pub fn of(tx: &mut Tx<'_>, organization: OrganizationId, explanation: &Explanation) -> Result<Names, DatabaseError> {
    let ids: Vec<ResourceId> = explanation.named().into_iter().collect();
    let mut names = Names::default();
    let connections: BTreeMap<ConnectionId, String> = organizations::connections(tx, organization)?
        .into_iter()
        .map(|connection| (connection.id, connection.name))
        .collect();
    names.names.extend(connections.iter().map(|(id, name)| (ResourceId::from(*id), name.clone())));
    for Person { id, user_name_key, status } in
        people::by_ids(tx, organization, ids.iter().map(|id| UserId::from(*id)))?
    {
        if status != Status::Deleted {
            names.names.insert(id.into(), user_name_key);
        }
    }
    let groups: Vec<GroupId> = ids.iter().map(|id| GroupId::from(*id)).collect();
    for NamedGroup { id, connection, name } in principals::groups(tx, organization, &groups)? {
        names.managers.insert(id, connections.get(&connection).cloned().unwrap_or_else(|| LOCAL.to_owned()));
        names.names.insert(id.into(), name);
    }
    if let Some(crate::access::graph::Subject::Service(id)) = explanation.subject
        && let Some(row) = services::by_id(tx, organization, id)?
    {
        names.names.insert(id.into(), row.service.name.to_string());
    }
    for (group, member) in explanation.memberships() {
        let Some(last) = history::memberships(tx, organization, group, member)?.pop() else { continue };
        if let Some(since) = past::moment_of(tx, organization, last.from)? {
            let source = names.managers.get(&group).cloned().unwrap_or_else(|| LOCAL.to_owned());
            names.memberships.insert((group, member), Provenance { since, source });
        }
    }
    for role in explanation.roles() {
        if let Some(current) = catalogue::versions(tx, organization, role)?.pop() {
            names.roles.insert(role.clone(), current.created_at);
        }
    }
    Ok(names)
}
