//! Tokens: issue, list, revoke.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::access;
use crate::db::credentials::{self, StoredCredential};
use crate::db::{AdministrationRow, Tx, WriteSet, organizations};
use crate::ids::{self, RandomError};
use crate::live::{Cause, Decision, Token};
use crate::model::{
    Believed, Connection, ConnectionId, ConnectionName, Credential, CredentialId, CredentialKind, Moment,
    OrganizationId, Profile, ResourceId,
};

use super::connections::{by_id, found};
use super::{Administration, AdministrationError, decisive};

/// What a new token is for.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The organization it opens.
    pub organization: OrganizationId,
    /// What it is good for.
    pub kind: CredentialKind,
    /// The connection it provisions for: kind `scim` needs one and takes the only one there is; other kinds have none.
    pub connection: Option<ConnectionName>,
    /// How long it is good, microseconds.
    pub valid_micros: i64,
}

/// What became of a credential that was to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It admits nobody from now on.
    Revoked,
    /// It was revoked already.
    AlreadyRevoked,
}

impl Administration {
    /// Issues a token; the text is shown this once and kept nowhere.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] and [`AdministrationError::Unfitting`] for the connection.
    pub fn issue_token(&self, wanted: &NewToken) -> Result<Zeroizing<String>, AdministrationError> {
        let cause = self.cause(wanted.organization);
        self.live.write(&cause, |tx| {
            let connection = connection_for(tx, wanted)?;
            let now = self.clock.now();
            let believed = believed(tx, wanted.organization, None)?;
            let mut set = decisive(wanted.organization, Vec::new());
            let (_, text) = add(&mut set, &cause, now, (wanted.kind, connection, wanted.valid_micros), believed)?;
            Ok(Decision::Write(Box::new(set), text))
        })
    }

    /// Issues a credential for a connection named by its id; answers its id and its token, which is shown this once.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] and [`AdministrationError::Unfitting`] for the connection.
    pub fn issue_credential(
        &self,
        organization: OrganizationId,
        kind: CredentialKind,
        connection: Option<ConnectionId>,
        valid_micros: i64,
    ) -> Result<(CredentialId, Zeroizing<String>), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let connection = match (kind, connection) {
                (CredentialKind::Scim, Some(id)) => provisioned(by_id(tx, organization, id)?)?,
                (CredentialKind::Scim, None) => {
                    let message = "a credential of kind `scim` provisions for a connection; name it".to_owned();
                    return Err(AdministrationError::Unfitting(message));
                }
                (_, None) => ConnectionId::NOBODY,
                (_, Some(_)) => {
                    let message = "only credentials of kind `scim` belong to a connection; name none".to_owned();
                    return Err(AdministrationError::Unfitting(message));
                }
            };
            let believed = believed(tx, organization, None)?;
            let mut set = decisive(organization, Vec::new());
            let issued = add(&mut set, &cause, self.clock.now(), (kind, connection, valid_micros), believed)?;
            Ok(Decision::Write(Box::new(set), issued))
        })
    }

    /// Issues a credential as [`Administration::issue_credential`] does, if `newest` is still the newest one of the
    /// organization: what asks twice, and of two who ask at once the second, makes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] if another was made since.
    pub fn issue_next_credential(
        &self,
        organization: OrganizationId,
        (kind, connection): (CredentialKind, ConnectionId),
        valid_micros: i64,
        newest: Option<CredentialId>,
    ) -> Result<(CredentialId, Zeroizing<String>), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let state = access::state(tx, organization)?;
            if newest_of(&credentials::list(tx, organization)?) != newest {
                let message = "a token was made since you looked, by you or by somebody else".to_owned();
                return Err(AdministrationError::Taken(message));
            }
            let believed = believed(tx, organization, None)?;
            let mut set = decisive(organization, Vec::new());
            set.access_state = Some(state);
            let issued = add(&mut set, &cause, self.clock.now(), (kind, connection, valid_micros), believed)?;
            Ok(Decision::Write(Box::new(set), issued))
        })
    }

    /// Issues a credential of kind `pep` whose caller is believed these things, or the usual ones; answers its id and its
    /// token, which is shown this once.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn issue_enforcement_point(
        &self,
        organization: OrganizationId,
        wanted: Option<&Believed>,
        valid_micros: i64,
    ) -> Result<(CredentialId, Zeroizing<String>), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let believed = believed(tx, organization, wanted)?;
            let mut set = decisive(organization, Vec::new());
            let asks = (CredentialKind::Pep, ConnectionId::NOBODY, valid_micros);
            let issued = add(&mut set, &cause, self.clock.now(), asks, believed)?;
            Ok(Decision::Write(Box::new(set), issued))
        })
    }

    /// One credential.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn credential(
        &self,
        organization: OrganizationId,
        id: CredentialId,
    ) -> Result<StoredCredential, AdministrationError> {
        self.live.read(|tx| credential(tx, organization, id))
    }

    /// Revokes a credential. When this returns, no server admits it any more.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn revoke_token(
        &self,
        organization: OrganizationId,
        id: CredentialId,
    ) -> Result<Revocation, AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let stored = credential(tx, organization, id)?;
            if stored.credential.revoked_at.is_some() {
                return Ok(Decision::Unchanged(Revocation::AlreadyRevoked));
            }
            let now = self.clock.now();
            let mut set = decisive(organization, vec![AdministrationRow::RevokeCredential { id, at: now }]);
            set.takes_access = true;
            let details = json!({ "kind": stored.credential.kind.as_str() });
            set.events.push(cause.event(now, "credential.revoked", ResourceId::from(id), &details));
            Ok(Decision::Write(Box::new(set), Revocation::Revoked))
        })
    }

    /// Every credential of an organization, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn tokens(&self, organization: OrganizationId) -> Result<Vec<StoredCredential>, AdministrationError> {
        Ok(self.live.read(|tx| credentials::list(tx, organization))?)
    }

    /// The credentials behind an id, oldest first, at most `limit`, revoked and expired ones too.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn tokens_after(
        &self,
        organization: OrganizationId,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<StoredCredential>, AdministrationError> {
        Ok(self.live.read(|tx| credentials::page(tx, organization, after, limit))?)
    }
}

