//! `muster brake`.

use clap::{Args, Subcommand};

use crate::config::Settings;
use crate::model::{Brake, BrakeError, ConnectionId, ConnectionName, LEAST_OBJECTS, OrganizationId, ResourceId};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

/// How many quarantines are listed.
const LISTED: i64 = 100;

#[derive(Debug, Args)]
pub(super) struct Wanted {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The connection
    connection: ConnectionName,
    /// Fires when more than this share of the organization's people leave over it, or of its groups are deleted, in percent
    #[arg(long, default_value_t = 20)]
    share: i64,
    /// And at least so many people and groups
    #[arg(long, default_value_t = LEAST_OBJECTS)]
    least: i64,
    /// Within so many minutes
    #[arg(long, default_value_t = 10)]
    minutes: i64,
}

#[derive(Debug, Subcommand)]
pub(super) enum BrakeCommand {
    /// Set the brake of a connection
    Set(Wanted),
    /// Take the brake of a connection off; what it holds stays held
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The connection
        connection: ConnectionName,
    },
    /// Say when a brake would have fired in the last 90 days
    Rehearse(Wanted),
    /// List the quarantines, newest first
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// It was meant: whoever left stays gone
    Release {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The quarantine
        id: ResourceId,
    },
    /// It was a mistake: whoever left has again what was cut off
    Restore {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The quarantine
        id: ResourceId,
    },
}

impl Wanted {
    fn read(&self, administration: &Administration) -> Result<(OrganizationId, ConnectionId, Brake), CommandError> {
        let unfit = |error: BrakeError| CommandError::Usage(error.to_string());
        let brake = Brake::new(self.share, self.least, self.minutes).map_err(unfit)?;
        let organization = self.organization.find(administration)?.id;
        let connection = administration.connection_named(organization, &self.connection)?.id;
        Ok((organization, connection, brake))
    }
}

pub(super) fn run(command: &BrakeCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        BrakeCommand::Set(wanted) => {
            let (organization, connection, brake) = wanted.read(administration)?;
            Ok(administration.set_brake(organization, connection, brake)?)
        }
        BrakeCommand::Remove { organization, connection } => {
            let organization = organization.find(administration)?.id;
            let connection = administration.connection_named(organization, connection)?.id;
            Ok(administration.remove_brake(organization, connection)?)
        }
        BrakeCommand::Rehearse(wanted) => {
            let (organization, connection, brake) = wanted.read(administration)?;
            let firings = administration.rehearse_brake(organization, connection, brake)?;
            let rows: Vec<[String; 4]> = firings
                .iter()
                .map(|one| {
                    let [people, of, groups] = [one.people, one.population, one.groups].map(|count| count.to_string());
                    [output::seconds(one.at), people, of, groups]
                })
                .collect();
            output::table(["WOULD HAVE FIRED", "PEOPLE", "OF", "GROUPS"], &rows)
        }
        BrakeCommand::List { organization } => list(administration, organization),
        BrakeCommand::Release { organization, id } => {
            let organization = organization.find(administration)?.id;
            administration.release_quarantine(organization, *id)?;
            Ok(())
        }
        BrakeCommand::Restore { organization, id } => restore(administration, organization, *id),
    })
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?.id;
    let connections = administration.connections(organization)?;
    let name = |id: ConnectionId| {
        let found = connections.iter().find(|connection| connection.id == id);
        found.map_or_else(|| id.to_string(), |connection| connection.name.clone())
    };
    let rows: Vec<[String; 7]> = administration
        .quarantines(organization, ResourceId::LAST, LISTED)?
        .into_iter()
        .map(|quarantine| {
            [
                quarantine.id.to_string(),
                name(quarantine.connection),
                output::seconds(quarantine.opened_at),
                quarantine.people.to_string(),
                quarantine.population.to_string(),
                quarantine.groups.to_string(),
                quarantine.closed.map_or("open", |(_, outcome)| outcome.as_str()).to_owned(),
            ]
        })
        .collect();
    output::table(["ID", "CONNECTION", "OPENED", "PEOPLE", "OF", "GROUPS", "STATE"], &rows)
}

fn restore(
    administration: &Administration,
    organization: &OrganizationChoice,
    id: ResourceId,
) -> Result<(), CommandError> {
    let organization = organization.find(administration)?.id;
    let restoration = administration.restore_quarantine(organization, id)?;
    let (restored, unchanged, groups) = (restoration.restored, restoration.unchanged, restoration.groups);
    output::line(&format!("restored {restored}, unchanged {unchanged}, groups {groups}"))?;
    for (user, why) in &restoration.failed {
        output::line(&format!("not restored: {user}: {why}"))?;
    }
    for (group, why) in &restoration.failed_groups {
        output::line(&format!("not restored: group {group}: {why}"))?;
    }
    match restoration.failed.len().saturating_add(restoration.failed_groups.len()) {
        0 => Ok(()),
        failed => Err(CommandError::Failed(format!("{failed} people and groups are not restored"))),
    }
}
