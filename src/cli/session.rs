//! A command at work on a database that is there and up to date, beside whatever servers run on it.

use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::config::Settings;
use crate::db::{Database, IfMissing};
use crate::live::{Live, LiveSettings};
use crate::model::Actor;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::root_key;

/// Opens the database, works, and returns when everything is written.
pub(super) fn administer(
    settings: &Settings,
    work: impl FnOnce(&Administration) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let database = Database::open(settings.database_url.expose_secret(), IfMissing::Refuse)?;
    database.require_current()?;
    let root_key = root_key::load(settings, &database)?;
    let clock = Clock::system();
    let (live, threads) = Live::start(database, clock.clone(), LiveSettings { serves: false, root_key })?;
    let administration = Administration::new(live, clock, Actor::CommandLine);
    let result = work(&administration);
    drop(administration);
    threads.join();
    result
}
