//! A request of an identity provider, carried out by the use cases of provisioning and put on its connection's request log.

use serde_json::Value;

use crate::clock::Clock;
use crate::evidence::digest;
use crate::ids;
use crate::live::{AnsweredRequest, Kept};
use crate::model::{Actor, Caller, Connection, CredentialId, Moment, Precondition, ResourceId};
use crate::scim::list::Paging;
use crate::scim::projection::Projection;
use crate::service::provisioning::{ListRequest, Representation, groups, users};
use crate::service::{ServiceError, Services};

/// Which kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

/// A request, as sent.
#[derive(Debug)]
pub(super) enum Request {
    /// GET with a filter: that is how a provider finds out whether somebody is there.
    Find(Kind, String),
    Create(Kind, Value),
    Replace(Kind, String, Value),
    Patch(Kind, String, Value),
    Delete(Kind, String),
}

impl Request {
    const fn method(&self) -> &'static str {
        match self {
            Self::Find(..) => "GET",
            Self::Create(..) => "POST",
            Self::Replace(..) => "PUT",
            Self::Patch(..) => "PATCH",
            Self::Delete(..) => "DELETE",
        }
    }

    const fn route(&self) -> &'static str {
        match self {
            Self::Find(Kind::User, _) | Self::Create(Kind::User, _) => "/Users",
            Self::Find(Kind::Group, _) | Self::Create(Kind::Group, _) => "/Groups",
            Self::Replace(Kind::User, ..) | Self::Patch(Kind::User, ..) | Self::Delete(Kind::User, _) => "/Users/{id}",
            Self::Replace(Kind::Group, ..) | Self::Patch(Kind::Group, ..) | Self::Delete(Kind::Group, _) => {
                "/Groups/{id}"
            }
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// The resource it was about.
    pub id: Option<ResourceId>,
}

/// An identity provider at the other end of a connection.
pub(super) struct Sender<'a> {
    pub services: &'a Services,
    pub connection: Connection,
    pub credential: CredentialId,
    /// Requests from before then are counted, no more: the request log does not keep them that long.
    pub logs_from: Moment,
}

impl Sender<'_> {
    /// Sends a request; refusals are answers.
    ///
    /// # Errors
    /// [`ServiceError`] when it could not be judged.
    pub(super) fn send(&self, request: &Request) -> Result<Answer, ServiceError> {
        let now = self.services.clock.now();
        let organization = self.connection.organization;
        let (sent, named) = match request {
            Request::Find(..) => (None, None),
            Request::Create(_, body) => (Some(body), None),
            Request::Replace(_, id, body) | Request::Patch(_, id, body) => (Some(body), id.parse().ok()),
            Request::Delete(_, id) => (None, id.parse().ok()),
        };
        let bytes = sent.map(Value::to_string).unwrap_or_default().into_bytes();
        let caller = Caller {
            organization,
            connection: self.connection.id,
            profile: self.connection.profile,
            paused: self.connection.paused,
            assigns_roles: self.connection.assigns_roles,
            asynchronous: self.connection.asynchronous,
            actor: Actor::Connection(self.connection.id, self.credential),
            request: ids::request(now),
            digest: digest::of_body(&bytes),
            answering: None,
        };
        let began = Clock::monotonic();
        let (status, id, body) = match carry_out(self.services, &caller, request) {
            Ok((status, representation)) => {
                let made = representation.as_ref().and_then(|made| made.location.rsplit('/').next()?.parse().ok());
                (status, made, representation.map_or_else(String::new, |made| made.body))
            }
            Err(ServiceError::Scim(error)) => (error.status(), None, error.to_json()),
            Err(error) => return Err(error),
        };
        let id = named.or(id);
        let writes = !matches!(request, Request::Find(..));
        if status < 400 && !writes {
            if now >= self.logs_from {
                self.services.live.count_read(organization, self.connection.id, now);
            }
        } else if now >= self.logs_from {
            self.services.live.log_request(AnsweredRequest {
                organization,
                connection: self.connection.id,
                credential: self.credential,
                id: caller.request,
                at: now,
                method: request.method(),
                route: request.route(),
                resource: id,
                query: String::new(),
                status,
                writes,
                duration: Clock::monotonic().duration_since(began),
                body: Kept::of(&bytes),
                answer: Kept::of(body.as_bytes()),
            });
        }
        Ok(Answer { status, id })
    }
}

fn carry_out(
    services: &Services,
    caller: &Caller,
    request: &Request,
) -> Result<(u16, Option<Representation>), ServiceError> {
    let projection = |kind| match kind {
        Kind::User => Projection::parse(None, None, &services.types.user),
        Kind::Group => Projection::parse(None, Some("members"), &services.types.group),
    };
    let always = &Precondition::None;
    Ok(match request {
        Request::Find(kind, filter) => {
            let (filter, paging) = (Some(filter.clone()), Paging::new(Some(1), Some(100)));
            let list = ListRequest { filter, sort: None, paging, projection: projection(*kind)? };
            match kind {
                Kind::User => users::list(services, caller, &list)?,
                Kind::Group => groups::list(services, caller, &list)?,
            };
            (200, None)
        }
        Request::Create(Kind::User, body) => {
            (201, Some(users::create(services, caller, body.clone(), &projection(Kind::User)?)?))
        }
        Request::Create(Kind::Group, body) => {
            (201, Some(groups::create(services, caller, body.clone(), &projection(Kind::Group)?)?))
        }
        Request::Replace(Kind::User, id, body) => {
            (200, Some(users::replace(services, caller, id, body.clone(), always, &projection(Kind::User)?)?))
        }
        Request::Replace(Kind::Group, id, body) => {
            (200, Some(groups::replace(services, caller, id, body.clone(), always, &projection(Kind::Group)?)?))
        }
        Request::Patch(kind, id, body) => {
            let (body, projection) = (body.clone(), projection(*kind)?);
            let patched = match kind {
                Kind::User => users::patch(services, caller, id, body, always, &projection)?,
                Kind::Group => groups::patch(services, caller, id, body, always, &projection)?,
            };
            (if patched.is_some() { 200 } else { 204 }, patched)
        }
        Request::Delete(kind, id) => {
            match kind {
                Kind::User => users::delete(services, caller, id, always)?,
                Kind::Group => groups::delete(services, caller, id, always)?,
            }
            (204, None)
        }
    })
}
