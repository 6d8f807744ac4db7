//! `muster migrate`.

use secrecy::ExposeSecret;

use crate::config::Settings;
use crate::db::{Database, IfMissing};

use super::error::CommandError;
use super::output;

pub(super) fn run(settings: &Settings) -> Result<(), CommandError> {
    let database = Database::open(settings.database_url.expose_secret(), IfMissing::Create)?;
    match database.migrate()? {
        0 => output::line("the database is up to date"),
        1 => output::line("ran 1 migration; the database is up to date"),
        ran => output::line(&format!("ran {ran} migrations; the database is up to date")),
    }
}
