//! `muster org`.

use clap::Subcommand;

use crate::config::Settings;
use crate::model::{Name, Slug};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum Org {
    /// Create an organization; prints its id
    Create {
        /// Its name on the command line and in URLs
        slug: Slug,
        /// Its name for people [default: the slug]
        #[arg(long)]
        name: Option<Name>,
    },
    /// List the organizations
    List,
}

pub(super) fn run(command: &Org, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        Org::Create { slug, name } => create(administration, slug, name.as_ref()),
        Org::List => list(administration),
    })
}

fn create(administration: &Administration, slug: &Slug, name: Option<&Name>) -> Result<(), CommandError> {
    let name = name.cloned().unwrap_or_else(|| Name::from(slug.clone()));
    let organization = administration.create_organization(slug, &name)?;
    output::line(&organization.id.to_string())
}

fn list(administration: &Administration) -> Result<(), CommandError> {
    let rows: Vec<[String; 3]> = administration
        .organizations()?
        .into_iter()
        .map(|organization| [organization.slug, organization.id.to_string(), organization.name])
        .collect();
    output::table(["SLUG", "ID", "NAME"], &rows)
}
