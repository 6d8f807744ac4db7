//! `muster connection`.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use crate::config::Settings;
use crate::model::{ConnectionName, Precondition, Profile, ResourceId};
use crate::service::administration::{Administration, ConnectionChange, RequestRow, Shown};

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
    /// Show what a connection asked and was answered: errors and writes, values masked, newest first
    Log {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
        /// Only what was refused
        #[arg(long, conflicts_with = "writes")]
        refused: bool,
        /// Only what was meant to change something
        #[arg(long)]
        writes: bool,
        /// How many at most
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
        /// One JSON object a line, with what was sent and answered
        #[arg(long)]
        json: bool,
    },
    /// Refuse every write of a connection until it is resumed
    Pause {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
    },
    /// Let a connection assign the roles offered to it, to people it sends with their values among `roles`; or end what
    /// it has assigned
    Roles {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
        /// Whether it assigns roles
        #[arg(value_parser = PossibleValuesParser::new(["on", "off"]))]
        switch: String,
    },
    /// Answer requests of a connection that prefer it with 202, and tell receivers the outcome (RFC 9967); or no more
    SecurityEvents {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: ConnectionName,
        /// Whether that is so
        #[arg(value_parser = PossibleValuesParser::new(["on", "off"]))]
        switch: String,
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
        ConnectionCommand::Log { organization, name, refused, writes, limit, json } => {
            let shown = match (refused, writes) {
                (true, _) => Shown::Refused,
                (_, true) => Shown::Writes,
                _ => Shown::All,
            };
            let organization = organization.find(administration)?;
            let connection = administration.connection_named(organization.id, name)?;
            let rows = administration.request_log(organization.id, connection.id, shown, ResourceId::LAST, *limit)?;
            if *json { rows.iter().try_for_each(print_whole) } else { print_log(&rows) }
        }
        ConnectionCommand::Roles { organization, name, switch } => {
            let organization = organization.find(administration)?.id;
            let connection = administration.connection_named(organization, name)?.id;
            administration.let_assign_roles(organization, connection, switch == "on", &Precondition::None)?;
            Ok(())
        }
        ConnectionCommand::SecurityEvents { organization, name, switch } => {
            let organization = organization.find(administration)?.id;
            let connection = administration.connection_named(organization, name)?.id;
            let change = ConnectionChange { security_events: Some(switch == "on"), ..ConnectionChange::default() };
            administration.change_connection(organization, connection, &change, &Precondition::None)?;
            Ok(())
        }
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
    let activities = administration.activities(organization.id)?;
    let rows: Vec<[String; 5]> = administration
        .connections(organization.id)?
        .into_iter()
        .map(|connection| {
            let state = if connection.paused { "paused" } else { "active" };
            let health = administration.health(&connection, activities.get(&connection.id)).to_string();
            let profile = connection.profile.as_str().to_owned();
            [connection.name, connection.id.to_string(), profile, state.to_owned(), health]
        })
        .collect();
    output::table(["NAME", "ID", "PROFILE", "STATE", "HEALTH"], &rows)
}

fn print_log(requests: &[RequestRow]) -> Result<(), CommandError> {
    let rows: Vec<[String; 6]> = requests
        .iter()
        .map(|request| {
            [
                request.at.to_string(),
                request.status.to_string(),
                request.method.clone(),
                request.route.clone(),
                request.resource.map_or_else(|| "-".to_owned(), |id| id.to_string()),
                request.id.to_string(),
            ]
        })
        .collect();
    output::table(["AT", "STATUS", "METHOD", "ROUTE", "RESOURCE", "REQUEST"], &rows)
}

fn print_whole(request: &RequestRow) -> Result<(), CommandError> {
    let parsed = |text: &Option<String>| -> Value {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let line = json!({
        "id": request.id.to_string(),
        "at": request.at.to_string(),
        "method": request.method,
        "route": request.route,
        "resource": request.resource.map(|id| id.to_string()),
        "query": request.query,
        "status": request.status,
        "duration_us": request.duration,
        "request": parsed(&request.request),
        "answer": parsed(&request.answer),
    });
    output::line(&line.to_string())
}
