//! `muster role`.

use clap::Subcommand;

use crate::config::Settings;
use crate::model::{Permission, RoleName};
use crate::service::access::ShownRole;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// Create a role, or a new version of one
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: RoleName,
        /// What it allows, such as `build:view`
        #[arg(required = true)]
        permissions: Vec<Permission>,
        /// Change a role that is there: the new version holds for all its assignments at once
        #[arg(long)]
        change: bool,
    },
    /// List the roles of an organization, the built-in ones first
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Show every version of a role
    Show {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Which
        name: RoleName,
    },
    /// Remove a role that is not assigned
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Which
        name: RoleName,
    },
}

pub(super) fn run(command: &RoleCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        RoleCommand::Create { organization, name, permissions, change } => {
            let organization = organization.find(administration)?.id;
            let permissions = permissions.iter().cloned().collect();
            let version = if *change {
                administration.change_role(organization, name, &permissions)?
            } else {
                administration.create_role(organization, name, &permissions)?
            };
            output::line(&format!("{} version {}", version.role, version.number))
        }
        RoleCommand::List { organization } => {
            let organization = organization.find(administration)?;
            table(administration.roles(organization.id)?)
        }
        RoleCommand::Show { organization, name } => {
            let organization = organization.find(administration)?;
            table(administration.role(organization.id, name)?)
        }
        RoleCommand::Remove { organization, name } => remove(administration, organization, name),
    })
}

fn remove(
    administration: &Administration,
    organization: &OrganizationChoice,
    name: &RoleName,
) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    Ok(administration.remove_role(organization.id, name)?)
}

fn table(roles: Vec<ShownRole>) -> Result<(), CommandError> {
    let rows: Vec<[String; 4]> = roles
        .into_iter()
        .map(|role| {
            let permissions: Vec<&str> = role.version.permissions.iter().map(Permission::as_str).collect();
            let permissions = permissions.join(" ");
            let since = role.created_at.map_or_else(|| "built in".to_owned(), output::seconds);
            [role.version.role.to_string(), role.version.number.to_string(), since, permissions]
        })
        .collect();
    output::table(["ROLE", "VERSION", "SINCE", "PERMISSIONS"], &rows)
}
