//! `muster login-link`.

use clap::Args;

use crate::config::{Flags, ServerFlags, ServerSettings, Settings};
use crate::service::people;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

/// Print a link that signs in to the console once, for ten minutes: for the recovery administrator, or for a user
#[derive(Debug, Args)]
pub(super) struct LoginLink {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// A user, by id or userName; the recovery administrator if left out
    user: Option<String>,
    /// The address clients use [default: http:// and the listen address]
    #[arg(long, value_name = "URL", env = "MUSTER_PUBLIC_URL", hide_env_values = true)]
    public_url: Option<String>,
    /// Where the server listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", env = "MUSTER_LISTEN", hide_env_values = true)]
    listen: Option<String>,
}

pub(super) fn run(command: &LoginLink, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    let server = ServerFlags {
        public_url: command.public_url.clone(),
        listen: command.listen.clone(),
        ..ServerFlags::default()
    };
    let server = ServerSettings::load(flags, &server)?;
    let public_url = server.public_url(server.listen.port()).to_string();
    session::work(settings, |session| {
        let caller = session.caller(&command.organization)?;
        let mut services = session.services.clone();
        services.public_url.clone_from(&public_url);
        let link = match &command.user {
            None => services.recovery_link(&caller)?,
            Some(user) => services.user_link(&caller, people::find(&services, &caller, user)?)?,
        };
        output::line(&link)
    })
}
