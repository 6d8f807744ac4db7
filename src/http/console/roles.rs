//! Roles and what they allow, as one table.

use std::collections::BTreeSet;

use askama::Template;

use crate::model::{Permission, RoleName};
use crate::service::administration::AdministrationError;

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/roles", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/roles/{role}", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/roles/{role}", Needs::Fresh("organization:manage-access"), save),
];

#[derive(Template)]
#[template(path = "console/roles.html")]
struct RolesPage {
    frame: Frame,
    roles: Vec<(String, bool)>,
    rows: Vec<Row>,
    may_change: bool,
}

struct Row {
    permission: String,
    description: String,
    held: Vec<bool>,
}

#[derive(Template)]
#[template(path = "console/role.html")]
struct RolePage {
    frame: Frame,
    typed: String,
    version: String,
    is_built_in: bool,
    rows: Vec<(String, String, bool)>,
    holders: Vec<super::mappings::Line>,
    may_change: bool,
    problem: String,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let roles = administration.roles(organization)?;
    let catalogue = administration.catalogue(organization)?;
    let rows = catalogue
        .permissions()
        .map(|(permission, entry)| Row {
            permission: permission.to_string(),
            description: entry.description.clone(),
            held: roles.iter().map(|role| role.version.allows(permission)).collect(),
        })
        .collect();
    let may_change = visit.member()?.rights.manage_access();
    let roles = roles.iter().map(|role| (role.version.role.to_string(), role.created_at.is_none())).collect();
    Answer::page(&RolesPage { frame: visit.frame("Roles", "roles"), roles, rows, may_change })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let name: RoleName = visit.parsed(1)?;
    Answer::page(&page(visit, &name, None, String::new())?)
}

fn page(
    visit: &Visit,
    name: &RoleName,
    ticked: Option<&BTreeSet<Permission>>,
    problem: String,
) -> Result<RolePage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let found = administration.roles(organization)?.into_iter().find(|role| role.version.role == *name);
    let version = found.map(|role| (role.version, role.created_at));
    let allows = |permission: &Permission| match (ticked, &version) {
        (Some(ticked), _) => ticked.contains(permission),
        (None, Some((version, _))) => version.allows(permission),
        (None, None) => false,
    };
    let catalogue = administration.catalogue(organization)?;
    let rows = catalogue
        .permissions()
        .map(|(permission, entry)| (permission.to_string(), entry.description.clone(), allows(permission)))
        .collect();
    let assignments = administration.assignments(organization)?;
    let holders = assignments.iter().filter(|shown| shown.assignment.role == *name);
    let holders = holders.map(|shown| super::mappings::line(visit, shown)).collect::<Result<Vec<_>, _>>()?;
    let title = if version.is_some() { format!("Role {name}") } else { format!("New role {name}") };
    Ok(RolePage {
        frame: visit.frame(title, "roles"),
        typed: name.to_string(),
        version: version.as_ref().map(|(version, _)| version.number.to_string()).unwrap_or_default(),
        is_built_in: name.is_built_in(),
        rows,
        holders: holders.into_iter().filter(|line| line.state != "ended").collect(),
        may_change: visit.member()?.rights.manage_access() && !name.is_built_in(),
        problem,
    })
}

fn save(visit: &Visit) -> Result<Answer, Refusal> {
    let name: RoleName = visit.parsed(1)?;
    let ticked: Result<BTreeSet<Permission>, _> = visit.form.all("permission").map(str::parse).collect();
    let ticked = ticked.map_err(|_none| Refusal::NotFound)?;
    match visit.administration()?.put_role(visit.organization()?, &name, &ticked) {
        Ok(version) => Ok(Answer::see_other(visit.address(&format!("/roles/{name}"))?)
            .saying(&Flash::done(format!("The role {name} is at version {}.", version.number)))),
        Err(error @ (AdministrationError::Unfitting(_) | AdministrationError::Taken(_))) => {
            Answer::invalid(&page(visit, &name, Some(&ticked), sentence(&error.to_string()))?)
        }
        Err(error) => Err(error.into()),
    }
}
