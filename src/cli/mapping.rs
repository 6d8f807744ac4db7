//! `muster mapping`, and `muster map`, its short form.

use clap::{Args, Subcommand};

use crate::clock::Clock;
use crate::config::Settings;
use crate::model::{AssignmentId, AssignmentSource, Reason, ResourceId, RoleName, ScopePath};
use crate::service::access::{Narrowing, NewAssignment, ShownAssignment, WantedPrincipal};
use crate::service::administration::Administration;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::point_in_time::PointInTime;
use super::{output, session};

#[derive(Debug, Subcommand)]
pub(super) enum MappingCommand {
    /// Assign a role at a scope to a group, a user or a service; prints the id of the assignment
    Add(Map),
    /// Say what an assignment would come to, person by person, and its fingerprint; changes nothing
    Preview(Map),
    /// End an assignment, now or at another time; when this returns, no server answers by it any more
    Remove {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Its id as `mapping list` shows it
        id: AssignmentId,
        /// When it ends, if not now
        #[arg(long, value_name = "TIME")]
        at: Option<PointInTime>,
    },
    /// List the assignments of an organization
    List {
        #[command(flatten)]
        organization: OrganizationChoice,
        /// Only those of this role
        #[arg(long)]
        role: Option<RoleName>,
        /// Only those at this scope or within it
        #[arg(long)]
        scope: Option<ScopePath>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Map {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The group, by id or displayName
    #[arg(value_name = "GROUP")]
    principal: String,
    /// What it is assigned
    role: RoleName,
    /// Where; it holds in everything within
    scope: ScopePath,
    /// The first argument is a user, by id or userName
    #[arg(long, conflicts_with = "service")]
    user: bool,
    /// The first argument is a service, by id or name
    #[arg(long)]
    service: bool,
    /// From when on [default: now]
    #[arg(long, value_name = "TIME")]
    from: Option<PointInTime>,
    /// Until when [default: for ever]
    #[arg(long, value_name = "TIME")]
    until: Option<PointInTime>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<Reason>,
    /// Only if it still comes to what the preview of this fingerprint said
    #[arg(long, value_name = "TEXT")]
    fingerprint: Option<String>,
}

/// `muster map`.
pub(super) fn map(map: &Map, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| add(administration, map))
}

pub(super) fn run(command: &MappingCommand, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| match command {
        MappingCommand::Add(map) => add(administration, map),
        MappingCommand::Preview(map) => preview(administration, map),
        MappingCommand::Remove { organization, id, at } => {
            let organization = organization.find(administration)?;
            let at = at.map(|at| at.after(Clock::system().now()));
            Ok(administration.end_assignment(organization.id, *id, at)?)
        }
        MappingCommand::List { organization, role, scope } => {
            let organization = organization.find(administration)?;
            let narrowing = Narrowing { role: role.clone(), ..Narrowing::default() };
            let all = administration.assignments_after(organization.id, &narrowing, ResourceId::FIRST, i64::MAX)?;
            let within = |shown: &ShownAssignment| scope.as_ref().is_none_or(|it| it.contains(&shown.assignment.scope));
            list(all.into_iter().filter(within))
        }
    })
}

fn wanted(map: &Map) -> NewAssignment {
    let now = Clock::system().now();
    let name = map.principal.clone();
    NewAssignment {
        principal: match (map.user, map.service) {
            (true, _) => WantedPrincipal::User(name),
            (_, true) => WantedPrincipal::Service(name),
            _ => WantedPrincipal::Group(name),
        },
        role: map.role.clone(),
        scope: map.scope.clone(),
        from: map.from.map(|from| from.after(now)),
        until: map.until.map(|until| until.after(now)),
        source: AssignmentSource::Administrator,
        approver: None,
        reason: map.reason.clone(),
    }
}

fn add(administration: &Administration, map: &Map) -> Result<(), CommandError> {
    let organization = map.organization.find(administration)?;
    let assignment = match &map.fingerprint {
        Some(expected) => administration.clone().expecting(expected.clone()).assign(organization.id, &wanted(map))?,
        None => administration.assign(organization.id, &wanted(map))?,
    };
    output::line(&assignment.id.to_string())
}

fn preview(administration: &Administration, map: &Map) -> Result<(), CommandError> {
    let organization = map.organization.find(administration)?;
    let (preview, _) = administration.try_out(|trying| trying.assign(organization.id, &wanted(map)))?;
    preview.lines().iter().try_for_each(|line| output::line(line))?;
    output::line(&format!("fingerprint: {}", preview.fingerprint))
}

fn list(shown: impl Iterator<Item = ShownAssignment>) -> Result<(), CommandError> {
    let rows: Vec<[String; 8]> = shown
        .map(|ShownAssignment { assignment, principal_name, .. }| {
            let until = assignment.validity.until().map_or_else(|| output::NOTHING.to_owned(), output::seconds);
            [
                assignment.id.to_string(),
                assignment.role.to_string(),
                assignment.scope.to_string(),
                assignment.principal.kind().to_owned(),
                principal_name.unwrap_or_else(|| format!("({}, gone)", assignment.principal.id())),
                output::seconds(assignment.validity.from()),
                until,
                assignment.source.as_str().to_owned(),
            ]
        })
        .collect();
    output::table(["ID", "ROLE", "SCOPE", "TO", "NAME", "FROM", "UNTIL", "SOURCE"], &rows)
}
