//! `muster group`.

use clap::Subcommand;

use crate::config::Settings;
use crate::model::{Caller, ConnectionId, GroupId, Precondition, ResourceId, fold};
use crate::service::people::find;
use crate::service::people::groups::{self, Group, GroupSearch};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::output;
use super::session::{self, Session};

/// Groups read in one go.
const PAGE: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// List the groups of an organization, those of its connections too
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Create a local group; prints its id
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name, unique among local groups
        name: String,
    },
    /// Add a user to a local group
    Add {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Id or name of the group
        group: String,
        /// Id or userName
        user: String,
    },
    /// Take a user out of a local group
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Id or name of the group
        group: String,
        /// Id or userName
        user: String,
    },
}

pub(super) fn run(command: &GroupCommand, settings: &Settings) -> Result<(), CommandError> {
    session::work(settings, |session| match command {
        GroupCommand::List { organization } => list(session, organization),
        GroupCommand::Create { organization, name } => {
            let caller = session.caller(organization)?;
            output::line(&groups::create(&session.services, &caller, name)?.group.id.to_string())
        }
        GroupCommand::Add { organization, group, user } => {
            let caller = session.caller(organization)?;
            let (group, user) = named(session, &caller, group, user)?;
            groups::add(&session.services, &caller, group, user, &Precondition::None)?;
            Ok(())
        }
        GroupCommand::Remove { organization, group, user } => {
            let caller = session.caller(organization)?;
            let (group, user) = named(session, &caller, group, user)?;
            groups::remove(&session.services, &caller, group, user, &Precondition::None)?;
            Ok(())
        }
    })
}

/// The local group and the user somebody named.
fn named(session: &Session, caller: &Caller, group: &str, user: &str) -> Result<(GroupId, ResourceId), CommandError> {
    let id = match group.parse::<GroupId>() {
        Ok(id) => id,
        Err(_a_name) => {
            let key = fold(group);
            let search = GroupSearch { text: Some(group.to_owned()), connection: Some(ConnectionId::NOBODY) };
            let found = all(session, caller, &search)?;
            let found = found.iter().find(|found| fold(&found.group.display_name) == key).ok_or_else(|| {
                CommandError::Failed(format!("there is no local group `{group}`; `muster group list` shows them"))
            })?;
            found.group.id
        }
    };
    Ok((id, find(&session.services, caller, user)?.into()))
}

fn all(session: &Session, caller: &Caller, search: &GroupSearch) -> Result<Vec<Group>, CommandError> {
    let (mut groups, mut after) = (Vec::new(), Some(ResourceId::FIRST));
    while let Some(from) = after {
        let found = groups::search(&session.services, caller, from, PAGE, search)?;
        groups.extend(found.items);
        after = found.next;
    }
    Ok(groups)
}

fn list(session: &Session, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let caller = session.caller(organization)?;
    let rows: Vec<[String; 3]> = all(session, &caller, &GroupSearch::default())?
        .into_iter()
        .map(|Group { group, manager }| {
            let manager = manager.map_or_else(|| "local".to_owned(), |manager| manager.name);
            [group.display_name, group.id.to_string(), manager]
        })
        .collect();
    output::table(["NAME", "ID", "MANAGED BY"], &rows)
}
