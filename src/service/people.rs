//! People and groups as administrators see and keep them: all of the organization, whichever connection made them.
//!
//! What a connection sends is not changed here; what no connection manages is, by the same use cases as over SCIM. An
//! administrator may suspend anybody.

mod access;
mod find;
pub(in crate::service) mod giving;
pub mod groups;
pub mod idle;
mod listed;
mod local;
pub mod many;
mod narrowing;
mod search;
mod seen;
mod suspension;
pub mod table;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

pub use crate::db::users::Status;
use crate::db::users::StoredUser;
use crate::db::{DatabaseError, Tx, organizations, users};
use crate::model::{Caller, ConnectionId, Moment, OrganizationId, Precondition, ResourceId, UserId, Version};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

pub use crate::db::directory::DirectoryGroup;
pub use access::{Held, Passed, PersonAccess, access, held};
pub use find::find;
pub use listed::{Listed, Listing, Order, list, sources};
pub(super) use local::check_names;
pub use local::{change, create, delete};
pub use search::{Found, Search, search};
pub use seen::{LastSeen, last_seen};
pub use suspension::{reinstate, suspend};

/// A connection, as whatever it manages names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Its identifier.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
}

/// Whether a person may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May act.
    Active,
    /// A leaver who may come back.
    Inactive,
    /// Barred by an administrator.
    Suspended,
}

impl Standing {
    /// The name in answers and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Suspended].into_iter().find(|standing| standing.as_str() == name)
    }
}

/// A user of the organization.
#[derive(Debug, Clone)]
pub struct Person {
    /// Its identifier.
    pub id: UserId,
    /// The connection that manages it; `None` for a local user.
    pub manager: Option<Manager>,
    /// Since when an administrator bars it.
    pub suspended_at: Option<Moment>,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed, suspensions left out.
    pub modified_at: Moment,
    /// The attributes of the SCIM resource, without id, meta and groups.
    pub attributes: Map<String, Value>,
    version: Version,
}

impl Person {
    pub(in crate::service) fn new(
        user: StoredUser,
        managers: &HashMap<ConnectionId, Manager>,
    ) -> Result<Self, ServiceError> {
        let attributes = serde_json::from_str(&user.document)
            .map_err(|error| ServiceError::Internal(format!("a stored document cannot be read: {error}")))?;
        Ok(Self {
            id: user.id,
            manager: managers.get(&user.connection).cloned(),
            suspended_at: user.suspended_at,
            created_at: user.created_at,
            modified_at: user.modified_at,
            attributes,
            version: user.version,
        })
    }

    /// An attribute that is text; empty where it has none.
    pub fn text(&self, name: &str) -> &str {
        self.attributes.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the connection, or the local administrator, says: `active` of the SCIM resource.
    pub fn active(&self) -> bool {
        self.attributes.get("active").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whether the person may act.
    pub fn standing(&self) -> Standing {
        match (self.suspended_at, self.active()) {
            (Some(_), _) => Standing::Suspended,
            (None, true) => Standing::Active,
            (None, false) => Standing::Inactive,
        }
    }

    /// Its entity tag, quotes included: of the SCIM resource, and whether it is suspended.
    pub fn entity_tag(&self) -> String {
        let tag = self.version.entity_tag(self.id.into());
        match self.suspended_at {
            None => tag,
            Some(since) => format!("{}-{}\"", tag.trim_end_matches('"'), since.as_micros()),
        }
    }

    fn check(&self, precondition: &Precondition) -> Result<(), ServiceError> {
        if precondition.allows(&self.entity_tag()) {
            return Ok(());
        }
        Err(ScimError::PreconditionFailed("the user is not as `If-Match` says; read it again".to_owned()).into())
    }
}

/// How many users the organization has.
///
/// # Errors
/// [`ServiceError`].
pub fn count(services: &Services, caller: &Caller) -> Result<i64, ServiceError> {
    let totals = services.live.read(|tx| {
        organizations::totals(tx, caller.organization, ConnectionId::NOBODY, crate::db::ResourceKind::User)
    })?;
    Ok(totals.present)
}

/// One user, and the groups it is directly in.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn read(services: &Services, caller: &Caller, id: UserId) -> Result<(Person, Vec<DirectoryGroup>), ServiceError> {
    services.live.read(|tx| {
        let person = load(tx, caller.organization, id)?;
        Ok((person, crate::db::directory::groups_of(tx, caller.organization, id)?))
    })
}

/// The users of these ids that are there.
///
/// # Errors
/// [`ServiceError`].
pub fn by_ids(services: &Services, caller: &Caller, ids: &BTreeSet<ResourceId>) -> Result<Vec<Person>, ServiceError> {
    let ids: Vec<ResourceId> = ids.iter().copied().collect();
    services.live.read(|tx| {
        let managers = managers(tx, caller.organization)?;
        let rows = users::by_ids(tx, caller.organization, &ids)?;
        rows.into_iter().map(|row| Person::new(row, &managers)).collect()
    })
}

/// When a person's standing changed, and to what, oldest first.
///
/// # Errors
/// [`ServiceError`].
pub fn turns(services: &Services, caller: &Caller, id: UserId) -> Result<Vec<(Moment, Status)>, ServiceError> {
    let rows =
        services.live.read::<_, ServiceError>(|tx| Ok(crate::db::history::statuses(tx, caller.organization, id)?))?;
    Ok(rows.into_iter().map(|row| (row.since, row.status)).collect())
}

/// Whether nobody active would be `admin` at `/` without a person.
///
/// # Errors
/// [`ServiceError`].
pub fn is_last_administrator(services: &Services, caller: &Caller, id: UserId) -> Result<bool, ServiceError> {
    use crate::service::access::administrators::{Taken, keep_one};
    use crate::service::administration::AdministrationError;
    let now = services.clock.now();
    let taken = Taken { users: [id].into(), ..Taken::default() };
    match services.live.read(|tx| keep_one(tx, caller.organization, now, &taken)) {
        Ok(_) => Ok(false),
        Err(AdministrationError::InUse(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The connections of an organization, by their ids.
///
/// # Errors
/// [`DatabaseError`].
pub fn managers(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
) -> Result<HashMap<ConnectionId, Manager>, DatabaseError> {
    let connections = organizations::connections(tx, organization)?;
    Ok(connections.into_iter().map(|it| (it.id, Manager { id: it.id, name: it.name })).collect())
}

fn load(tx: &mut Tx<'_>, organization: OrganizationId, id: UserId) -> Result<Person, ServiceError> {
    Person::new(stored(tx, organization, id)?, &managers(tx, organization)?)
}

fn stored(tx: &mut Tx<'_>, organization: OrganizationId, id: UserId) -> Result<StoredUser, ServiceError> {
    users::by_id(tx, organization, id)?.ok_or_else(|| ScimError::NotFound(format!("there is no user `{id}`")).into())
}
