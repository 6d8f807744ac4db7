//! Connections: create, list, rename, pause, resume.

use serde_json::json;

use crate::db::{AdministrationRow, Tx, WriteSet, organizations};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{
    Connection, ConnectionId, ConnectionName, Moment, OrganizationId, Precondition, Profile, ResourceId, fold,
};

use super::{Administration, AdministrationError, decisive};

impl Administration {
    /// Creates a connection. Names that differ in case only count as one.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another of the organization has the name; [`AdministrationError::Unfitting`] for the
    /// profile of mirrors.
    pub fn create_connection(
        &self,
        organization: OrganizationId,
        name: &ConnectionName,
        profile: Profile,
    ) -> Result<Connection, AdministrationError> {
        if profile == Profile::Github {
            let message = "connections of the profile `github` come with a mirror; see `muster mirror set`".to_owned();
            return Err(AdministrationError::Unfitting(message));
        }
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two commands from taking spellings of one name at once.
            let seen = organizations::revision(tx, organization)?;
            if let Some(other) = find(tx, organization, name)? {
                return Err(taken(&other));
            }
            let now = self.clock.now();
            let connection = Connection {
                organization,
                id: ids::connection(now),
                name: name.to_string(),
                profile,
                paused: false,
                assigns_roles: false,
            };
            let mut set = decisive(organization, Vec::new());
            set.only_at = seen;
            add(&mut set, &cause, now, &connection);
            Ok(Decision::Write(Box::new(set), connection))
        })
    }

    /// Pauses a connection named by its name, or lets it go on. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn pause_connection(
        &self,
        organization: OrganizationId,
        name: &ConnectionName,
        paused: bool,
    ) -> Result<Connection, AdministrationError> {
        let id = self.live.read(|tx| found(tx, organization, name))?.id;
        let change = ConnectionChange { name: None, paused: Some(paused) };
        self.change_connection(organization, id, &change, &Precondition::None)
    }

    /// Changes a connection; what is as wanted already stays as it is and has no event.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Taken`] when another has the name, and
    /// [`AdministrationError::PreconditionFailed`].
    pub fn change_connection(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        change: &ConnectionChange,
        precondition: &Precondition,
    ) -> Result<Connection, AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two changes from taking spellings of one name at once.
            let seen = organizations::revision(tx, organization)?;
            let mut connection = by_id(tx, organization, id)?;
            if !precondition.allows(&connection.entity_tag()) {
                let message = "the connection is not as `If-Match` says; read it again".to_owned();
                return Err(AdministrationError::PreconditionFailed(message));
            }
            let now = self.clock.now();
            let mut set = decisive(organization, Vec::new());
            set.only_at = seen;
            if let Some(name) = change.name.as_ref().filter(|name| name.as_str() != connection.name) {
                if let Some(other) = find(tx, organization, name)?.filter(|other| other.id != id) {
                    return Err(taken(&other));
                }
                let details = json!({ "before": connection.name, "after": name.as_str() });
                set.events.push(cause.event(now, "connection.renamed", id.into(), &details));
                connection.name = name.to_string();
                set.administration.push(AdministrationRow::RenameConnection { id, name: name.to_string() });
            }
            if let Some(paused) = change.paused.filter(|paused| *paused != connection.paused) {
                let action = if paused { "connection.paused" } else { "connection.resumed" };
                set.events.push(cause.event(now, action, id.into(), &json!({ "name": connection.name })));
                connection.paused = paused;
                set.takes_access = paused;
                set.administration.push(AdministrationRow::PauseConnection { id, paused });
            }
            if set.administration.is_empty() {
                return Ok(Decision::Unchanged(connection));
            }
            Ok(Decision::Write(Box::new(set), connection))
        })
    }

    /// One connection, by its name.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn connection_named(
        &self,
        organization: OrganizationId,
        name: &ConnectionName,
    ) -> Result<Connection, AdministrationError> {
        self.live.read(|tx| found(tx, organization, name))
    }

    /// One connection.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn connection(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<Connection, AdministrationError> {
        self.live.read(|tx| by_id(tx, organization, id))
    }

    /// The connections of an organization, by name.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn connections(&self, organization: OrganizationId) -> Result<Vec<Connection>, AdministrationError> {
        Ok(self.live.read(|tx| organizations::connections(tx, organization))?)
    }
}

/// What is to be different about a connection; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// Another name.
    pub name: Option<ConnectionName>,
    /// Whether writes are refused.
    pub paused: Option<bool>,
}

pub(in crate::service) fn taken(other: &Connection) -> AdministrationError {
    AdministrationError::Taken(format!("a connection `{}` exists already in the organization", other.name))
}

/// The connection of an id, which must be there.
pub(super) fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
) -> Result<Connection, AdministrationError> {
    let connection = organizations::connection(tx, organization, id)?;
    connection.ok_or_else(|| AdministrationError::NotFound(format!("the organization has no connection of id `{id}`")))
}

/// The rows of a new connection.
pub(in crate::service) fn add(set: &mut WriteSet, cause: &Cause, now: Moment, connection: &Connection) {
    let details = json!({ "name": connection.name, "profile": connection.profile.as_str() });
    set.administration.push(AdministrationRow::Connection { connection: connection.clone(), created_at: now });
    set.events.push(cause.event(now, "connection.created", ResourceId::from(connection.id), &details));
}

/// The connection of a name, which must be there.
pub(super) fn found(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name: &ConnectionName,
) -> Result<Connection, AdministrationError> {
    find(tx, organization, name)?.ok_or_else(|| {
        AdministrationError::NotFound(format!(
            "the organization has no connection `{name}`; `muster connection list` shows them"
        ))
    })
}

pub(in crate::service) fn find(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name: &ConnectionName,
) -> Result<Option<Connection>, AdministrationError> {
    let key = fold(name.as_str());
    Ok(organizations::connections(tx, organization)?.into_iter().find(|connection| fold(&connection.name) == key))
}
