//! `muster identity-provider`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::model::{IdentityProvider, JoinedBy};
use crate::service::administration::{Administration, Expected, ProviderSecret};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Its issuer, exactly as its ID tokens bear it
    #[arg(value_name = "URL")]
    issuer: String,
    /// As whom Muster is registered there
    #[arg(long, value_name = "TEXT")]
    client_id: String,
    /// File with the secret Muster has there; left out, the one from before stays
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Muster has no secret there
    #[arg(long, conflicts_with = "client_secret_file")]
    no_secret: bool,
    /// What a claim must equal of the user who signs in for the first time
    #[arg(long, value_name = "ATTRIBUTE", default_value = "external-id", value_parser = attribute())]
    joined_by: JoinedBy,
    /// Which claim [default: `sub`, `preferred_username` or `email`]
    #[arg(long, value_name = "NAME")]
    claim: Option<String>,
    /// What the ID token must say besides, again for each: `hd=example.com`
    #[arg(long = "require", value_name = "NAME=VALUE")]
    required: Vec<String>,
    /// Users sign in by it alone; the recovery administrator keeps its links
    #[arg(long)]
    only: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum IdentityProviderCommand {
    /// Let people sign in to the console by an identity provider (OpenID Connect)
    Set(Box<Wanted>),
    /// Show by which one people sign in
    Show {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Nobody signs in by it any more; whoever has is signed out
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
}

fn attribute() -> impl TypedValueParser<Value = JoinedBy> {
    PossibleValuesParser::new(JoinedBy::ALL.map(JoinedBy::as_str))
        .try_map(|name| JoinedBy::from_name(&name).ok_or("not an attribute people are found by"))
}

pub(super) fn run(command: &IdentityProviderCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        IdentityProviderCommand::Set(wanted) => set(administration, wanted),
        IdentityProviderCommand::Show { organization } => show(administration, organization),
        IdentityProviderCommand::Remove { organization } => {
            let organization = organization.find(administration)?;
            Ok(administration.remove_identity_provider(organization.id)?)
        }
    })
}

fn set(administration: &Administration, wanted: &Wanted) -> Result<(), CommandError> {
    let organization = wanted.organization.find(administration)?;
    let required = IdentityProvider::required_of(wanted.required.iter().map(String::as_str));
    let provider = IdentityProvider {
        issuer: wanted.issuer.clone(),
        client_id: wanted.client_id.clone(),
        joined_by: wanted.joined_by,
        claim: wanted.claim.clone().unwrap_or_else(|| wanted.joined_by.usual_claim().to_owned()),
        required: required.map_err(|error| CommandError::Usage(error.to_string()))?,
        is_only: wanted.only,
    };
    provider.check().map_err(|error| CommandError::Usage(error.to_string()))?;
    let secret = match &wanted.client_secret_file {
        None if wanted.no_secret => ProviderSecret::None,
        None => ProviderSecret::Kept,
        Some(path) => {
            let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                CommandError::Usage(format!("the file `{}` cannot be read: {error}", path.display()))
            })?;
            ProviderSecret::New(Zeroizing::new(text.trim().to_owned()))
        }
    };
    administration.set_identity_provider(organization.id, &provider, &secret, &Expected::Anything)?;
    Ok(())
}

fn show(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let Some(stored) = administration.identity_provider(organization.id)? else {
        return Err(CommandError::Failed("the organization has no identity provider".to_owned()));
    };
    let provider = stored.provider;
    output::line(&format!("issuer {}", provider.issuer))?;
    output::line(&format!("client-id {}", provider.client_id))?;
    output::line(&format!("secret {}", if stored.secret.is_some() { "set" } else { "none" }))?;
    output::line(&format!("joined-by {} {}", provider.joined_by.as_str(), provider.claim))?;
    for (name, value) in &provider.required {
        output::line(&format!("require {name}={value}"))?;
    }
    output::line(&format!("only {}", if provider.is_only { "yes" } else { "no" }))
}
