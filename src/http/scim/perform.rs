//! What a request asks for, carried out: one use case, one reply. Synchronous; where it runs is decided outside.

use actix_web::web::Bytes;

use crate::model::{Caller, Precondition};
use crate::scim::list::Paging;
use crate::scim::projection::Projection;
use crate::scim::schema::ResourceType;
use crate::scim::sort::SortBy;
use crate::scim::{ScimError, ScimType, discovery, json, openapi};
use crate::service::provisioning::{ListRequest, everything, groups, offered, users};
use crate::service::{ServiceError, Services};
use crate::signals::EventType;

use super::answer::Reply;
use super::query::Query;
use super::route::{Kind, Offered, Operation};

/// A request, taken apart.
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    /// The identifier in the path, empty where it has none.
    pub id: String,
    /// The query.
    pub query: Query,
    /// The body, empty where none is taken.
    pub body: Bytes,
    /// `If-Match`.
    pub if_match: Precondition,
    /// `If-None-Match`.
    pub if_none_match: Precondition,
}

/// Carries it out.
///
/// # Errors
/// What the use case refuses, and what cannot be read of the request.
pub fn perform(services: &Services, caller: &Caller, call: &Call) -> Result<Reply, ServiceError> {
    match call.operation {
        Operation::Create(kind) => create(services, caller, call, kind),
        Operation::List(kind) => list(services, caller, &call.query, Some(kind)),
        Operation::Search(kind) => list(services, caller, &searched(caller, call)?, Some(kind)),
        Operation::ListEverything => list(services, caller, &call.query, None),
        Operation::SearchEverything => list(services, caller, &searched(caller, call)?, None),
        Operation::Read(kind) => read(services, caller, call, kind),
        Operation::Replace(kind) => replace(services, caller, call, kind),
        Operation::Patch(kind) => patch(services, caller, call, kind),
        Operation::Delete(kind) => delete(services, caller, call, kind),
        Operation::ListOffered(kind) => {
            let offered = offered_type(services, kind)?;
            let request = list_request(offered, &call.query, call.query.filter.clone())?;
            Ok(Reply::Document(offered::list(services, caller, offered, &request)?))
        }
        Operation::ReadOffered(kind) => {
            let offered = offered_type(services, kind)?;
            let projection = projection_of(offered, &call.query)?;
            Ok(Reply::Document(offered::read(services, caller, offered, &call.id, &projection)?))
        }
        Operation::Bulk => Err(ServiceError::Internal("a bulk request is carried out elsewhere".to_owned())),
        Operation::Configuration
        | Operation::ResourceTypes
        | Operation::ResourceType
        | Operation::Schemas
        | Operation::Schema
        | Operation::Description => Ok(Reply::Document(discover(services, caller, call)?)),
    }
}

fn resource_type(services: &Services, kind: Kind) -> &ResourceType {
    match kind {
        Kind::User => &services.types.user,
        Kind::Group => &services.types.group,
    }
}

fn offered_type(services: &Services, kind: Offered) -> Result<&ResourceType, ServiceError> {
    let offered = services.types.offered.as_ref();
    let offered = offered.ok_or_else(|| ServiceError::Internal("the connection assigns no roles".to_owned()))?;
    Ok(match kind {
        Offered::Role => &offered.role,
        Offered::Entitlement => &offered.entitlement,
    })
}

fn projection(services: &Services, query: &Query, kind: Kind) -> Result<Projection, ScimError> {
    projection_of(resource_type(services, kind), query)
}

fn projection_of(resource_type: &ResourceType, query: &Query) -> Result<Projection, ScimError> {
    let (attributes, excluded) = (query.attributes.as_deref(), query.excluded_attributes.as_deref());
    Projection::parse(attributes, excluded, resource_type)
}

fn create(services: &Services, caller: &Caller, call: &Call, kind: Kind) -> Result<Reply, ServiceError> {
    let body = json::parse(&call.body)?;
    let projection = projection(services, &call.query, kind)?.after_writing(&body, resource_type(services, kind));
    let resource = match kind {
        Kind::User => users::create(services, caller, body, &projection)?,
        Kind::Group => groups::create(services, caller, body, &projection)?,
    };
    Ok(Reply::Created(resource))
}

fn read(services: &Services, caller: &Caller, call: &Call, kind: Kind) -> Result<Reply, ServiceError> {
    let projection = projection(services, &call.query, kind)?;
    let resource = match kind {
        Kind::User => users::read(services, caller, &call.id, &projection)?,
        Kind::Group => groups::read(services, caller, &call.id, &projection)?,
    };
    // The tag names the version of the resource, not which attributes a client kept of it.
    if !call.query.selects_attributes() && call.if_none_match.names(&resource.entity_tag) {
        return Ok(Reply::NotModified(resource.entity_tag));
    }
    Ok(Reply::Resource(resource))
}

/// A list that can be answered on the spot; `None` for one that may take long.
///
/// # Errors
/// What the use case refuses.
pub fn look_up(services: &Services, caller: &Caller, call: &Call) -> Result<Option<Reply>, ServiceError> {
    let query = &call.query;
    // A second reading of the filter may be needed, and that one may take long.
    if call.operation != Operation::List(Kind::User) || query.filter_with_plus.is_some() {
        return Ok(None);
    }
    let request = list_request(&services.types.user, query, query.filter.clone())?;
    Ok(users::look_up(services, caller, &request)?.map(Reply::Document))
}

