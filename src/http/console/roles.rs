//! Roles and what they allow, as one table. Of two who change a role at once, the second sees what the first has saved.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{Permission, ResourceId, RoleName};
use crate::service::access::{Narrowing, ShownRole};
use crate::service::administration::AdministrationError;

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::mappings;
use super::preview;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/roles", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/roles/{role}", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/roles", Needs::Right("organization:manage-access"), name_one),
    Page::post("/o/{organization}/roles/{role}", Needs::Fresh("organization:manage-access"), save),
];

/// How many assignments of a role its page shows.
const HOLDERS: usize = 50;

#[derive(Template)]
#[template(path = "console/roles.html")]
struct RolesPage {
    frame: Frame,
    roles: Vec<(String, bool)>,
    rows: Vec<Row>,
    may_change: bool,
    typed: String,
    problem: String,
}

struct Row {
    permission: String,
    description: String,
    /// Of each role: whether it allows it, and its name.
    held: Vec<(bool, String)>,
}

#[derive(Template)]
#[template(path = "console/role.html")]
struct RolePage {
    frame: Frame,
    typed: String,
    version: String,
    is_built_in: bool,
    rows: Vec<Choice>,
    /// The oldest assignments of it.
    holders: Vec<mappings::Line>,
    /// Where the others are listed, if there are any.
    more_holders: String,
    versions: Vec<Version>,
    may_change: bool,
    problem: String,
    is_stale: bool,
}

/// A permission that can be ticked.
struct Choice {
    permission: String,
    description: String,
    is_ticked: bool,
    /// Whether the role allows it by now, where somebody else has changed that.
    theirs: Option<bool>,
}

/// A version of a role, and what it changed.
struct Version {
    number: u32,
    since: Option<When>,
    added: Vec<String>,
    taken: Vec<String>,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&list_page(visit, String::new(), String::new())?)
}

/// A role begins with its name; what it allows is ticked on its page.
fn name_one(visit: &Visit) -> Result<Answer, Refusal> {
    let text = visit.form.text("name")?;
    match text.parse::<RoleName>() {
        Ok(name) => Ok(Answer::see_other(visit.address(&format!("/roles/{name}"))?)),
        Err(error) => Answer::invalid(&list_page(visit, text.to_owned(), sentence(&error.to_string()))?),
    }
}

fn list_page(visit: &Visit, typed: String, problem: String) -> Result<RolesPage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let roles = administration.roles(organization)?;
    let catalogue = administration.catalogue(organization)?;
    let rows = catalogue
        .permissions()
        .map(|(permission, entry)| Row {
            permission: permission.to_string(),
            description: entry.description.clone(),
            held: roles.iter().map(|role| (role.version.allows(permission), role.version.role.to_string())).collect(),
        })
        .collect();
    let may_change = visit.member()?.rights.manage_access();
    let roles = roles.iter().map(|role| (role.version.role.to_string(), role.created_at.is_none())).collect();
    Ok(RolesPage { frame: visit.frame("Roles", "roles"), roles, rows, may_change, typed, problem })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let name: RoleName = visit.parsed(1)?;
    Answer::page(&page(visit, &name, None, String::new(), false)?)
}

fn page(
    visit: &Visit,
    name: &RoleName,
    ticked: Option<&BTreeSet<Permission>>,
    problem: String,
    is_quicker: bool,
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
        .map(|(permission, entry)| {
            let is_ticked = allows(permission);
            let stored = version.as_ref().is_some_and(|(version, _)| version.allows(permission));
            let theirs = (is_quicker && stored != is_ticked).then_some(stored);
            Choice { permission: permission.to_string(), description: entry.description.clone(), is_ticked, theirs }
        })
        .collect();
    let of_role = Narrowing { role: Some(name.clone()), ..Narrowing::default() };
    let limit = i64::try_from(HOLDERS).unwrap_or(i64::MAX).saturating_add(1);
    let held = administration.assignments_after(organization, &of_role, ResourceId::FIRST, limit)?;
    let holders = held.iter().take(HOLDERS).map(|shown| mappings::line(visit, shown)).collect::<Result<Vec<_>, _>>()?;
    let title = if version.is_some() { format!("Role {name}") } else { format!("New role {name}") };
    Ok(RolePage {
        frame: visit.frame(title, "roles"),
        versions: if version.is_some() { versions(&administration.role(organization, name)?) } else { Vec::new() },
        typed: name.to_string(),
        version: version.as_ref().map(|(version, _)| version.number.to_string()).unwrap_or_default(),
        is_built_in: name.is_built_in(),
        rows,
        holders: holders.into_iter().filter(|line| line.state != "ended").collect(),
        more_holders: if held.len() > HOLDERS { visit.address(&format!("/mappings?q={name}"))? } else { String::new() },
        may_change: visit.member()?.rights.manage_access() && !name.is_built_in(),
        problem,
        is_stale: is_quicker,
    })
}

