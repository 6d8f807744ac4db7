//! Services: pipelines and bots, each with somebody who answers for it and an end.

use serde_json::json;

use crate::db::access::{AccessRow, ServiceRow, people, services};
use crate::db::users::Status;
use crate::ids;
use crate::model::{Moment, Name, OrganizationId, ResourceId, Service, ServiceId, UserId};

use super::principals;
use super::{Administration, AdministrationError, Change, Result};

/// A service to make.
#[derive(Debug, Clone)]
pub struct NewService {
    /// Its name, unique among those that are not stopped.
    pub name: Name,
    /// Who answers for it: id or userName of an active user.
    pub owner: String,
    /// Who answers for it once the owner leaves: id or userName of an active user.
    pub successor: Option<String>,
    /// Denied everything from then on.
    pub expires_at: Moment,
}

/// What is to be different about a service; `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceChange<'a> {
    /// Who answers for it from now on. Who was named to come after no more comes after.
    pub owner: Option<&'a str>,
    /// Who answers for it once the owner leaves; empty for nobody.
    pub successor: Option<&'a str>,
    /// Denied everything from then on.
    pub expires_at: Option<Moment>,
}

impl Administration {
    /// Makes a service.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] for a name that another bears, [`AdministrationError::NotFound`] for an owner or a
    /// successor who is not there, [`AdministrationError::Unfitting`] for one who is not active and an end in the past.
    pub fn create_service(&self, organization: OrganizationId, wanted: &NewService) -> Result<Service> {
        self.change_access(organization, |change| {
            let owner = active(change, "owner", &wanted.owner)?;
            let successor = successor(change, owner, wanted.successor.as_deref().unwrap_or_default())?;
            ends_later(change, wanted.expires_at)?;
            if services::by_name(change.tx, organization, wanted.name.as_str())?.is_some() {
                let message = format!("a service `{}` exists already in the organization", wanted.name);
                return Err(AdministrationError::Taken(message));
            }
            let service = Service {
                id: ids::service(change.now),
                name: wanted.name.clone(),
                owner,
                successor,
                expires_at: wanted.expires_at,
                stopped_at: None,
            };
            change.rows.push(AccessRow::Service(ServiceRow::new(service.clone(), change.now)));
            change.event(
                "service.created",
                service.id,
                json!({ "name": service.name.as_str(), "owner": owner.to_string(), "successor": told(successor),
                "expires": service.expires_at.to_string() }),
            );
            Ok(service)
        })
    }

    /// Hands a service over to another owner, names who comes after the owner, or lets it end at another time.
    ///
    /// # Errors
    /// As for a new one; [`AdministrationError::InUse`] for one that was stopped.
    pub fn hand_over_service(
        &self,
        organization: OrganizationId,
        name: &str,
        wanted: ServiceChange<'_>,
    ) -> Result<Service> {
        self.change_access(organization, |change| {
            let ServiceRow { service, created_at, .. } = running(change, name)?;
            let mut changed = service.clone();
            if let Some(owner) = wanted.owner {
                changed.owner = active(change, "owner", owner)?;
                changed.successor = changed.successor.filter(|successor| *successor != changed.owner);
            }
            if let Some(named) = wanted.successor {
                changed.successor = successor(change, changed.owner, named)?;
            }
            if let Some(expires_at) = wanted.expires_at {
                ends_later(change, expires_at)?;
                changed.expires_at = expires_at;
            }
            if changed != service {
                change.takes_access = changed.expires_at < service.expires_at;
                change.rows.push(AccessRow::ServiceEnds(service.id));
                change.rows.push(AccessRow::Service(ServiceRow::new(changed.clone(), created_at)));
                change.event(
                    "service.changed",
                    service.id,
                    json!({ "before": service.owner.to_string(), "owner": changed.owner.to_string(),
                    "successor": told(changed.successor), "expires": changed.expires_at.to_string() }),
                );
            }
            Ok(changed)
        })
    }

