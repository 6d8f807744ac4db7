//! Downstream systems: add, list, remove, and say whose an account is.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::reconciliations::{self, DownstreamSystem, GithubSource, ReconciliationRow};
use crate::db::{AdministrationRow, Tx, WriteSet, mirrors, users};
use crate::ids;
use crate::live::Decision;
use crate::model::{Name, OrganizationId, ResourceId, UserId, fold, limits};
use crate::service::administration::{Administration, AdministrationError};

use super::Result;

/// Where the accounts of a system are fetched.
#[derive(Debug, Clone)]
pub struct Source {
    /// The organization at GitHub.
    pub organization: String,
    /// Where GitHub's API stands.
    pub api: String,
    /// The token it is asked with: it needs to read members only.
    pub token: Zeroizing<String>,
}

/// A system to be added.
#[derive(Debug, Clone)]
pub struct NewSystem {
    /// Its name.
    pub name: Name,
    /// Where its accounts are fetched; nothing where lists are uploaded.
    pub github: Option<Source>,
}

impl Administration {
    /// Adds a downstream system.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another has the name, [`AdministrationError::Unfitting`].
    pub fn add_system(&self, organization: OrganizationId, wanted: &NewSystem) -> Result<DownstreamSystem> {
        if let Some(github) = &wanted.github {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if github.organization.is_empty() || !github.organization.chars().all(plain) {
                let message = format!("`{}` is no organization of GitHub", github.organization);
                return Err(AdministrationError::Unfitting(message));
            }
            self.permit(&github.api)?;
        }
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let others = reconciliations::systems(tx, organization)?;
            let name_key = fold(wanted.name.as_str());
            if others.iter().any(|other| other.name_key == name_key) {
                let message = format!("a system `{}` exists already in the organization", wanted.name);
                return Err(AdministrationError::Taken(message));
            }
            if others.len() >= limits::DOWNSTREAM_SYSTEMS {
                let message = "the organization has as many systems as it may; remove one".to_owned();
                return Err(AdministrationError::Unfitting(message));
            }
            let now = self.clock.now();
            let id = ids::resource(now);
            let github = match &wanted.github {
                None => None,
                Some(github) => Some(GithubSource {
                    organization: github.organization.clone(),
                    api: github.api.trim_end_matches('/').to_owned(),
                    secret: self.live.seal_secret(tx, organization, id, &github.token)?,
                }),
            };
            let system = DownstreamSystem { id, name: wanted.name.to_string(), name_key, github, created_at: now };
            let details = json!({ "name": system.name, "fetched": system.github.is_some() });
            let mut set = one(organization, ReconciliationRow::System(Box::new(system.clone())));
            set.events.push(cause.event(now, "system.added", id, &details));
            Ok(Decision::Write(Box::new(set), system))
        })
    }

    /// Compares a system no more; what was found of it stays on record.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`]; [`AdministrationError::InUse`] while its groups are mirrored.
    pub fn remove_system(&self, organization: OrganizationId, id: ResourceId) -> Result<()> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let system = found(tx, organization, id)?;
            if mirrors::of_system(tx, organization, id)?.is_some() {
                let message = "its groups are mirrored; remove the mirror first".to_owned();
                return Err(AdministrationError::InUse(message));
            }
            let now = self.clock.now();
            let mut set = one(organization, ReconciliationRow::RemoveSystem(id, now));
            set.events.push(cause.event(now, "system.removed", id, &json!({ "name": system.name })));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// The downstream systems of an organization, by name.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn systems(&self, organization: OrganizationId) -> Result<Vec<DownstreamSystem>> {
        Ok(self.live.read(|tx| reconciliations::systems(tx, organization))?)
    }

    /// Says whose an account is: its identifier there, or its name where it has none.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for a system or somebody the organization does not have.
    pub fn tie_account(
        &self,
        organization: OrganizationId,
        system: ResourceId,
        account: &str,
        user: UserId,
    ) -> Result<()> {
        if account.is_empty() || account.chars().count() > limits::NAME_CHARACTERS {
            let message = format!("`account` must hold 1 to {} characters", limits::NAME_CHARACTERS);
            return Err(AdministrationError::Unfitting(message));
        }
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            found(tx, organization, system)?;
            if users::even_deleted(tx, organization, user)?.is_none() {
                return Err(AdministrationError::NotFound("the organization has no such user".to_owned()));
            }
            let row = ReconciliationRow::Owner { system, account: account.to_owned(), user };
            let mut set = one(organization, row);
            let details = json!({ "system": system.to_string() });
            set.events.push(cause.event(self.clock.now(), "account.tied", user.into(), &details));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Says that nobody knows whose an account is.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn untie_account(&self, organization: OrganizationId, system: ResourceId, account: &str) -> Result<()> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            found(tx, organization, system)?;
            let owners = reconciliations::owners(tx, organization, system)?;
            let Some((_, user)) = owners.iter().find(|(name, _)| name == account) else {
                return Err(AdministrationError::NotFound("the account is tied to nobody".to_owned()));
            };
            let mut set = one(organization, ReconciliationRow::RemoveOwner(system, account.to_owned()));
            let details = json!({ "system": system.to_string() });
            set.events.push(cause.event(self.clock.now(), "account.untied", (*user).into(), &details));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }
}

fn one(organization: OrganizationId, row: ReconciliationRow) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.administration.push(AdministrationRow::Reconciliation(row));
    set
}

pub(in crate::service) fn found(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
) -> Result<DownstreamSystem> {
    let missing = || AdministrationError::NotFound("the organization has no such system".to_owned());
    reconciliations::systems(tx, organization)?.into_iter().find(|system| system.id == id).ok_or_else(missing)
}
