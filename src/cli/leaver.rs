//! `muster leaver`: the certificate of somebody who is gone.

use clap::Args;

use crate::config::{Flags, ServerFlags, ServerSettings, Settings};
use crate::service::leavers::{self, Named};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{key, output, session};

/// Print the certificate that somebody is gone, as JSON that `muster verify` accepts
#[derive(Debug, Args)]
pub(super) struct Leaver {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Id or userName; who was deleted too
    user: String,
    /// Print it as a page (HTML) to be read and printed instead
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(command: &Leaver, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    let host = key::host(&ServerSettings::load(flags, &command.server)?);
    session::work(settings, |session| {
        let caller = session.caller(&command.organization)?;
        let user = match leavers::find(&session.services, &caller, &command.user)? {
            Named::One(user) => user,
            Named::Nobody => {
                return Err(CommandError::Failed(format!("there is no user `{}`, and there was none", command.user)));
            }
            Named::Several(users) => {
                let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
                let (name, ids) = (&command.user, ids.join(", "));
                return Err(CommandError::Usage(format!(
                    "several bear or bore the name `{name}`; name one by id: {ids}"
                )));
            }
        };
        let certificate = if command.html { leavers::certificate_page } else { leavers::certificate };
        output::line(&certificate(&session.services, &caller, user, &host)?)
    })
}
