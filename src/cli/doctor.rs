//! `muster doctor`: checks a deployment and says what to do.

mod checks;
mod finding;

use clap::Args;
use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::config::{Flags, ServerFlags, ServerSettings, Settings};
use crate::db::{Database, IfMissing};

use super::error::CommandError;
use super::output;

use finding::Finding;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(doctor: &Doctor, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    let server = ServerSettings::load(flags, &doctor.server)?;
    let mut findings = about_database(settings);
    findings.push(checks::public_url(&server));
    for finding in &findings {
        output::line(&finding.to_string())?;
    }
    match findings.iter().filter(|finding| finding.is_error()).count() {
        0 => Ok(()),
        1 => Err(CommandError::Failed("one check found an error".to_owned())),
        errors => Err(CommandError::Failed(format!("{errors} checks found errors"))),
    }
}

/// One check after the other, as far as each lets the next begin.
fn about_database(settings: &Settings) -> Vec<Finding> {
    let database = match Database::open(settings.database_url.expose_secret(), IfMissing::Refuse) {
        Ok(database) => database,
        Err(error) => return vec![Finding::error("database", error.to_string())],
    };
    let mut findings = vec![checks::database(&database), checks::migrations(&database)];
    if !findings.iter().any(Finding::is_error) {
        findings.push(checks::root_key(settings, &database));
    }
    findings.push(checks::clock(&database, &Clock::system()));
    findings.push(checks::message_language(&database));
    findings
}
