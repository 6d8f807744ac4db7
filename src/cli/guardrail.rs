//! `muster guardrail`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::access::guardrail::ReadyParameters;
use crate::config::Settings;
use crate::model::GuardrailId;
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum GuardrailCommand {
    /// Save a guardrail: a Cedar `forbid` policy from a file, or a ready one with its parameters
    Add {
        #[command(flatten)]
        organization: OrganizationChoice,
        #[command(flatten)]
        source: Source,
        /// Save it even if nobody could pass some gate any more
        #[arg(long)]
        anyway: bool,
    },
    /// Check a guardrail without saving it; prints it as Cedar
    Check {
        #[command(flatten)]
        organization: OrganizationChoice,
        #[command(flatten)]
        source: Source,
    },
    /// List the guardrails of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Remove a guardrail
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its name
        name: GuardrailId,
    },
}

#[derive(Debug, Args)]
pub(super) struct Source {
    /// The file with the Cedar policy; `-` for standard input
    #[arg(required_unless_present = "ready", conflicts_with = "ready")]
    file: Option<PathBuf>,
    /// A ready guardrail: `separation-of-duties`, `author-may-not-deploy`, `attribute-limit`, `freeze-window`,
    /// `freeze-days`, `clearance` or `build-shell`
    #[arg(long, value_name = "READY", requires = "name")]
    ready: Option<String>,
    /// Its name in the organization
    #[arg(long)]
    name: Option<String>,
    /// Why it is there
    #[arg(long, default_value = "set by an administrator")]
    reason: String,
    /// The control it implements
    #[arg(long, default_value = "none")]
    control: String,
    /// Two roles, or those that may
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// Roles that may all the same
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    except: Vec<String>,
    /// What is forbidden
    #[arg(long, value_name = "PERMISSION", value_delimiter = ',')]
    permissions: Vec<String>,
    /// Where [default: everywhere]
    #[arg(long)]
    scope: Option<String>,
    /// The attribute that is read
    #[arg(long)]
    attribute: Option<String>,
    /// Its values that pass
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    values: Vec<String>,
    /// The beginning of a window
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Its end
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Days of the week, 1 for Mondays
    #[arg(long, value_name = "DAY", value_delimiter = ',')]
    days: Vec<u8>,
    /// From this minute of the day on, in UTC
    #[arg(long, value_name = "MINUTE", default_value_t = 0)]
    from_minute: u16,
}

impl Source {
    fn text(&self) -> Result<String, CommandError> {
        if let Some(file) = &self.file {
            return read(file);
        }
        let parameters = ReadyParameters {
            ready: self.ready.clone().unwrap_or_default(),
            name: self.name.clone().unwrap_or_default(),
            reason: self.reason.clone(),
            control: self.control.clone(),
            roles: self.roles.clone(),
            except: self.except.clone(),
            permissions: self.permissions.clone(),
            scope: self.scope.clone(),
            attribute: self.attribute.clone(),
            values: self.values.iter().cloned().collect(),
            from: self.from.clone(),
            until: self.until.clone(),
            days: self.days.iter().copied().collect(),
            from_minute: self.from_minute,
        };
        parameters.text().map_err(|error| CommandError::Usage(error.to_string()))
    }
}

/// The text of a file, or what stands on standard input.
pub(super) fn read(file: &Path) -> Result<String, CommandError> {
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    text.map_err(|error| CommandError::Failed(format!("cannot read `{}`: {error}", file.display())))
}

pub(super) fn run(command: &GuardrailCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        GuardrailCommand::Add { organization, source, anyway } => {
            let organization = organization.find(administration)?;
            let saved = administration.save_guardrail(organization.id, &source.text()?, *anyway)?;
            output::line(saved.id().as_str())
        }
        GuardrailCommand::Check { organization, source } => {
            let organization = organization.find(administration)?;
            let checked = administration.check_guardrail(organization.id, &source.text()?)?;
            output::text(checked.text())
        }
        GuardrailCommand::List { organization } => list(administration, organization),
        GuardrailCommand::Remove { organization, name } => {
            let organization = organization.find(administration)?;
            Ok(administration.remove_guardrail(organization.id, name)?)
        }
    })
}

fn list(administration: &Administration, organization: &OrganizationChoice) -> Result<(), CommandError> {
    let organization = organization.find(administration)?;
    let rows: Vec<[String; 5]> = administration
        .guardrails(organization.id)?
        .into_iter()
        .map(|shown| {
            let problem = shown.problem.unwrap_or_else(|| "valid".to_owned());
            let since = output::seconds(shown.row.created_at);
            [shown.row.id.to_string(), shown.control, since, problem, shown.reason]
        })
        .collect();
    output::table(["GUARDRAIL", "CONTROL", "SINCE", "STATE", "REASON"], &rows)
}
