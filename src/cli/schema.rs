//! `muster schema`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::config::Settings;
use crate::db::ResourceKind;
use crate::model::limits;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum SchemaCommand {
    /// Add an extension schema, a JSON document (RFC 7643 §7), to an organization
    Add {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The file with the document
        file: PathBuf,
        /// What it extends
        #[arg(long = "for", value_name = "RESOURCES", default_value = "users")]
        extends: Extends,
    },
    /// List the extension schemas of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Remove an extension schema that no user or group has values of
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its URN
        urn: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Extends {
    /// Users
    Users,
    /// Groups
    Groups,
}

pub(super) fn run(command: &SchemaCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        SchemaCommand::Add { organization, file, extends } => {
            let organization = organization.find(administration)?;
            let kind = match extends {
                Extends::Users => ResourceKind::User,
                Extends::Groups => ResourceKind::Group,
            };
            let added = administration.add_schema(organization.id, kind, &read(file)?)?;
            output::line(&added.schema.id)
        }
        SchemaCommand::List { organization } => list(administration, organization),
        SchemaCommand::Remove { organization, urn } => {
            let organization = organization.find(administration)?;
            Ok(administration.remove_schema(organization.id, urn)?)
        }
    })
}

/// No more of the file than a document may have.
fn read(file: &PathBuf) -> Result<String, CommandError> {
    use std::io::Read as _;
    let failed =
        |error: std::io::Error| CommandError::Failed(format!("cannot read the file `{}`: {error}", file.display()));
    let most = u64::try_from(limits::SCHEMA_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    std::fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(failed)?;
    Ok(text)
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let rows: Vec<[String; 3]> = administration
        .schemas(organization.id)?
        .into_iter()
        .map(|added| {
            let extends = match added.kind {
                ResourceKind::User => "users",
                ResourceKind::Group => "groups",
            };
            [added.schema.id, extends.to_owned(), added.schema.name]
        })
        .collect();
    output::table(["URN", "FOR", "NAME"], &rows)
}
