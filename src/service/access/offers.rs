//! Roles at scopes that are offered to a connection, and whether it assigns them.

use serde_json::json;

use crate::db::access::assignments;
use crate::db::{AdministrationRow, Tx, organizations, role_offers};
use crate::ids;
use crate::model::{
    Assignment, AssignmentSource, Connection, ConnectionId, OrganizationId, Precondition, ResourceId, RoleName,
    RoleOffer, ScopePath, limits,
};

use super::administrators::{self, Taken};
use super::{Administration, AdministrationError, Change, Result, pushed, roles, scopes};

impl Administration {
    /// What is offered to a connection, by role and scope.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn offers(&self, organization: OrganizationId, connection: ConnectionId) -> Result<Vec<RoleOffer>> {
        self.live.read(|tx| {
            found(tx, organization, connection)?;
            Ok(role_offers::of_connection(tx, organization, connection)?)
        })
    }

    /// Lets a connection assign the roles that were offered to it, or ends whatever it has assigned.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::PreconditionFailed`], and
    /// [`AdministrationError::InUse`] when nobody active would be left who is `admin` at `/`.
    pub fn let_assign_roles(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        on: bool,
        precondition: &Precondition,
    ) -> Result<Connection> {
        self.change_access(organization, |change| {
            let mut connection = found(change.tx, organization, id)?;
            if !precondition.allows(&connection.entity_tag()) {
                let message = "the connection is not as `If-Match` says; read it again".to_owned();
                return Err(AdministrationError::PreconditionFailed(message));
            }
            if connection.assigns_roles == on {
                return Ok(connection);
            }
            connection.assigns_roles = on;
            let action = if on { "connection.assigns-roles" } else { "connection.assigns-no-roles" };
            change.people.administration.push(AdministrationRow::AssignRoles { id, on });
            change.event(action, id, json!({ "name": connection.name }));
            let offers = role_offers::of_connection(change.tx, organization, id)?;
            if on {
                pushed::begin(change, id, &offers)?;
            } else {
                end(change, id, &offers)?;
            }
            Ok(connection)
        })
    }

    /// Offers a role at a scope to a connection. Where it is offered already, that offer is the answer.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for an unknown connection, role or scope, and
    /// [`AdministrationError::Unfitting`] beyond the limit.
    pub fn offer_role(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        role: &RoleName,
        scope: &ScopePath,
    ) -> Result<RoleOffer> {
        self.change_access(organization, |change| {
            let connection = found(change.tx, organization, connection)?;
            roles::known(change.tx, organization, role)?;
            scopes::found(change.tx, organization, scope)?;
            let known = role_offers::of_connection(change.tx, organization, connection.id)?;
            make(change, &connection, &known, Wanted { role, scope, by_document: false })
        })
    }

    /// Withdraws an offer: whatever the connection has assigned by it ends.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], and [`AdministrationError::InUse`] when nobody active would be left who is
    /// `admin` at `/`.
    pub fn withdraw_role(&self, organization: OrganizationId, connection: ConnectionId, id: ResourceId) -> Result<()> {
        self.change_access(organization, |change| {
            let offers = role_offers::of_connection(change.tx, organization, connection)?;
            let offer = offers.into_iter().find(|offer| offer.id == id);
            let offer = offer.ok_or_else(|| {
                AdministrationError::NotFound(format!("nothing is offered to the connection under the id `{id}`"))
            })?;
            withdraw(change, &offer);
            end(change, connection, &[offer])
        })
    }
}

/// What is to be offered, known to be there.
pub(super) struct Wanted<'w> {
    pub role: &'w RoleName,
    pub scope: &'w ScopePath,
    pub by_document: bool,
}

/// Offers a role at a scope to a connection that is offered what is `known`. Where it is among that, it is the answer.
pub(super) fn make(
    change: &mut Change<'_, '_>,
    connection: &Connection,
    known: &[RoleOffer],
    wanted: Wanted<'_>,
) -> Result<RoleOffer> {
    let Wanted { role, scope, by_document } = wanted;
    if let Some(same) = known.iter().find(|offer| offer.role == *role && offer.scope == *scope) {
        return Ok(same.clone());
    }
    if known.len() >= limits::ROLE_OFFERS {
        let most = limits::ROLE_OFFERS;
        return Err(AdministrationError::Unfitting(format!(
            "{most} roles are offered to the connection, which is the most; withdraw one first"
        )));
    }
    let (id, connection_id, created_at) = (ids::resource(change.now), connection.id, change.now);
    let (role, scope) = (role.clone(), scope.clone());
    let offer = RoleOffer { id, connection: connection_id, role, scope, created_at, by_document };
    change.people.administration.push(AdministrationRow::OfferRole(offer.clone()));
    change.event("role.offered", connection_id, told(&offer));
    if connection.assigns_roles {
        pushed::begin(change, connection_id, std::slice::from_ref(&offer))?;
    }
    Ok(offer)
}

/// Withdraws an offer; what was assigned by it is ended besides.
pub(super) fn withdraw(change: &mut Change<'_, '_>, offer: &RoleOffer) {
    change.people.administration.push(AdministrationRow::WithdrawRole { id: offer.id });
    change.event("role.withdrawn", offer.connection, told(offer));
}

fn told(offer: &RoleOffer) -> serde_json::Value {
    json!({ "offer": offer.id.to_string(), "role": offer.role.as_str(), "scope": offer.scope.as_str() })
}

fn found(tx: &mut Tx<'_>, organization: OrganizationId, id: ConnectionId) -> Result<Connection> {
    let connection = organizations::connection(tx, organization, id)?;
    connection.ok_or_else(|| AdministrationError::NotFound(format!("the organization has no connection of id `{id}`")))
}

/// Ends what a connection has assigned by these offers.
fn end(change: &mut Change<'_, '_>, connection: ConnectionId, offers: &[RoleOffer]) -> Result<()> {
    let over = assigned_by(change, connection, offers)?;
    let taken = Taken { assignments: over.iter().map(|one| one.id).collect(), ..Taken::default() };
    change.only_at = administrators::keep_one(change.tx, change.organization, change.now, &taken)?;
    change.takes_access = true;
    for assignment in &over {
        change.end(assignment);
    }
    Ok(())
}

/// What a connection has assigned by these offers.
pub(super) fn assigned_by(
    change: &mut Change<'_, '_>,
    connection: ConnectionId,
    offers: &[RoleOffer],
) -> Result<Vec<Assignment>> {
    let mut all: Vec<Assignment> = Vec::new();
    for offer in offers {
        let rows = assignments::of_role_at(change.tx, change.organization, &offer.role, &offer.scope)?;
        let held = rows.into_iter().map(|row| row.assignment);
        all.extend(held.filter(|one| one.source == AssignmentSource::Connection(connection)));
    }
    Ok(all)
}

/// Refuses to remove what is offered.
pub(super) fn none(tx: &mut Tx<'_>, organization: OrganizationId, concerns: impl Fn(&RoleOffer) -> bool) -> Result<()> {
    let Some(offer) = role_offers::list(tx, organization)?.into_iter().find(concerns) else { return Ok(()) };
    let name = organizations::connection(tx, organization, offer.connection)?;
    let name = name.map_or_else(|| offer.connection.to_string(), |connection| connection.name);
    Err(AdministrationError::InUse(format!(
        "the role `{}` at `{}` is offered to the connection `{name}`; withdraw that first",
        offer.role, offer.scope
    )))
}
