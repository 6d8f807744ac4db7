//! `muster watch`: looks whether everybody who ever left is still gone.

use clap::Args;

use crate::config::Settings;
use crate::model::ResourceId;
use crate::service::leavers::watch;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

/// Look whether everybody who ever left is still gone: exit 0 nothing stands that is not known, 3 something does
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Say first that this finding is known
    #[arg(long, value_name = "FINDING")]
    acknowledge: Vec<ResourceId>,
}

pub(super) fn run(command: &Watch, settings: &Settings) -> Result<(), CommandError> {
    session::work(settings, |session| {
        let caller = session.caller(&command.organization)?;
        for finding in &command.acknowledge {
            watch::acknowledge(&session.services, &caller, *finding)?;
        }
        let watched = watch::look(&session.services, &caller)?;
        let rows: Vec<[String; 6]> = watched
            .standing
            .iter()
            .map(|finding| {
                [
                    finding.id.to_string(),
                    finding.kind.as_str().to_owned(),
                    finding.leaver.to_string(),
                    finding.other.to_string(),
                    output::seconds(finding.found_at),
                    if finding.acknowledged_at.is_some() { "known" } else { "open" }.to_owned(),
                ]
            })
            .collect();
        output::table(["ID", "FOUND", "LEAVER", "AT", "SINCE", "STATE"], &rows)?;
        let open = watched.standing.iter().filter(|finding| finding.acknowledged_at.is_none()).count();
        match open {
            0 => Ok(()),
            open => Err(CommandError::Unconfirmed(format!(
                "{open} findings about {} leavers are open; acknowledge what is known with `--acknowledge`",
                watched.leavers
            ))),
        }
    })
}
