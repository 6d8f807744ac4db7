//! `muster connection`.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Settings;
use crate::model::{ConnectionName, Profile};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum ConnectionCommand {
    /// Create a connection; prints its id
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
        /// How it behaves where identity providers differ
        #[arg(long, default_value = "default", value_parser = profile())]
        profile: Profile,
    },
    /// List the connections of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Refuse every write of a connection until it is resumed
    Pause {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
    },
    /// Let a paused connection go on
    Resume {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
    },
}

fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(["default", "rfc", "okta", "entra", "interop"])
        .try_map(|name| Profile::from_name(&name).ok_or("not a profile"))
}

pub(super) fn run(command: &ConnectionCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        ConnectionCommand::Create { organization, name, profile } => {
            let organization = organization.find(administration)?;
            let connection = administration.create_connection(organization.id, name, *profile)?;
            output::line(&connection.id.to_string())
        }
        ConnectionCommand::List { organization } => list(administration, organization),
        ConnectionCommand::Pause { organization, name } => pause(administration, organization, name, true),
        ConnectionCommand::Resume { organization, name } => pause(administration, organization, name, false),
    })
}

fn pause(
    administration: &Administration,
    organization: &OrganizationChoice,
    name: &ConnectionName,
    paused: bool,
) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    administration.pause_connection(organization.id, name, paused)?;
    Ok(())
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let rows: Vec<[String; 4]> = administration
        .connections(organization.id)?
        .into_iter()
        .map(|connection| {
            let state = if connection.paused { "paused" } else { "active" };
            [connection.name, connection.id.to_string(), connection.profile.as_str().to_owned(), state.to_owned()]
        })
        .collect();
    output::table(["NAME", "ID", "PROFILE", "STATE"], &rows)
}
