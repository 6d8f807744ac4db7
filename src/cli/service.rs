//! `muster service`.

use clap::Subcommand;

use crate::clock::Clock;
use crate::config::Settings;
use crate::model::Name;
use crate::service::access::{NewService, ServiceChange};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::lifetime::Lifetime;
use super::organization_choice::OrganizationChoice;
use super::point_in_time::PointInTime;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// Create a service, a subject that is no person; prints its id
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: Name,
        /// Who answers for it: an active user, by id or userName
        #[arg(long, value_name = "USER")]
        owner: String,
        /// Who answers for it once the owner leaves; without one it goes with the owner
        #[arg(long, value_name = "USER")]
        successor: Option<String>,
        /// When it ends [default: 365d]
        #[arg(long, value_name = "TIME")]
        until: Option<PointInTime>,
    },
    /// List the services of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Hand a service over to another owner, name who comes after, or let it end at another time
    HandOver {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Which, by id or name
        name: String,
        /// Who answers for it from now on
        #[arg(long, value_name = "USER", required_unless_present_any = ["until", "successor", "no_successor"])]
        owner: Option<String>,
        /// Who answers for it once the owner leaves
        #[arg(long, value_name = "USER")]
        successor: Option<String>,
        /// Nobody comes after the owner
        #[arg(long, conflicts_with = "successor")]
        no_successor: bool,
        /// When it ends
        #[arg(long, value_name = "TIME")]
        until: Option<PointInTime>,
    },
    /// Stop a service for good; when this returns, no server allows it anything any more
    Stop {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Which, by id or name
        name: String,
    },
}

pub(super) fn run(command: &ServiceCommand, settings: &Settings) -> Result<(), CommandError> {
    let now = Clock::system().now();
    session::administer(settings, |administration| match command {
        ServiceCommand::Create { organization, name, owner, successor, until } => {
            let organization = organization.find(administration)?;
            let until = until.unwrap_or(PointInTime::In(Lifetime::YEAR));
            let (owner, successor) = (owner.clone(), successor.clone());
            let wanted = NewService { name: name.clone(), owner, successor, expires_at: until.after(now) };
            let service = administration.create_service(organization.id, &wanted)?;
            output::line(&service.id.to_string())
        }
        ServiceCommand::List { organization } => list(administration, organization),
        ServiceCommand::HandOver { organization, name, owner, successor, no_successor, until } => {
            let organization = organization.find(administration)?;
            let wanted = ServiceChange {
                owner: owner.as_deref(),
                successor: if *no_successor { Some("") } else { successor.as_deref() },
                expires_at: until.map(|until| until.after(now)),
            };
            administration.hand_over_service(organization.id, name, wanted)?;
            Ok(())
        }
        ServiceCommand::Stop { organization, name } => {
            let organization = organization.find(administration)?;
            administration.stop_service(organization.id, name)?;
            Ok(())
        }
    })
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let rows: Vec<[String; 6]> = administration
        .services(organization.id)?
        .into_iter()
        .map(|service| {
            let stopped = service.stopped_at.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
            let expires = output::seconds(service.expires_at);
            let successor = service.successor.map_or_else(|| output::NOTHING.to_owned(), |id| id.to_string());
            let owner = service.owner.to_string();
            [service.name.to_string(), service.id.to_string(), owner, expires, stopped, successor]
        })
        .collect();
    output::table(["NAME", "ID", "OWNER", "ENDS", "STOPPED", "SUCCESSOR"], &rows)
}