fn list_request(
    resource_type: &ResourceType,
    query: &Query,
    filter: Option<String>,
) -> Result<ListRequest, ServiceError> {
    let paging = Paging::parse(query.start_index.as_deref(), query.count.as_deref(), query.cursor.as_deref())?;
    let sort = SortBy::parse(query.sort_by.as_deref(), query.sort_order.as_deref())?;
    Ok(ListRequest { filter, sort, paging, projection: projection_of(resource_type, query)? })
}

/// The query that stands in the body.
fn searched(caller: &Caller, call: &Call) -> Result<Query, ScimError> {
    Query::of_body(json::parse(&call.body)?, caller.profile.switches())
}

/// Resources of one kind, or of every kind.
fn list(services: &Services, caller: &Caller, query: &Query, kind: Option<Kind>) -> Result<Reply, ServiceError> {
    let run = |filter: Option<String>| -> Result<String, ServiceError> {
        let request = list_request(resource_type(services, kind.unwrap_or(Kind::User)), query, filter)?;
        match kind {
            Some(Kind::User) => users::list(services, caller, &request),
            Some(Kind::Group) => groups::list(services, caller, &request),
            None => everything::list(services, caller, &request, &projection(services, query, Kind::Group)?),
        }
    };
    let page = match run(query.filter.clone()) {
        // A cursor may have come with the second reading of the filter.
        Err(ServiceError::Scim(ScimError::BadRequest(ScimType::InvalidCursor, _)))
            if query.filter_with_plus.is_some() =>
        {
            return Ok(Reply::Document(run(query.filter_with_plus.clone())?));
        }
        page => page?,
    };
    if let Some(filter) = query.filter_with_plus.clone().filter(|_| is_empty(&page)) {
        // The second reading is a guess: if it cannot be read, the first one stands.
        match run(Some(filter)) {
            Ok(second) => return Ok(Reply::Document(second)),
            Err(ServiceError::Scim(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Reply::Document(page))
}

/// Whether nothing at all matched: the total stands before any resource.
fn is_empty(page: &str) -> bool {
    page.split_once("\"totalResults\":").is_some_and(|(_, rest)| rest.starts_with("0,"))
}

fn replace(services: &Services, caller: &Caller, call: &Call, kind: Kind) -> Result<Reply, ServiceError> {
    let body = json::parse(&call.body)?;
    let projection = projection(services, &call.query, kind)?.after_writing(&body, resource_type(services, kind));
    let resource = match kind {
        Kind::User => users::replace(services, caller, &call.id, body, &call.if_match, &projection)?,
        Kind::Group => groups::replace(services, caller, &call.id, body, &call.if_match, &projection)?,
    };
    Ok(Reply::Resource(resource))
}

fn patch(services: &Services, caller: &Caller, call: &Call, kind: Kind) -> Result<Reply, ServiceError> {
    let body = json::parse(&call.body)?;
    let projection = projection(services, &call.query, kind)?.after_writing(&body, resource_type(services, kind));
    let resource = match kind {
        Kind::User => users::patch(services, caller, &call.id, body, &call.if_match, &projection)?,
        Kind::Group => groups::patch(services, caller, &call.id, body, &call.if_match, &projection)?,
    };
    Ok(resource.map_or(Reply::NoContent, Reply::Resource))
}

fn delete(services: &Services, caller: &Caller, call: &Call, kind: Kind) -> Result<Reply, ServiceError> {
    match kind {
        Kind::User => users::delete(services, caller, &call.id, &call.if_match)?,
        Kind::Group => groups::delete(services, caller, &call.id, &call.if_match)?,
    }
    Ok(Reply::NoContent)
}

/// RFC 7644 §4: paging and sorting are ignored, a filter is forbidden.
fn discover(services: &Services, caller: &Caller, call: &Call) -> Result<String, ScimError> {
    if call.query.filter.is_some() {
        return Err(ScimError::Forbidden("this cannot be filtered; leave out `filter`".to_owned()));
    }
    let (types, base, switches) = (&services.types, services.scim_base(), caller.profile.switches());
    Ok(match call.operation {
        Operation::ResourceTypes => discovery::resource_types(types, &base),
        Operation::ResourceType => discovery::resource_type(types, &call.id, &base)?.to_string(),
        Operation::Schemas => discovery::schemas(switches, types, &base),
        Operation::Schema => discovery::schema(switches, types, &call.id, &base)?.to_string(),
        Operation::Description => openapi::document(types, &base, env!("CARGO_PKG_VERSION")).to_string(),
        _ => {
            let mut document = discovery::service_provider_config(switches, types, &base);
            if caller.asynchronous {
                let scim = EventType::REQUESTABLE.into_iter().filter(|event| event.is_scim());
                discovery::announce_security_events(&mut document, &scim.map(EventType::uri).collect::<Vec<_>>());
            }
            document.to_string()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::list::{Named, list_response};

    #[test]
    fn a_page_without_matches_is_told_from_one_beyond_the_end() {
        assert!(is_empty(&list_response(0, Named::Index(1), &[])));
        assert!(!is_empty(&list_response(10, Named::Index(11), &[])));
        assert!(!is_empty(&list_response(1, Named::Cursor(None), &[r#"{"x":{"totalResults":0,"a":1}}"#.to_owned()])));
    }
}
