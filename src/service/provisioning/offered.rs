//! GET /Roles and /Entitlements (draft-ietf-scim-roles-entitlements-01): what was offered to the connection, and what
//! comes with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::db::access::catalogue;
use crate::db::{DatabaseError, Tx, role_offers};
use crate::evidence::digest;
use crate::model::{
    BUILT_IN_ROLES, Caller, Moment, Permission, ResourceId, RoleName, RoleOffer, RoleVersion, ScopePath, SortKey,
};
use crate::scim::ScimError;
use crate::scim::filter::{Filter, eval};
use crate::scim::list::list_response;
use crate::scim::path::excerpt;
use crate::scim::projection::Projection;
use crate::scim::schema::ResourceType;
use crate::service::{ServiceError, Services};

use super::ListRequest;
use super::cursor;
use super::listing::{Asker, Page};
use super::page::{Entry, Window};

/// Lists what was offered to the connection.
///
/// # Errors
/// [`ServiceError`]; 400 for a filter, an order or a cursor that cannot be used.
pub fn list(
    services: &Services,
    caller: &Caller,
    resource_type: &ResourceType,
    request: &ListRequest,
) -> Result<String, ServiceError> {
    let switches = caller.profile.switches();
    let filter = request.filter.as_deref().map(|filter| Filter::parse(filter, switches)).transpose()?;
    let condition = filter.map(|filter| filter.resolve(resource_type, switches)).transpose()?;
    let sort = match &request.sort {
        Some(sort) => Some(sort.resolve(resource_type)?.ok_or_else(|| sort.unknown(&resource_type.name))?),
        None => None,
    };
    let (asker, endpoint) = (Asker { services, caller }, resource_type.endpoint.as_str());
    services.live.read(|tx| {
        let window = Window::of_request(request, cursor::open(services, tx, caller, endpoint, request)?);
        let matching = all(services, tx, caller, resource_type)?.into_iter();
        let matching = matching.filter(|(_, resource)| condition.as_ref().is_none_or(|one| eval(one, resource)));
        let entries = matching.map(|(id, resource)| {
            let key = sort.as_ref().map_or_else(SortKey::missing, |sort| sort.key(&resource));
            Entry { key, id, item: Some(resource) }
        });
        let found = window.of(entries.collect());
        let page = Page::of(asker, tx, endpoint, request, &window, found)?;
        let resources = page.entries.into_iter().filter_map(|entry| entry.item);
        let resources = resources.map(|resource| request.projection.apply(resource_type, resource).to_string());
        Ok(list_response(page.total, request.named(page.next.as_deref()), &resources.collect::<Vec<_>>()))
    })
}

/// One of what was offered to the connection.
///
/// # Errors
/// [`ServiceError`]; 404 for whatever was not offered to this connection.
pub fn read(
    services: &Services,
    caller: &Caller,
    resource_type: &ResourceType,
    id: &str,
    projection: &Projection,
) -> Result<String, ServiceError> {
    let all = services.live.read::<_, ServiceError>(|tx| all(services, tx, caller, resource_type))?;
    let found = all.into_iter().find(|(known, _)| known.to_string() == id);
    let (_, resource) = found.ok_or_else(|| {
        ScimError::NotFound(format!(
            "there is no {} `{}`; see {}",
            resource_type.name,
            excerpt(id),
            resource_type.endpoint
        ))
    })?;
    Ok(projection.apply(resource_type, resource).to_string())
}

/// A role at a scope, and what it allows there.
struct Available {
    offer: RoleOffer,
    permissions: BTreeSet<Permission>,
}

impl Available {
    /// Whether whoever holds this may do everything that comes with another.
    fn contains(&self, other: &Self) -> bool {
        self.offer.id != other.offer.id
            && self.offer.scope.contains(&other.offer.scope)
            && other.permissions.iter().all(|wanted| self.permissions.iter().any(|held| held.covers(wanted)))
    }
}

fn all(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    resource_type: &ResourceType,
) -> Result<Vec<(ResourceId, Value)>, ServiceError> {
    let available = available(tx, caller)?;
    let location = [services.scim_base(), resource_type.endpoint.clone()].concat();
    let is_role = services.types.offered.as_ref().is_some_and(|offered| offered.role.name == resource_type.name);
    Ok(if is_role {
        roles(&available, resource_type, &location)
    } else {
        entitlements(&available, resource_type, &location)
    })
}

fn available(tx: &mut Tx<'_>, caller: &Caller) -> Result<Vec<Available>, DatabaseError> {
    let built_in = BUILT_IN_ROLES.iter().filter_map(|role| role.version());
    let own = catalogue::roles(tx, caller.organization)?.into_iter().map(|stored| stored.version);
    let roles: BTreeMap<RoleName, RoleVersion> =
        built_in.chain(own).map(|version| (version.role.clone(), version)).collect();
    let offers = role_offers::of_connection(tx, caller.organization, caller.connection)?.into_iter();
    let available = offers.filter_map(|offer| {
        let permissions = roles.get(&offer.role)?.permissions.clone();
        Some(Available { offer, permissions })
    });
    Ok(available.collect())
}

fn roles(available: &[Available], resource_type: &ResourceType, location: &str) -> Vec<(ResourceId, Value)> {
    let values = |found: Vec<&Available>| -> Vec<String> { found.iter().map(|one| one.offer.value()).collect() };
    let all = available.iter().map(|one| {
        let (offer, id) = (&one.offer, one.offer.id);
        let contains = values(available.iter().filter(|other| one.contains(other)).collect());
        let contained_by = values(available.iter().filter(|other| other.contains(one)).collect());
        let resource = json!({
            "schemas": [resource_type.schema.id],
            "id": id.to_string(),
            "value": offer.value(),
            "display": display(offer.role.as_str(), &offer.scope),
            "type": offer.scope.kind().as_str(),
            "supported": true,
            "limitedAssignmentsPermitted": false,
            "contains": contains,
            "containedBy": contained_by,
            "meta": meta(resource_type, location, id, offer.created_at),
        });
        (id, resource)
    });
    all.collect()
}

/// Each permission at each scope once, since the first role came that it comes with.
fn entitlements(available: &[Available], resource_type: &ResourceType, location: &str) -> Vec<(ResourceId, Value)> {
    let mut since: BTreeMap<(&ScopePath, &Permission), Moment> = BTreeMap::new();
    for one in available {
        for permission in &one.permissions {
            let moment = since.entry((&one.offer.scope, permission)).or_insert(one.offer.created_at);
            *moment = one.offer.created_at.min(*moment);
        }
    }
    let all = since.into_iter().filter_map(|((scope, permission), moment)| {
        let value = [permission.as_str(), "@", scope.as_str()].concat();
        // The same for as long as it is the same permission at the same scope.
        let named = digest::of_body(value.as_bytes())?;
        let id = ResourceId::from_bytes(named.first_chunk::<16>()?).ok()?;
        let resource = json!({
            "schemas": [resource_type.schema.id],
            "id": id.to_string(),
            "value": value,
            "display": display(permission.as_str(), scope),
            "type": "permission",
            "supported": false,
            "limitedAssignmentsPermitted": false,
            "meta": meta(resource_type, location, id, moment),
        });
        Some((id, resource))
    });
    all.collect()
}

fn display(what: &str, scope: &ScopePath) -> String {
    format!("{what} at {scope}")
}

fn meta(resource_type: &ResourceType, location: &str, id: ResourceId, since: Moment) -> Value {
    json!({
        "resourceType": resource_type.name,
        "created": since.to_string(),
        "lastModified": since.to_string(),
        "location": format!("{location}/{id}"),
    })
}
