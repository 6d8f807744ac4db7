//! `muster user`.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::config::Settings;
use crate::model::{Precondition, Reason, ResourceId};
use crate::service::people::{self, Search};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::output;
use super::session::{self, Session};

/// People read in one go.
const PAGE: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List the people of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Part of the userName, of a name or of an e-mail address
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Create a local user, whom no connection manages; prints its id
    Create {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its userName
        user_name: String,
        /// Its name for people
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
        /// Its e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Suspend a person, whatever connections say; when this returns no server allows the person anything
    Deactivate {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Id or userName
        user: String,
        /// For the record, kept under the person's key
        #[arg(long)]
        reason: Option<Reason>,
    },
    /// Suspend a person no more: whoever manages it decides again
    Reactivate {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Id or userName
        user: String,
    },
}

pub(super) fn run(command: &UserCommand, settings: &Settings) -> Result<(), CommandError> {
    session::work(settings, |session| match command {
        UserCommand::List { organization, search } => list(session, organization, search.as_deref()),
        UserCommand::Create { organization, user_name, display_name, email } => {
            let mut attributes = Map::new();
            attributes.insert("userName".to_owned(), Value::from(user_name.as_str()));
            if let Some(name) = display_name {
                attributes.insert("displayName".to_owned(), Value::from(name.as_str()));
            }
            if let Some(email) = email {
                attributes.insert("emails".to_owned(), json!([{ "value": email, "primary": true }]));
            }
            let caller = session.caller(organization)?;
            output::line(&people::create(&session.services, &caller, attributes)?.id.to_string())
        }
        UserCommand::Deactivate { organization, user, reason } => {
            let caller = session.caller(organization)?;
            let id = people::find(&session.services, &caller, user)?;
            people::suspend(&session.services, &caller, id, reason.as_ref(), &Precondition::None)?;
            Ok(())
        }
        UserCommand::Reactivate { organization, user } => {
            let caller = session.caller(organization)?;
            let id = people::find(&session.services, &caller, user)?;
            people::reinstate(&session.services, &caller, id, None, &Precondition::None)?;
            Ok(())
        }
    })
}

fn list(session: &Session, organization: &OrganizationChoice, text: Option<&str>) -> Result<(), CommandError> {
    let caller = session.caller(organization)?;
    let search = Search { text: text.map(str::to_owned), standing: None };
    let (mut rows, mut after) = (Vec::new(), Some(ResourceId::FIRST));
    while let Some(from) = after {
        let found = people::search(&session.services, &caller, from, PAGE, &search)?;
        rows.extend(found.items.iter().map(|person| {
            let manager = person.manager.as_ref().map_or("local", |manager| manager.name.as_str());
            [
                person.text("userName").to_owned(),
                person.id.to_string(),
                person.standing().as_str().to_owned(),
                manager.to_owned(),
            ]
        }));
        after = found.next;
    }
    output::table(["USERNAME", "ID", "STATUS", "MANAGED BY"], &rows)
}
