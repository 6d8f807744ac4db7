//! A command at work on a database that is there and up to date, beside whatever servers run on it.

use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::config::Settings;
use crate::db::{Database, IfMissing};
use crate::ids;
use crate::live::{Live, LiveSettings};
use crate::model::{Actor, Caller, Destinations, OrganizationId};
use crate::outbound::{github_accounts, github_groups};
use crate::scim::schema::ResourceTypes;
use crate::service::Services;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::root_key;

/// Somebody at the command line of a database.
pub(super) struct Session {
    /// Administration of organizations, connections and credentials.
    pub(super) administration: Administration,
    /// The use cases of people and groups.
    pub(super) services: Services,
}

impl Session {
    /// Who acts in an organization.
    pub(super) fn caller(&self, organization: &OrganizationChoice) -> Result<Caller, CommandError> {
        Ok(self.caller_in(organization.find(&self.administration)?.id))
    }

    /// Who acts in the organization of an id.
    pub(super) fn caller_in(&self, organization: OrganizationId) -> Caller {
        let request = ids::request(self.services.clock.now());
        Caller::local(organization, Actor::CommandLine, request)
    }
}

/// Opens the database, works, and returns when everything is written.
pub(super) fn administer(
    settings: &Settings,
    work: impl FnOnce(&Administration) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    self::work(settings, |session| work(&session.administration))
}

/// Opens the database, works, and returns when everything is written.
pub(super) fn work(
    settings: &Settings,
    work: impl FnOnce(&Session) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let database = Database::open(settings.database_url.expose_secret(), IfMissing::Refuse)?;
    database.require_current()?;
    let root_key = root_key::load(settings, &database)?;
    let clock = Clock::system();
    let (live, threads) = Live::start(database, clock.clone(), LiveSettings { serves: false, root_key })?;
    live.allow_destinations(Destinations::new(settings.outbound_networks.clone()));
    live.fetch_accounts_with(github_accounts::fetcher());
    live.fetch_groups_with(github_groups::fetcher());
    let types = ResourceTypes::builtin().map_err(|error| CommandError::Failed(error.to_string()))?;
    let session = Session {
        administration: Administration::new(live.clone(), clock.clone(), Actor::CommandLine),
        services: Services { live, types, public_url: String::new(), clock },
    };
    let result = work(&session);
    drop(session);
    threads.join();
    result
}
