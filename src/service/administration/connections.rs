//! Connections: create, list, pause, resume.

use serde_json::json;

use crate::db::{AdministrationRow, Tx, WriteSet, organizations};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Connection, ConnectionName, Moment, OrganizationId, Profile, ResourceId, fold};

use super::{Administration, AdministrationError, decisive};

impl Administration {
    /// Creates a connection. Names that differ in case only count as one.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another of the organization has the name.
    pub fn create_connection(
        &self,
        organization: OrganizationId,
        name: &ConnectionName,
        profile: Profile,
    ) -> Result<Connection, AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two commands from taking spellings of one name at once.
            let seen = organizations::revision(tx, organization)?;
            if let Some(other) = find(tx, organization, name)? {
                let message = format!("a connection `{}` exists already in the organization", other.name);
                return Err(AdministrationError::Taken(message));
            }
            let now = self.clock.now();
            let connection =
                Connection { organization, id: ids::connection(now), name: name.to_string(), profile, paused: false };
            let mut set = decisive(organization, Vec::new());
            set.only_at = seen;
            add(&mut set, &cause, now, &connection);
            Ok(Decision::Write(Box::new(set), connection))
        })
    }

    /// Pauses a connection, or lets it go on. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn pause_connection(
        &self,
        organization: OrganizationId,
        name: &ConnectionName,
        paused: bool,
    ) -> Result<Connection, AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let mut connection = found(tx, organization, name)?;
            if connection.paused == paused {
                return Ok(Decision::Unchanged(connection));
            }
            connection.paused = paused;
            let mut set =
                decisive(organization, vec![AdministrationRow::PauseConnection { id: connection.id, paused }]);
            set.takes_access = paused;
            let action = if paused { "connection.paused" } else { "connection.resumed" };
            let resource = ResourceId::from(connection.id);
            set.events.push(cause.event(self.clock.now(), action, resource, &json!({ "name": connection.name })));
            Ok(Decision::Write(Box::new(set), connection))
        })
    }

    /// The connections of an organization, by name.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn connections(&self, organization: OrganizationId) -> Result<Vec<Connection>, AdministrationError> {
        Ok(self.live.read(|tx| organizations::connections(tx, organization))?)
    }
}

/// The rows of a new connection.
pub(super) fn add(set: &mut WriteSet, cause: &Cause, now: Moment, connection: &Connection) {
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

fn find(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name: &ConnectionName,
) -> Result<Option<Connection>, AdministrationError> {
    let key = fold(name.as_str());
    Ok(organizations::connections(tx, organization)?.into_iter().find(|connection| fold(&connection.name) == key))
}
