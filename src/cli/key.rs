//! `muster key`.

use clap::Subcommand;
use url::Url;

use crate::clock::Clock;
use crate::config::{Flags, ServerFlags, ServerSettings, Settings};
use crate::model::Moment;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the keys with which the deployment signs tokens
    List,
    /// Make new keys to sign tokens with: published now, used in an hour; the old ones stay published for a day more
    Rotate {
        /// An old key is in wrong hands: use the new ones now and publish no other
        #[arg(long)]
        at_once: bool,
    },
    /// Show the key with which an organization's bundles are verified; hand it to whoever runs `muster verify`
    Show {
        #[command(flatten)]
        organization: OrganizationChoice,
        #[command(flatten)]
        server: ServerFlags,
    },
}

pub(super) fn run(command: &KeyCommand, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        KeyCommand::List => list(administration),
        KeyCommand::Rotate { at_once } => Ok(administration.rotate_signing_keys(*at_once)?),
        KeyCommand::Show { organization, server } => {
            let host = host(&ServerSettings::load(flags, server)?);
            let organization = organization.find(administration)?;
            output::line(&administration.verifier_key(&organization, &host)?.to_string())
        }
    })
}

/// The host by which the deployment is named in keys.
pub(super) fn host(server: &ServerSettings) -> String {
    let public_url = server.public_url(server.listen.port());
    let host = Url::parse(public_url.as_str()).ok();
    host.as_ref().and_then(Url::host_str).unwrap_or("localhost").to_owned()
}

fn list(administration: &Administration) -> Result<(), CommandError> {
    let keys = administration.signing_keys()?;
    let now = Clock::system().now();
    let moment = |moment: Option<Moment>| moment.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
    let rows: Vec<[String; 6]> = keys
        .all()
        .iter()
        .map(|key| {
            let passed = |at: Option<Moment>| at.is_some_and(|at| at <= now);
            let state = match (passed(key.published_until), passed(key.signs_until), key.signs_from <= now) {
                (true, _, _) => "withdrawn",
                (false, true, _) => "published",
                (false, false, true) => "signing",
                (false, false, false) => "waiting",
            };
            [
                key.pair.id().to_owned(),
                key.pair.algorithm().as_str().to_owned(),
                state.to_owned(),
                output::seconds(key.created_at),
                output::seconds(key.signs_from),
                moment(key.published_until),
            ]
        })
        .collect();
    output::table(["ID", "ALGORITHM", "STATE", "CREATED", "SIGNS FROM", "PUBLISHED UNTIL"], &rows)
}
