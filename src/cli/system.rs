//! `muster system` and `muster reconcile`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::model::{Name, OrganizationId, Report, ResourceId, UserId};
use crate::service::administration::Administration;
use crate::service::reconciliation::DownstreamSystem;
use crate::service::reconciliation::{NewSystem, Source, read_csv};

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum SystemCommand {
    /// Add a downstream system; prints its id
    Add(Add),
    /// List the downstream systems of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
    },
    /// Say whose an account is
    Tie {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
        /// The account: its identifier there, or its name where it has none
        account: String,
        /// The user's id
        user: UserId,
    },
    /// Say that nobody knows whose an account is
    Untie {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
        /// The account
        account: String,
    },
    /// List the comparisons of a system, newest first
    History {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
    },
    /// Compare a system no more
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// The system
        name: Name,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// Its name
    name: Name,
    /// Fetch its accounts: the organization at GitHub
    #[arg(long, value_name = "ORGANIZATION", requires = "token_file")]
    github: Option<String>,
    /// File with a token that may read the members of the organization at GitHub
    #[arg(long, value_name = "FILE", requires = "github")]
    token_file: Option<PathBuf>,
    /// Where GitHub's API stands
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api: String,
}

/// Compare the accounts of a downstream system with the people here: exit 0 they agree, 3 something differs
#[derive(Debug, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The system
    name: Name,
    /// Its accounts as CSV: a line with the names of the columns, of which `account` must be one; left out: fetched
    file: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn find(
    administration: &Administration,
    organization: &OrganizationChoice,
    name: &Name,
) -> Result<(OrganizationId, DownstreamSystem), CommandError> {
    let organization = organization.find(administration)?.id;
    let key = crate::model::fold(name.as_str());
    let found = administration.systems(organization)?.into_iter().find(|system| system.name_key == key);
    found
        .map(|system| (organization, system))
        .ok_or_else(|| CommandError::Failed(format!("there is no system `{name}`; `muster system list` shows them")))
}

pub(super) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> CommandError {
    CommandError::Usage(format!("the file `{}` cannot be read: {error}", path.display()))
}

pub(super) fn run(command: &SystemCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        SystemCommand::Add(add) => self::add(administration, add),
        SystemCommand::List { organization } => {
            let organization = organization.find(administration)?.id;
            let row = |system: DownstreamSystem| {
                let github = system.github.map_or_else(|| output::NOTHING.to_owned(), |github| github.organization);
                [system.name, system.id.to_string(), github]
            };
            let rows: Vec<[String; 3]> = administration.systems(organization)?.into_iter().map(row).collect();
            output::table(["NAME", "ID", "GITHUB"], &rows)
        }
        SystemCommand::Tie { organization, name, account, user } => {
            let (organization, system) = find(administration, organization, name)?;
            Ok(administration.tie_account(organization, system.id, account, *user)?)
        }
        SystemCommand::Untie { organization, name, account } => {
            let (organization, system) = find(administration, organization, name)?;
            Ok(administration.untie_account(organization, system.id, account)?)
        }
        SystemCommand::History { organization, name } => {
            let (organization, system) = find(administration, organization, name)?;
            let all = administration.reconciliations(organization, system.id, ResourceId::LAST, 100)?;
            let rows: Vec<[String; 6]> = all
                .iter()
                .map(|one| {
                    let report = &one.report;
                    let counts = [report.accounts, report.orphans.len(), report.leavers.len(), report.missing.len()];
                    let [accounts, orphans, leavers, missing] = counts.map(|count| count.to_string());
                    [output::seconds(one.at), accounts, orphans, leavers, missing, report.groups.len().to_string()]
                })
                .collect();
            output::table(["AT", "ACCOUNTS", "ORPHANS", "LEAVERS", "MISSING", "GROUPS"], &rows)
        }
        SystemCommand::Remove { organization, name } => {
            let (organization, system) = find(administration, organization, name)?;
            Ok(administration.remove_system(organization, system.id)?)
        }
    })
}

fn add(administration: &Administration, add: &Add) -> Result<(), CommandError> {
    let organization = add.organization.find(administration)?.id;
    let github = match (&add.github, &add.token_file) {
        (Some(github), Some(path)) => {
            let token = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            let token = Zeroizing::new(token.trim().to_owned());
            Some(Source { organization: github.clone(), api: add.api.clone(), token })
        }
        _ => None,
    };
    let system = administration.add_system(organization, &NewSystem { name: add.name.clone(), github })?;
    output::line(&system.id.to_string())
}

pub(super) fn reconcile(command: &Reconcile, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| {
        let (organization, system) = find(administration, &command.organization, &command.name)?;
        let compared = match &command.file {
            None => administration.reconcile_fetched(organization, system.id)?,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
                let accounts = read_csv(&text).map_err(CommandError::Usage)?;
                administration.reconcile(organization, system.id, &accounts)?
            }
        };
        let report = compared.report;
        if command.json {
            let text =
                serde_json::to_string_pretty(&report).map_err(|error| CommandError::Failed(error.to_string()))?;
            output::line(&text)?;
        } else {
            output::text(&text(&report))?;
        }
        let Report { orphans, leavers, missing, groups, .. } = &report;
        if orphans.is_empty() && leavers.is_empty() && missing.is_empty() && groups.is_empty() {
            return Ok(());
        }
        Err(CommandError::Unconfirmed(format!(
            "{} accounts of people who are gone, {} of nobody, {} people without one, {} memberships differ",
            leavers.len(),
            orphans.len(),
            missing.len(),
            groups.len()
        )))
    })
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!("{} accounts", report.accounts)];
    lines.extend(
        report.leavers.iter().map(|one| format!("gone, and still has an account: {} ({})", one.account, one.user)),
    );
    lines.extend(report.orphans.iter().map(|one| {
        let why = if one.ambiguous { "several people might have it" } else { "nobody is known to have it" };
        format!("account without owner: {} ({why}; tie it by `{}`)", one.account, one.key)
    }));
    lines.extend(report.missing.iter().map(|one| format!("no account: {} ({})", one.user_name, one.user)));
    lines.extend(report.groups.iter().map(|one| format!("only {}: {} in {}", one.only, one.user, one.group)));
    lines.extend(report.unknown_groups.iter().map(|group| format!("no such group here: {group}")));
    // What a far side calls its accounts is text on a terminal and nothing else.
    let plain = |line: String| line.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
    lines.into_iter().map(plain).flat_map(|line| [line, "\n".to_owned()]).collect()
}
