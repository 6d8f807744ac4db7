//! To whom a role is assigned: named as people name them, kept by id.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::access::people::{self, Person};
use crate::db::access::principals::{self, LookUp, NamedGroup};
use crate::db::access::services;
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx, organizations};
use crate::model::{ConnectionId, GroupId, OrganizationId, Principal, ResourceId, ServiceId, UserId, fold};

use super::{AdministrationError, Result};

/// A principal as somebody names it: by id, or by a name that only one bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedPrincipal {
    /// A group, by id or displayName.
    Group(String),
    /// A user, by id or userName.
    User(String),
    /// A service, by id or name.
    Service(String),
}

impl WantedPrincipal {
    /// Finds the principal. The assignment is bound to its id, whoever bears the name later.
    pub(super) fn find(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Principal> {
        match self {
            Self::Group(name) => group(tx, organization, name).map(Principal::Group),
            Self::User(name) => user(tx, organization, name).map(Principal::User),
            Self::Service(name) => service(tx, organization, name).map(Principal::Service),
        }
    }
}

fn group(tx: &mut Tx<'_>, organization: OrganizationId, name: &str) -> Result<GroupId> {
    if let Ok(id) = name.parse::<GroupId>()
        && let [found] = principals::groups(tx, organization, &[id])?.as_slice()
    {
        return Ok(found.id);
    }
    let mut connections: Vec<ConnectionId> =
        organizations::connections(tx, organization)?.iter().map(|connection| connection.id).collect();
    connections.push(ConnectionId::NOBODY);
    match principals::groups_by_name(tx, organization, &fold(name), &connections)?.as_slice() {
        [found] => Ok(found.id),
        [] => Err(AdministrationError::NotFound(format!("the organization has no group `{name}`"))),
        several => Err(ambiguous("groups", name, several.iter().map(|group| group.id.to_string()))),
    }
}

/// The user of an id or a userName, deactivated ones too.
pub(super) fn user(tx: &mut Tx<'_>, organization: OrganizationId, name: &str) -> Result<UserId> {
    let mut found: BTreeSet<UserId> =
        principals::users(tx, organization, LookUp::UserName, &fold(name))?.into_iter().collect();
    if let Ok(id) = name.parse::<UserId>() {
        let by_id = people::by_ids(tx, organization, [id])?;
        found.extend(by_id.iter().filter(|person| person.status != Status::Deleted).map(|person| person.id));
    }
    let ids: Vec<UserId> = found.into_iter().collect();
    match ids.as_slice() {
        [found] => Ok(*found),
        [] => Err(AdministrationError::NotFound(format!("the organization has no user `{name}`"))),
        several => Err(ambiguous("users", name, several.iter().map(ToString::to_string))),
    }
}

/// The service of an id or a name, unless it was stopped.
pub(super) fn service(tx: &mut Tx<'_>, organization: OrganizationId, name: &str) -> Result<ServiceId> {
    if let Ok(id) = name.parse::<ServiceId>()
        && let Some(found) = services::by_id(tx, organization, id)?
    {
        return Ok(found.service.id);
    }
    let found = services::by_name(tx, organization, name)?;
    found.map(|row| row.service.id).ok_or_else(|| {
        AdministrationError::NotFound(format!(
            "the organization has no service `{name}`; `muster service list` shows them"
        ))
    })
}

fn ambiguous(what: &str, name: &str, ids: impl Iterator<Item = String>) -> AdministrationError {
    let ids: Vec<String> = ids.collect();
    AdministrationError::Unfitting(format!("several {what} bear the name `{name}`; name one by id: {}", ids.join(", ")))
}

/// What people call these principals now; those that are gone are not among them.
pub(super) fn names(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    of: impl IntoIterator<Item = Principal>,
) -> std::result::Result<BTreeMap<ResourceId, String>, DatabaseError> {
    let (mut groups, mut users, mut services) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for principal in of {
        match principal {
            Principal::Group(id) => drop(groups.insert(id)),
            Principal::User(id) => drop(users.insert(id)),
            Principal::Service(id) => drop(services.insert(id)),
        }
    }
    let groups: Vec<GroupId> = groups.into_iter().collect();
    let mut names = BTreeMap::new();
    for NamedGroup { id, name, .. } in principals::groups(tx, organization, &groups)? {
        names.insert(id.into(), name);
    }
    for Person { id, user_name_key, status } in people::by_ids(tx, organization, users)? {
        if status != Status::Deleted {
            names.insert(id.into(), user_name_key);
        }
    }
    let services: Vec<ServiceId> = services.into_iter().collect();
    for row in services::by_ids(tx, organization, &services)? {
        names.insert(row.service.id.into(), row.service.name.to_string());
    }
    Ok(names)
}
