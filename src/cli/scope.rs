//! `muster scope`.

use clap::Subcommand;

use crate::config::Settings;
use crate::model::{Reason, ScopePath};
use crate::service::access::NewScope;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum ScopeCommand {
    /// Create a scope, and the project around an environment
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Where: `/project` or `/project/environment`
        path: ScopePath,
        /// Answers on it are not to be cached, its gates are watched
        #[arg(long)]
        production: bool,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<Reason>,
    },
    /// List the scopes of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Remove a scope in which nothing lies and at which nothing is assigned
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Which
        path: ScopePath,
    },
}

pub(super) fn run(command: &ScopeCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        ScopeCommand::Create { organization, path, production, description } => {
            let organization = organization.find(administration)?;
            let (path, description) = (path.clone(), description.clone());
            let wanted = NewScope { path, production: *production, description };
            let scope = administration.create_scope(organization.id, &wanted)?;
            output::line(scope.path.as_str())
        }
        ScopeCommand::List { organization } => list(administration, organization),
        ScopeCommand::Remove { organization, path } => {
            let organization = organization.find(administration)?;
            Ok(administration.remove_scope(organization.id, path)?)
        }
    })
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let rows: Vec<[String; 4]> = administration
        .scopes(organization.id)?
        .into_iter()
        .map(|scope| {
            let description = scope.description.map_or_else(|| output::NOTHING.to_owned(), |text| text.to_string());
            let production = if scope.production { "yes" } else { "no" };
            [scope.path.to_string(), scope.path.kind().as_str().to_owned(), production.to_owned(), description]
        })
        .collect();
    output::table(["SCOPE", "KIND", "PRODUCTION", "DESCRIPTION"], &rows)
}
