//! `muster token`.

use std::str::FromStr;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Settings;
use crate::live::Token;
use crate::model::{Believed, ConnectionName, CredentialId, CredentialKind, Moment};
use crate::service::administration::{Administration, NewToken};

use super::error::CommandError;
use super::lifetime::Lifetime;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Issue a token; prints it this once, alone
    Issue(Issue),
    /// List the tokens of an organization, never their secrets
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Revoke a token; when this returns no server admits it any more
    Revoke {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its id as `token list` shows it, or the token itself
        #[arg(value_name = "ID")]
        token: Revoked,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Issue {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// What it is good for
    #[arg(long, value_parser = kind())]
    kind: CredentialKind,
    /// The connection a `scim` token provisions for; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// What a `pep` is believed of an act: names such as `branch`, `resource.status`, separated by commas
    /// [default: what deployment systems usually know]
    #[arg(long, value_name = "NAMES")]
    believes: Option<Believed>,
    /// How long it is good: days, hours or minutes [default: 365d]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
}

fn kind() -> impl TypedValueParser<Value = CredentialKind> {
    PossibleValuesParser::new(["scim", "pep", "receiver", "admin", "auditor"])
        .try_map(|name| CredentialKind::from_name(&name).ok_or("not a kind of token"))
}

/// What is to be revoked, however it was named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revoked(CredentialId);

impl FromStr for Revoked {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let id = text.parse().or_else(|_not_an_id| Token::parse(text).map(|token| token.credential));
        id.map(Self).map_err(|_neither| "neither the id of a token nor a token")
    }
}

pub(super) fn run(command: &TokenCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        TokenCommand::Issue(issue) => print_new(administration, issue),
        TokenCommand::List { organization } => list(administration, organization),
        TokenCommand::Revoke { organization, token } => {
            let organization = organization.find(administration)?;
            administration.revoke_token(organization.id, token.0)?;
            Ok(())
        }
    })
}

fn print_new(administration: &Administration, issue: &Issue) -> Result<(), CommandError> {
    let organization = issue.organization.find(administration)?.id;
    let valid_micros = issue.expires_in.unwrap_or(Lifetime::YEAR).as_micros();
    if issue.believes.is_some() {
        if issue.kind != CredentialKind::Pep || issue.connection.is_some() {
            let message = "only a `pep`, which has no connection, is believed anything; leave out `--believes`";
            return Err(CommandError::Usage(message.to_owned()));
        }
        let (_, token) = administration.issue_enforcement_point(organization, issue.believes.as_ref(), valid_micros)?;
        return output::line(&token);
    }
    let (kind, connection) = (issue.kind, issue.connection.clone());
    let token = administration.issue_token(&NewToken { organization, kind, connection, valid_micros })?;
    output::line(&token)
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let connections = administration.connections(organization.id)?;
    let moment = |moment: Option<Moment>| moment.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
    let rows: Vec<[String; 7]> = administration
        .tokens(organization.id)?
        .into_iter()
        .map(|stored| {
            let credential = stored.credential;
            let connection = connections.iter().find(|connection| connection.id == credential.connection);
            [
                credential.id.to_string(),
                credential.kind.as_str().to_owned(),
                connection.map_or_else(|| output::NOTHING.to_owned(), |connection| connection.name.clone()),
                output::seconds(stored.created_at),
                output::seconds(credential.expires_at),
                moment(stored.last_used_at),
                moment(credential.revoked_at),
            ]
        })
        .collect();
    output::table(["ID", "KIND", "CONNECTION", "CREATED", "EXPIRES", "LAST USED", "REVOKED"], &rows)
}
