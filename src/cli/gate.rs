//! `muster gate`.

use clap::Subcommand;

use crate::access::gates::Gate;
use crate::config::Settings;
use crate::model::{GateBounds, Permission, ScopePath};
use crate::service::administration::Expected;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum GateCommand {
    /// List the gates: how many people can pass, how many must and may
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Set how many people must, and may, be able to pass
    Set {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Where
        scope: ScopePath,
        /// What passes it, such as `deploy:run`
        permission: Permission,
        /// How many must be able to
        #[arg(long, default_value_t = 1)]
        minimum: u32,
        /// How many may be able to [default: any number]
        #[arg(long)]
        maximum: Option<u32>,
    },
    /// Set no bounds for a gate any more
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Where
        scope: ScopePath,
        /// What passes it
        permission: Permission,
    },
}

pub(super) fn run(command: &GateCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        GateCommand::List { organization } => {
            let organization = organization.find(administration)?;
            let rows: Vec<[String; 6]> = administration.gates(organization.id)?.iter().map(row).collect();
            output::table(["SCOPE", "PERMISSION", "PASSING", "MINIMUM", "MAXIMUM", "STATE"], &rows)
        }
        GateCommand::Set { organization, scope, permission, minimum, maximum } => {
            let organization = organization.find(administration)?;
            let bounds = GateBounds::new(*minimum, *maximum).map_err(|error| CommandError::Usage(error.to_string()))?;
            Ok(administration.set_gate(organization.id, scope, permission, bounds, &Expected::Anything)?)
        }
        GateCommand::Remove { organization, scope, permission } => {
            let organization = organization.find(administration)?;
            Ok(administration.remove_gate(organization.id, scope, permission)?)
        }
    })
}

fn row(gate: &Gate) -> [String; 6] {
    [
        gate.scope.to_string(),
        gate.permission.to_string(),
        gate.passing.to_string(),
        gate.bounds.minimum().to_string(),
        gate.bounds.maximum().map_or_else(|| output::NOTHING.to_owned(), |maximum| maximum.to_string()),
        gate.state().as_str().to_owned(),
    ]
}
