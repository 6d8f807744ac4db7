//! `muster client` and `muster issuer`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Settings;
use crate::db::organizations::Organization;
use crate::live::ClientId;
use crate::model::{ConnectionId, ConnectionName, CredentialKind, Keys, OutsideIssuer};
use crate::service::administration::{Administration, NewClient, NewIssuer, claims};

use super::error::CommandError;
use super::lifetime::Lifetime;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register a client; prints its client id, and its secret this once unless it signs
    Register(Register),
    /// List the clients that sign; `muster token revoke` ends one
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Register {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// What it is good for
    #[arg(long, value_parser = kind())]
    kind: CredentialKind,
    /// The connection a `scim` client provisions for; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// File with the public keys it signs with, a JSON Web Key Set
    #[arg(long, value_name = "FILE", conflicts_with = "keys_url")]
    keys: Option<PathBuf>,
    /// Where they are published, instead
    #[arg(long, value_name = "URL")]
    keys_url: Option<String>,
    /// How long it is good: days, hours or minutes [default: 365d]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
}

#[derive(Debug, Subcommand)]
pub(super) enum IssuerCommand {
    /// Register an outside issuer, whose tokens provision from now on; prints the id of its credential
    Register(Box<RegisterIssuer>),
    /// List the outside issuers; `muster token revoke` ends one
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct RegisterIssuer {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The `iss` of its tokens
    #[arg(value_name = "URL")]
    issuer: String,
    /// Their `aud`
    #[arg(long, value_name = "TEXT")]
    audience: String,
    /// What they must say besides, again for each: `tid=…`
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// Where its keys are published
    #[arg(long, value_name = "URL")]
    keys_url: String,
    /// The connection they provision for; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// How long it is good: days, hours or minutes [default: 365d]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
}

fn kind() -> impl TypedValueParser<Value = CredentialKind> {
    PossibleValuesParser::new(["scim", "pep", "receiver"])
        .try_map(|name| CredentialKind::from_name(&name).ok_or("not a kind of client"))
}

pub(super) fn run(command: &ClientCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        ClientCommand::Register(wanted) => register(administration, wanted),
        ClientCommand::List { organization } => list(administration, organization),
    })
}

pub(super) fn run_issuer(command: &IssuerCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        IssuerCommand::Register(wanted) => register_issuer(administration, wanted),
        IssuerCommand::List { organization } => list_issuers(administration, organization),
    })
}

/// The connection that was named, or the only one.
fn connection(
    administration: &Administration,
    organization: &Organization,
    name: Option<&ConnectionName>,
) -> Result<ConnectionId, CommandError> {
    let all = administration.connections(organization.id)?;
    match (name, all.as_slice()) {
        (None, [only]) => Ok(only.id),
        (None, _) => Err(CommandError::Usage("name a connection with `--connection`".to_owned())),
        (Some(name), all) => {
            let found = all.iter().find(|connection| connection.name == name.as_str());
            found.map(|connection| connection.id).ok_or_else(|| {
                CommandError::Failed(format!("there is no connection `{name}`; `muster connection list` shows them"))
            })
        }
    }
}

fn read(path: &Path) -> Result<Keys, CommandError> {
    let text = std::fs::read_to_string(path);
    let text =
        text.map_err(|error| CommandError::Usage(format!("the file `{}` cannot be read: {error}", path.display())))?;
    Ok(Keys::Given(text))
}

fn register(administration: &Administration, wanted: &Register) -> Result<(), CommandError> {
    let organization = wanted.organization.find(administration)?;
    let keys = match (&wanted.keys, &wanted.keys_url) {
        (Some(path), _) => Some(read(path)?),
        (None, url) => url.clone().map(Keys::At),
    };
    let connection = match (wanted.kind, &wanted.connection) {
        (CredentialKind::Scim, name) => Some(connection(administration, &organization, name.as_ref())?),
        (_, None) => None,
        (_, Some(_)) => {
            let message = "only clients of kind `scim` belong to a connection; leave out `--connection`";
            return Err(CommandError::Usage(message.to_owned()));
        }
    };
    let valid_micros = wanted.expires_in.unwrap_or(Lifetime::YEAR).as_micros();
    let client = NewClient { kind: wanted.kind, connection, keys, valid_micros };
    let (id, secret) = administration.register_client(organization.id, &client)?;
    output::line(&id.to_string())?;
    secret.map_or(Ok(()), |secret| output::line(&secret))
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let clients = administration.proofs(organization.id)?.into_iter().filter(|proof| proof.issuer.is_none());
    let rows: Vec<[String; 3]> = clients
        .map(|proof| {
            let client = ClientId { organization: proof.organization, credential: proof.credential };
            [proof.credential.to_string(), client.to_string(), address(proof.keys)]
        })
        .collect();
    output::table(["ID", "CLIENT", "KEYS"], &rows)
}

fn address(keys: Keys) -> String {
    match keys {
        Keys::At(url) => url,
        Keys::Given(_) => "given".to_owned(),
    }
}

fn register_issuer(administration: &Administration, wanted: &RegisterIssuer) -> Result<(), CommandError> {
    let organization = wanted.organization.find(administration)?;
    let issuer = OutsideIssuer {
        issuer: wanted.issuer.clone(),
        audience: wanted.audience.clone(),
        claims: claims(&wanted.claims).map_err(CommandError::Usage)?,
    };
    let new = NewIssuer {
        connection: connection(administration, &organization, wanted.connection.as_ref())?,
        issuer,
        keys_url: wanted.keys_url.clone(),
        valid_micros: wanted.expires_in.unwrap_or(Lifetime::YEAR).as_micros(),
    };
    output::line(&administration.register_issuer(organization.id, &new)?.to_string())
}

fn list_issuers(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let mut rows: Vec<[String; 5]> = Vec::new();
    for proof in administration.proofs(organization.id)? {
        let Some(issuer) = proof.issuer else { continue };
        let claims: Vec<String> = issuer.claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let claims = if claims.is_empty() { output::NOTHING.to_owned() } else { claims.join(" ") };
        rows.push([proof.credential.to_string(), issuer.issuer, issuer.audience, claims, address(proof.keys)]);
    }
    output::table(["ID", "ISSUER", "AUDIENCE", "CLAIMS", "KEYS"], &rows)
}