/// The versions of a role, newest first, each with what it changed.
fn versions(all: &[ShownRole]) -> Vec<Version> {
    let before = std::iter::once(None).chain(all.iter().map(Some));
    let told = |(one, before): (&ShownRole, Option<&ShownRole>)| {
        let none = BTreeSet::new();
        let (now, was) = (&one.version.permissions, before.map_or(&none, |before| &before.version.permissions));
        let names = |one: &BTreeSet<Permission>, other| one.difference(other).map(ToString::to_string).collect();
        let (number, since) = (one.version.number, one.created_at.map(When));
        Version { number, since, added: names(now, was), taken: names(was, now) }
    };
    let mut versions: Vec<Version> = all.iter().zip(before).map(told).collect();
    versions.reverse();
    versions
}

/// What is ticked becomes the next version: first it is shown who gains and who loses, then it is saved.
fn save(visit: &Visit) -> Result<Answer, Refusal> {
    let name: RoleName = visit.parsed(1)?;
    let ticked: Result<BTreeSet<Permission>, _> = visit.form.all("permission").map(str::parse).collect();
    let ticked = ticked.map_err(|_none| Refusal::NotFound)?;
    let fingerprint = visit.form.text("fingerprint")?;
    if fingerprint.is_empty() {
        if !name.is_built_in()
            && let Some(stale) = quicker(visit, &name, &ticked)?
        {
            return Ok(stale);
        }
        return look(visit, &name, &ticked, String::new());
    }
    let expecting = visit.administration()?.expecting(fingerprint.to_owned());
    match expecting.put_role(visit.organization()?, &name, &ticked) {
        Ok(version) => Ok(Answer::see_other(visit.address(&format!("/roles/{name}"))?)
            .saying(&Flash::done(format!("The role {name} is at version {}.", version.number)))),
        Err(AdministrationError::PreconditionFailed(_)) => look(visit, &name, &ticked, preview::MOVED.to_owned()),
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&page(visit, &name, Some(&ticked), problem, false)?)
        }
    }
}

/// The page with both versions, if the role is at another than the one the form was made from.
fn quicker(visit: &Visit, name: &RoleName, ticked: &BTreeSet<Permission>) -> Result<Option<Answer>, Refusal> {
    let found =
        visit.administration()?.roles(visit.organization()?)?.into_iter().find(|role| role.version.role == *name);
    let version = found.map(|role| role.version.number.to_string()).unwrap_or_default();
    if !visit.form.has("version") {
        return Err(Refusal::bad("The form does not say which version it changes. Load the page again."));
    }
    if visit.form.text("version")? == version {
        return Ok(None);
    }
    let problem = "Somebody else changed this role since you opened the form. Look at both versions, then go on with \
                   yours or leave theirs. Nothing of yours was saved yet.";
    let page = page(visit, name, Some(ticked), problem.to_owned(), true)?;
    Answer::page_with(StatusCode::CONFLICT, &page).map(Some)
}

fn look(visit: &Visit, name: &RoleName, ticked: &BTreeSet<Permission>, problem: String) -> Result<Answer, Refusal> {
    let organization = visit.organization()?;
    let shown = match preview::tried(visit, |trying| trying.put_role(organization, name, ticked).map(drop))? {
        Ok(shown) => shown,
        Err(problem) => return Answer::invalid(&page(visit, name, Some(ticked), problem, false)?),
    };
    let names: Vec<&str> = ticked.iter().map(Permission::as_str).collect();
    let allows = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let back = visit.address(&format!("/roles/{name}"))?;
    let page = preview::PreviewPage {
        frame: visit.frame(preview::headline(&shown), "roles"),
        what: format!("The role {name} would allow {allows}."),
        action: back.clone(),
        fields: ticked.iter().map(|permission| ("permission", permission.to_string())).collect(),
        button: preview::button(&shown),
        danger: shown.losing > 0,
        back,
        shown,
        problem: problem.clone(),
    };
    if problem.is_empty() { Answer::page(&page) } else { Answer::invalid(&page) }
}