    /// Stops a service for good. When this returns, no server allows it anything any more.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn stop_service(&self, organization: OrganizationId, name: &str) -> Result<Service> {
        self.change_access(organization, |change| {
            let id = principals::service(change.tx, organization, name)?;
            let Some(ServiceRow { service, created_at, .. }) = services::by_id(change.tx, organization, id)? else {
                return Err(AdministrationError::NotFound(format!("the organization has no service `{name}`")));
            };
            if service.stopped_at.is_some() {
                return Ok(service);
            }
            let stopped = Service { stopped_at: Some(change.now), ..service };
            change.rows.push(AccessRow::ServiceEnds(id));
            change.rows.push(AccessRow::Service(ServiceRow::new(stopped.clone(), created_at)));
            change.takes_access = true;
            change.event("service.stopped", id, json!({ "name": stopped.name.as_str() }));
            Ok(stopped)
        })
    }

    /// The services of an organization, oldest first, stopped ones too.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn services(&self, organization: OrganizationId) -> Result<Vec<Service>> {
        let rows = self.live.read(|tx| services::list(tx, organization))?;
        Ok(rows.into_iter().map(|row| row.service).collect())
    }

    /// The services behind an id, oldest first, at most `limit`, stopped ones too.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn services_after(&self, organization: OrganizationId, after: ResourceId, limit: i64) -> Result<Vec<Service>> {
        let rows = self.live.read(|tx| services::page(tx, organization, after, limit))?;
        Ok(rows.into_iter().map(|row| row.service).collect())
    }

    /// The services somebody answers for, oldest first, stopped ones too.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn services_of(&self, organization: OrganizationId, owner: UserId) -> Result<Vec<Service>> {
        let rows = self.live.read(|tx| services::of_owner(tx, organization, owner))?;
        let mut owned: Vec<Service> = rows.into_iter().map(|row| row.service).collect();
        owned.sort_by_key(|service| service.id);
        Ok(owned)
    }

    /// One service, stopped or not, and since when it is there.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn service(&self, organization: OrganizationId, id: ServiceId) -> Result<Option<(Service, Moment)>> {
        let row = self.live.read(|tx| services::by_id(tx, organization, id))?;
        Ok(row.map(|row| (row.service, row.created_at)))
    }
}

fn running(change: &mut Change<'_, '_>, name: &str) -> Result<ServiceRow> {
    let id = principals::service(change.tx, change.organization, name)?;
    match services::by_id(change.tx, change.organization, id)? {
        Some(row) if row.service.stopped_at.is_none() => Ok(row),
        Some(_) => Err(AdministrationError::InUse(format!("the service `{name}` was stopped; make a new one"))),
        None => Err(AdministrationError::NotFound(format!("the organization has no service `{name}`"))),
    }
}

fn active(change: &mut Change<'_, '_>, what: &str, name: &str) -> Result<UserId> {
    let user = principals::user(change.tx, change.organization, name)?;
    match people::by_ids(change.tx, change.organization, [user])?.as_slice() {
        [person] if person.status == Status::Active => Ok(user),
        _ => Err(AdministrationError::Unfitting(format!(
            "the user `{name}` is not active; the {what} of a service must be"
        ))),
    }
}

/// Who is to come after the owner; nobody for an empty name.
fn successor(change: &mut Change<'_, '_>, owner: UserId, name: &str) -> Result<Option<UserId>> {
    if name.is_empty() {
        return Ok(None);
    }
    let successor = active(change, "successor", name)?;
    if successor == owner {
        let message = format!("`{name}` is the owner of the service; name somebody else to come after");
        return Err(AdministrationError::Unfitting(message));
    }
    Ok(Some(successor))
}

fn told(successor: Option<UserId>) -> Option<String> {
    successor.map(|id| id.to_string())
}

fn ends_later(change: &Change<'_, '_>, expires_at: Moment) -> Result<()> {
    if expires_at > change.now {
        return Ok(());
    }
    Err(AdministrationError::Unfitting(format!("the service would end at {expires_at}, in the past")))
}