/// The newest of credentials, expired and revoked ones too.
pub fn newest_of(credentials: &[StoredCredential]) -> Option<CredentialId> {
    credentials.iter().map(|stored| stored.credential.id).max()
}

fn credential(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: CredentialId,
) -> Result<StoredCredential, AdministrationError> {
    credentials::by_id(tx, organization, id)?.ok_or_else(|| {
        AdministrationError::NotFound(format!(
            "the organization has no token of id `{id}`; `muster token list` shows them"
        ))
    })
}

/// The rows of a new credential; answers its id and its token.
pub(super) fn add(
    set: &mut WriteSet,
    cause: &Cause,
    now: Moment,
    (kind, connection, valid_micros): (CredentialKind, ConnectionId, i64),
    believed: Believed,
) -> Result<(CredentialId, Zeroizing<String>), RandomError> {
    let id = ids::credential(now);
    let (text, secret_hash) = Token::issue(kind, set.organization, id)?;
    let credential = Credential {
        organization: set.organization,
        id,
        kind,
        connection,
        believed,
        secret_hash,
        expires_at: now.plus_micros(valid_micros),
        revoked_at: None,
    };
    let details = json!({
        "kind": kind.as_str(),
        "connection": (!connection.is_nobody()).then(|| connection.to_string()),
        "expires": credential.expires_at.to_string(),
        "believed": (kind == CredentialKind::Pep).then(|| credential.believed.names()),
    });
    set.administration.push(AdministrationRow::Credential { credential, created_at: now });
    set.events.push(cause.event(now, "credential.issued", ResourceId::from(id), &details));
    Ok((id, text))
}

/// What a new credential's caller is believed, if nothing else is wanted.
fn believed(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    wanted: Option<&Believed>,
) -> Result<Believed, AdministrationError> {
    let made_for = organizations::by_id(tx, organization)?;
    let everything = made_for.is_some_and(|organization| organization.certification);
    let usual = || if everything { Believed::Everything } else { Believed::default() };
    Ok(wanted.cloned().unwrap_or_else(usual))
}

/// A connection somebody may provision over.
fn provisioned(connection: Connection) -> Result<ConnectionId, AdministrationError> {
    if connection.profile == Profile::Github {
        let message = format!(
            "the groups of the connection `{}` come from GitHub alone; no token is issued for it",
            connection.name
        );
        return Err(AdministrationError::Unfitting(message));
    }
    Ok(connection.id)
}

fn provisioned_all(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Connection>, AdministrationError> {
    let all = organizations::connections(tx, organization)?;
    Ok(all.into_iter().filter(|connection| connection.profile != Profile::Github).collect())
}

fn connection_for(tx: &mut Tx<'_>, wanted: &NewToken) -> Result<ConnectionId, AdministrationError> {
    let unfitting = |message: &str| Err(AdministrationError::Unfitting(message.to_owned()));
    match (wanted.kind, &wanted.connection) {
        (CredentialKind::Scim, Some(name)) => provisioned(found(tx, wanted.organization, name)?),
        (CredentialKind::Scim, None) => match provisioned_all(tx, wanted.organization)?.as_slice() {
            [Connection { id, .. }] => Ok(*id),
            [] => unfitting("the organization has no connection yet; make one with `muster connection create`"),
            _ => unfitting("the organization has several connections; name one with `--connection`"),
        },
        (_, None) => Ok(ConnectionId::NOBODY),
        (_, Some(_)) => unfitting("only tokens of kind `scim` belong to a connection; leave out `--connection`"),
    }
}
