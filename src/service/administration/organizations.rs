//! Organizations: create, list, find.

use serde_json::json;

use crate::db::console::ConsoleRow;
use crate::db::console::accounts::AccountLink;
use crate::db::organizations::{self, Organization};
use crate::db::{AdministrationRow, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision, KeyError, Live};
use crate::model::reserved::{self, ReservedName};
use crate::model::{AccountId, Moment, Name, OrganizationId, ResourceId, Revision, Slug};

use super::{Administration, AdministrationError};

impl Administration {
    /// Creates an organization with its key.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another has the slug, [`AdministrationError::Unfitting`] for a reserved name.
    pub fn create_organization(&self, slug: &Slug, name: &Name) -> Result<Organization, AdministrationError> {
        self.create(slug, name, false, None)
    }

    /// Creates an organization for the certification of the Authorization API: its enforcement points are believed
    /// everything they say, roles too, and subjects are answered by name. Nothing for real people.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another has the slug, [`AdministrationError::Unfitting`] for a reserved name.
    pub fn create_certification(&self, slug: &Slug, name: &Name) -> Result<Organization, AdministrationError> {
        self.create(slug, name, true, None)
    }

    /// Creates an organization with its key, whose recovery administrator an account is from the start.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when another has the slug, [`AdministrationError::Unfitting`] for a reserved name.
    pub fn create_organization_of(
        &self,
        slug: &Slug,
        name: &Name,
        account: AccountId,
    ) -> Result<Organization, AdministrationError> {
        self.create(slug, name, false, Some(account))
    }

    /// Calls an organization something else, if it is called what the caller thinks.
    ///
    /// # Errors
    /// [`AdministrationError::InUse`] where somebody else renamed it meanwhile, [`AdministrationError::Unfitting`] for a
    /// reserved name.
    pub fn rename_organization(
        &self,
        id: OrganizationId,
        before: &str,
        name: &Name,
    ) -> Result<(), AdministrationError> {
        reserved::check_speaker(name.as_str()).map_err(|error| unfitting(&error))?;
        let cause = self.cause(id);
        self.live.write(&cause, |tx| {
            let now = organizations::by_id(tx, id)?.map(|organization| organization.name).unwrap_or_default();
            if now != before {
                let message = format!(
                    "somebody else called the organization `{now}` meanwhile, it was `{before}` when the page was \
                     opened, and you want `{name}`; load the page again to rename it once more"
                );
                return Err(AdministrationError::InUse(message));
            }
            if now == name.as_str() {
                return Ok(Decision::Unchanged(()));
            }
            let mut set = WriteSet::new(id);
            set.administration.push(AdministrationRow::RenameOrganization { before: now, name: name.to_string() });
            let details = json!({ "name": name.as_str() });
            set.events.push(cause.event(self.clock.now(), "organization.renamed", ResourceId::from(id), &details));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Suspends an organization, or lets it go on: while it is suspended nobody of it is admitted, whether by a token, a
    /// session, a link or an identity provider, and nothing is decided. When this returns, that holds on every server.
    /// Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn suspend_organization(&self, id: OrganizationId, suspended: bool) -> Result<(), AdministrationError> {
        let cause = self.cause(id);
        self.live.write(&cause, |tx| {
            let found = organizations::by_id(tx, id)?;
            let missing = || AdministrationError::NotFound("there is no such organization".to_owned());
            if found.ok_or_else(missing)?.suspended_at.is_some() == suspended {
                return Ok(Decision::Unchanged(()));
            }
            let now = self.clock.now();
            let mut set = WriteSet::new(id);
            // Of all that is in memory of it nothing counts any more.
            set.takes_revision = true;
            set.takes_access = suspended;
            set.administration.push(AdministrationRow::SuspendOrganization { at: suspended.then_some(now) });
            let action = if suspended { "organization.suspended" } else { "organization.resumed" };
            set.events.push(cause.event(now, action, ResourceId::from(id), &json!({})));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    fn create(
        &self,
        slug: &Slug,
        name: &Name,
        certification: bool,
        recovery: Option<AccountId>,
    ) -> Result<Organization, AdministrationError> {
        for name in [slug.as_str(), name.as_str()] {
            reserved::check_speaker(name).map_err(|error| unfitting(&error))?;
        }
        let id = ids::organization(self.clock.now());
        let cause = self.cause(id);
        self.live.write(&cause, |tx| {
            if organizations::is_taken(tx, slug.as_str())? {
                return Err(AdministrationError::Taken(format!("an organization `{slug}` exists already")));
            }
            let mut set = WriteSet::new(id);
            add(&mut set, &self.live, &cause, self.clock.now(), (slug.as_str(), name.as_str(), certification))?;
            if let Some(account) = recovery {
                let link = AccountLink { account, user: None, created_at: self.clock.now() };
                set.administration.push(AdministrationRow::Console(ConsoleRow::Link(link)));
                let details = json!({ "recovery": true });
                set.events.push(cause.event(self.clock.now(), "account.joined", account.into(), &details));
            }
            let (slug, name, revision) = (slug.to_string(), name.to_string(), Revision::default());
            let suspended_at = None;
            let organization = Organization { id, slug, name, revision, certification, suspended_at };
            Ok(Decision::Write(Box::new(set), organization))
        })
    }

    /// One organization.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn organization(&self, id: OrganizationId) -> Result<Organization, AdministrationError> {
        let found = self.live.read(|tx| organizations::by_id(tx, id))?;
        found.ok_or_else(|| AdministrationError::NotFound("there is no such organization".to_owned()))
    }

    /// Every organization, by slug.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn organizations(&self) -> Result<Vec<Organization>, AdministrationError> {
        self.live.read(organizations::list).map_err(AdministrationError::Database)
    }
}

fn unfitting(error: &ReservedName) -> AdministrationError {
    AdministrationError::Unfitting(error.to_string())
}

/// The rows of a new organization.
pub(super) fn add(
    set: &mut WriteSet,
    live: &Live,
    cause: &Cause,
    now: Moment,
    (slug, name, certification): (&str, &str, bool),
) -> Result<(), KeyError> {
    let id = set.organization;
    set.administration.push(AdministrationRow::Organization {
        id,
        slug: slug.to_owned(),
        name: name.to_owned(),
        created_at: now,
        certification,
    });
    set.administration.push(AdministrationRow::Key(live.new_organization_key(id, now)?));
    set.events.push(cause.event(now, "organization.created", ResourceId::from(id), &json!({ "slug": slug })));
    Ok(())
}
