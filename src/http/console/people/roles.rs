//! Giving a person a role and taking it away, each after a look at who gains and loses.

use askama::Template;

use crate::model::{AssignmentId, AssignmentSource, UserId};
use crate::service::access::{NewAssignment, WantedPrincipal};
use crate::service::administration::AdministrationError;
use crate::service::people;

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::preview::{MOVED, Shown, tried};
use super::super::profile::display_name;
use super::super::prose::isolated;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;
use super::list::Choice;

const RIGHT: Needs = Needs::Right("organization:manage-access");
const FRESH: Needs = Needs::Fresh("organization:manage-access");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/{id}/roles/new", RIGHT, choose),
    Page::post("/o/{organization}/people/{id}/roles/new", FRESH, give),
    Page::get("/o/{organization}/people/{id}/roles/{assignment}/end", RIGHT, look_at_end),
    Page::post("/o/{organization}/people/{id}/roles/{assignment}/end", FRESH, end),
];

#[derive(Template)]
#[template(path = "console/people/role.html")]
struct RolePage {
    frame: Frame,
    name: String,
    roles: Vec<Choice>,
    scopes: Vec<Choice>,
    problem: String,
    preview: Option<Shown>,
    /// What the button says.
    summary: String,
    /// Whether a role is taken away; else one is given.
    takes: bool,
    back: String,
}

fn wanted(visit: &Visit, user: UserId) -> Result<Option<NewAssignment>, Refusal> {
    let fields = if visit.form.has("role") { &visit.form } else { &visit.query };
    let (role, scope) = (fields.text("role")?, fields.text("scope")?);
    if role.is_empty() || scope.is_empty() {
        return Ok(None);
    }
    let bad = |error: String| Refusal::bad(sentence(&error));
    Ok(Some(NewAssignment {
        principal: WantedPrincipal::User(user.to_string()),
        role: role.parse().map_err(|error: crate::model::PermissionError| bad(error.to_string()))?,
        scope: scope.parse().map_err(|error: crate::model::ScopePathError| bad(error.to_string()))?,
        from: None,
        until: None,
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }))
}

fn choose(visit: &Visit) -> Result<Answer, Refusal> {
    page(visit, String::new())
}

fn page(visit: &Visit, mut problem: String) -> Result<Answer, Refusal> {
    let user: UserId = visit.parsed(1)?;
    let (person, _) = people::read(&visit.services, visit.caller()?, user)?;
    let (organization, administration) = (visit.organization()?, visit.administration()?);
    let name = display_name(&person);
    let wanted = wanted(visit, user)?;
    let chosen = wanted.as_ref().map(|it| (it.role.to_string(), it.scope.to_string())).unwrap_or_default();
    let (mut preview, mut summary) = (None, String::new());
    if let (Some(wanted), true) = (&wanted, is_shown(&problem)) {
        summary = format!("Give {} the role {} at {}", isolated(&name), wanted.role, wanted.scope);
        match tried(visit, |trying| trying.assign(organization, wanted).map(drop))? {
            Ok(shown) => preview = Some(shown),
            Err(refused) => problem = refused,
        }
    }
    let roles = administration.roles(organization)?;
    let mut scopes: Vec<String> =
        administration.scopes(organization)?.into_iter().map(|scope| scope.path.to_string()).collect();
    if !scopes.iter().any(|scope| scope == "/") {
        scopes.insert(0, "/".to_owned());
    }
    answer(&RolePage {
        frame: visit.frame(format!("Give {name} a role"), "people"),
        roles: roles
            .into_iter()
            .map(|it| it.version.role.to_string())
            .map(|it| Choice::new(it.clone(), it, &chosen.0))
            .collect(),
        scopes: scopes.into_iter().map(|it| Choice::new(it.clone(), it, &chosen.1)).collect(),
        problem,
        preview,
        summary,
        takes: false,
        back: visit.address(&format!("/people/{user}"))?,
        name,
    })
}

/// Whether what it would come to is shown: it is where nothing is wrong, or only that the world has moved.
fn is_shown(problem: &str) -> bool {
    problem.is_empty() || problem == MOVED
}

fn answer(page: &RolePage) -> Result<Answer, Refusal> {
    if page.problem.is_empty() { Answer::page(page) } else { Answer::invalid(page) }
}

fn give(visit: &Visit) -> Result<Answer, Refusal> {
    let user: UserId = visit.parsed(1)?;
    let organization = visit.organization()?;
    let Some(wanted) = wanted(visit, user)? else { return Err(Refusal::bad("Choose a role and a place.")) };
    let fingerprint = visit.form.text("fingerprint")?;
    if fingerprint.is_empty() {
        return Err(Refusal::bad("Look at what it comes to first."));
    }
    match visit.administration()?.expecting(fingerprint.to_owned()).assign(organization, &wanted) {
        Ok(made) => {
            let said = format!("The role {} at {} was given. It holds from now on.", made.role, made.scope);
            Ok(Answer::see_other(visit.address(&format!("/people/{user}"))?).saying(&Flash::done(said)))
        }
        Err(AdministrationError::PreconditionFailed(_)) => page(visit, MOVED.to_owned()),
        Err(error) => page(visit, sentence(&Refusal::from(error).about_the_form()?)),
    }
}

fn look_at_end(visit: &Visit) -> Result<Answer, Refusal> {
    end_page(visit, String::new())
}

fn end_page(visit: &Visit, mut problem: String) -> Result<Answer, Refusal> {
    let (user, id): (UserId, AssignmentId) = (visit.parsed(1)?, visit.parsed(2)?);
    let (organization, administration) = (visit.organization()?, visit.administration()?);
    let (person, _) = people::read(&visit.services, visit.caller()?, user)?;
    let assignment = administration.assignment(organization, id)?.ok_or(Refusal::NotFound)?.assignment;
    if assignment.principal != crate::model::Principal::User(user) {
        return Err(Refusal::NotFound);
    }
    let name = display_name(&person);
    let mut preview = None;
    if is_shown(&problem) {
        match tried(visit, |trying| trying.end_assignment(organization, id, None))? {
            Ok(shown) => preview = Some(shown),
            Err(refused) => problem = refused,
        }
    }
    answer(&RolePage {
        frame: visit.frame(format!("Take {} at {} from {name}?", assignment.role, assignment.scope), "people"),
        roles: Vec::new(),
        scopes: Vec::new(),
        problem,
        preview,
        summary: format!("Take the role {} at {} from {}", assignment.role, assignment.scope, isolated(&name)),
        takes: true,
        back: visit.address(&format!("/people/{user}"))?,
        name,
    })
}

fn end(visit: &Visit) -> Result<Answer, Refusal> {
    let (user, id): (UserId, AssignmentId) = (visit.parsed(1)?, visit.parsed(2)?);
    let fingerprint = visit.form.text("fingerprint")?.to_owned();
    let administration = visit.administration()?.expecting(fingerprint);
    match administration.end_assignment(visit.organization()?, id, None) {
        Ok(()) => Ok(Answer::see_other(visit.address(&format!("/people/{user}"))?)
            .saying(&Flash::done("The role was taken away. It allows nothing any more."))),
        Err(AdministrationError::PreconditionFailed(_)) => end_page(visit, MOVED.to_owned()),
        Err(error) => end_page(visit, sentence(&Refusal::from(error).about_the_form()?)),
    }
}
