//! `muster offer`.

use clap::{Args, Subcommand};

use crate::config::Settings;
use crate::model::{ConnectionId, ConnectionName, OrganizationId, RoleName, RoleOffer, ScopePath};
use crate::service::administration::{Administration, AdministrationError};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Args)]
pub(super) struct Offer {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The connection
    connection: ConnectionName,
    /// Which role
    role: RoleName,
    /// Where
    scope: ScopePath,
}

#[derive(Debug, Subcommand)]
pub(super) enum OfferCommand {
    /// Offer a role at a scope to a connection; prints the value that the connection sends among `roles` of people
    Add(Offer),
    /// Say what an offer would come to, person by person; changes nothing
    Preview(Offer),
    /// Withdraw an offer; when this returns, whatever the connection has assigned by it is over
    Remove(Offer),
    /// List what is offered to a connection
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The connection
        connection: ConnectionName,
    },
}

pub(super) fn run(command: &OfferCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        OfferCommand::Add(offer) => {
            let (organization, connection) = of(administration, &offer.organization, &offer.connection)?;
            let made = administration.offer_role(organization, connection, &offer.role, &offer.scope)?;
            output::line(&made.value())
        }
        OfferCommand::Preview(offer) => {
            let (organization, connection) = of(administration, &offer.organization, &offer.connection)?;
            let make = |trying: &Administration| trying.offer_role(organization, connection, &offer.role, &offer.scope);
            let (preview, _) = administration.try_out(make)?;
            preview.lines().iter().try_for_each(|line| output::line(line))?;
            output::line(&format!("fingerprint: {}", preview.fingerprint))
        }
        OfferCommand::Remove(offer) => {
            let (organization, connection) = of(administration, &offer.organization, &offer.connection)?;
            let offers = administration.offers(organization, connection)?;
            let same = |known: &&RoleOffer| known.role == offer.role && known.scope == offer.scope;
            let found = offers.iter().find(same).ok_or_else(|| {
                AdministrationError::NotFound(format!(
                    "`{}` at `{}` is not offered to the connection `{}`; `muster offer list` shows what is",
                    offer.role, offer.scope, offer.connection
                ))
            })?;
            Ok(administration.withdraw_role(organization, connection, found.id)?)
        }
        OfferCommand::List { organization, connection } => {
            let (organization, connection) = of(administration, organization, connection)?;
            let offers = administration.offers(organization, connection)?.into_iter();
            let rows: Vec<[String; 5]> = offers
                .map(|offer| {
                    let since = output::seconds(offer.created_at);
                    let source = offer.source().as_str().to_owned();
                    [offer.value(), offer.role.to_string(), offer.scope.to_string(), since, source]
                })
                .collect();
            output::table(["VALUE", "ROLE", "SCOPE", "SINCE", "SOURCE"], &rows)
        }
    })
}

fn of(
    administration: &Administration,
    organization: &OrganizationChoice,
    connection: &ConnectionName,
) -> Result<(OrganizationId, ConnectionId), CommandError> {
    let organization = organization.find(administration)?;
    Ok((organization.id, administration.connection_named(organization.id, connection)?.id))
}
