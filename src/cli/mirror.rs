//! `muster mirror`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::model::{ConnectionName, Name, SubjectTemplate};
use crate::service::mirrors::{self, NewMirror, USUAL_MINUTES};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session, system};

#[derive(Debug, Subcommand)]
pub(super) enum MirrorCommand {
    /// Mirror the groups of a system that is GitHub's, or say how from now on
    Set(Set),
    /// List the mirrors of an organization and how they fare
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Refresh a mirror now
    Refresh {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
        /// It is right that most memberships end
        #[arg(long)]
        accept: bool,
    },
    /// End a mirror; its groups are deleted
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
    },
}

#[derive(Debug, Args)]
pub(super) struct Set {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The system
    name: Name,
    /// What its connection is called, when there is none yet [default: the name of the system]
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// The userName of an account's owner, in which `{login}` stands for what the account is called; left out: accounts are
    /// somebody's only where `muster system tie` has said so
    #[arg(long, value_name = "USERNAME")]
    subject: Option<SubjectTemplate>,
    /// A repository that counts, without the organization; left out: all
    #[arg(long, value_name = "NAME")]
    repository: Vec<String>,
    /// Minutes between two refreshes
    #[arg(long, default_value_t = USUAL_MINUTES)]
    minutes: i64,
    /// File with what GitHub signs its webhooks with; left out: none are taken
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
}

pub(super) fn run(command: &MirrorCommand, settings: &Settings) -> Result<(), CommandError> {
    session::work(settings, |session| {
        let administration = &session.administration;
        match command {
            MirrorCommand::Set(wanted) => set(session, wanted),
            MirrorCommand::List { organization } => list(session, organization),
            MirrorCommand::Refresh { organization, name, accept } => {
                let (organization, system) = system::find(administration, organization, name)?;
                let done = mirrors::refresh(&session.services, organization, system.id, *accept)?;
                output::line(&format!(
                    "{} groups, {} joined, {} left, {} accounts of nobody",
                    done.groups, done.joined, done.left, done.unknown
                ))
            }
            MirrorCommand::Remove { organization, name } => {
                let (organization, system) = system::find(administration, organization, name)?;
                Ok(mirrors::remove(&session.services, administration, organization, system.id)?)
            }
        }
    })
}

fn set(session: &session::Session, wanted: &Set) -> Result<(), CommandError> {
    let (organization, system) = system::find(&session.administration, &wanted.organization, &wanted.name)?;
    let secret = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| system::unreadable(path, &error))?;
        Ok::<_, CommandError>(Zeroizing::new(text.trim().to_owned()))
    };
    let new = NewMirror {
        connection: wanted.connection.clone(),
        subject: wanted.subject.clone(),
        repositories: wanted.repository.clone(),
        minutes: wanted.minutes,
        webhook_secret: wanted.webhook_secret_file.as_ref().map(secret).transpose()?,
    };
    let mirror = session.administration.set_mirror(organization, system.id, &new)?;
    if mirror.webhook_secret.is_some() {
        let slug = session.administration.organization(organization)?.slug;
        output::line(&format!("webhooks: /webhooks/mirrors/{slug}/{}", system.id))?;
    }
    Ok(())
}

fn list(session: &session::Session, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let administration = &session.administration;
    let organization = organization.find(administration)?.id;
    let systems = administration.systems(organization)?;
    let mut rows: Vec<[String; 4]> = Vec::new();
    for mirror in administration.mirrors(organization)? {
        let name = systems.iter().find(|system| system.id == mirror.system).map(|system| system.name.clone());
        let at = mirror.state.refreshed_at.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
        let problem = mirror.state.problem.unwrap_or_else(|| output::NOTHING.to_owned());
        rows.push([name.unwrap_or_default(), at, mirror.state.unknown.to_string(), problem]);
    }
    output::table(["SYSTEM", "REFRESHED", "OF NOBODY", "PROBLEM"], &rows)
}
