//! What an empty database begins with.

use zeroize::Zeroizing;

use crate::db::organizations;
use crate::ids;
use crate::live::Decision;
use crate::model::{Believed, Connection, CredentialKind, Profile};

use super::{Administration, AdministrationError, connections, decisive, tokens};

impl Administration {
    /// Makes organization `default`, connection `default` and a SCIM token, all or none, where there is no organization
    /// yet; answers the token to show this once.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub fn set_up_when_empty(&self, valid_micros: i64) -> Result<Option<Zeroizing<String>>, AdministrationError> {
        let id = ids::organization(self.clock.now());
        let cause = self.cause(id);
        let written = self.live.write(&cause, |tx| {
            if !organizations::list(tx)?.is_empty() {
                return Ok(Decision::Unchanged(None));
            }
            let now = self.clock.now();
            let mut set = decisive(id, Vec::new());
            super::organizations::add(&mut set, &self.live, &cause, now, ("default", "Default", false))?;
            let connection = Connection {
                organization: id,
                id: ids::connection(now),
                name: "default".to_owned(),
                profile: Profile::Default,
                paused: false,
                assigns_roles: false,
                asynchronous: false,
            };
            connections::add(&mut set, &cause, now, &connection);
            let (_, token) = tokens::add(
                &mut set,
                &cause,
                now,
                (CredentialKind::Scim, connection.id, valid_micros),
                Believed::default(),
            )?;
            Ok(Decision::Write(Box::new(set), Some(token)))
        });
        match written {
            // Another server on the same new database was faster.
            Err(AdministrationError::Taken(_)) => Ok(None),
            other => other,
        }
    }
}
