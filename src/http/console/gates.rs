//! Gates: how many people can deploy where, through what, and whether one of them can.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::json;

use crate::access::gates::{Gate, GateState};
use crate::model::{GateBounds, Permission, ScopePath};
use crate::service::access::{MayQuestion, NewScope, Passages};
use crate::service::administration::{AdministrationError, Expected};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::prose::capital;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/gates", Needs::Right("organization:read"), list),
    Page::post("/o/{organization}/gates", Needs::Right("organization:manage-access"), add_scope),
    Page::get("/o/{organization}/gates/at", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/gates/at", Needs::Right("organization:manage-access"), set),
    Page::get("/o/{organization}/check", Needs::Right("organization:read"), check),
];

/// How many people a gate's page lists.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "console/gates.html")]
struct GatesPage {
    frame: Frame,
    projects: Vec<Project>,
    may_change: bool,
    typed: String,
    problem: String,
}

/// A project's gates.
struct Project {
    name: String,
    gates: Vec<GateLine>,
}

/// A gate, as lists show it.
pub(super) struct GateLine {
    pub(super) href: String,
    pub(super) people: usize,
    pub(super) verb: String,
    pub(super) scope: String,
    pub(super) expected: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
}

#[derive(Template)]
#[template(path = "console/gate.html")]
struct GatePage {
    frame: Frame,
    scope: String,
    permission: String,
    verb: String,
    people: usize,
    through: Vec<(String, usize)>,
    /// Of how many people the ways were counted.
    looked_at: usize,
    shown: Vec<PassageLine>,
    more: usize,
    state: &'static str,
    tone: &'static str,
    expected: String,
    minimum: String,
    maximum: String,
    /// The bounds that are set, as the form knows them; empty for none.
    before: String,
    may_set: bool,
    problem: String,
}

struct PassageLine {
    name: String,
    id: String,
    groups: Vec<String>,
    role: String,
    scope: String,
    since: Option<When>,
}

#[derive(Template)]
#[template(path = "console/check.html")]
struct CheckPage {
    frame: Frame,
    /// Whether a service is asked about, else a person.
    is_service: bool,
    person: String,
    permission: String,
    scope: String,
    at: String,
    permissions: Vec<String>,
    scopes: Vec<String>,
    problem: String,
    verdict: Option<Verdict>,
}

struct Verdict {
    allowed: bool,
    reasons: Vec<String>,
    evidence: String,
    asked: When,
}

/// What somebody who may is able to do, after "can".
pub(super) fn verb(permission: &str) -> String {
    match permission {
        "deploy:run" => "deploy".to_owned(),
        "deploy:approve" => "approve deployments".to_owned(),
        "deploy:configure" => "configure deployments".to_owned(),
        other => format!("do {other}"),
    }
}

const fn tone(state: GateState) -> &'static str {
    match state {
        GateState::Open => "ok",
        GateState::Closed => "bad",
        GateState::TooFew | GateState::TooMany => "warn",
    }
}

fn expected(bounds: GateBounds) -> String {
    match bounds.maximum() {
        Some(maximum) => format!("{} to {maximum}", bounds.minimum()),
        None => format!("{} or more", bounds.minimum()),
    }
}

/// The address of a gate's page.
pub(super) fn address(visit: &Visit, scope: &str, permission: &str) -> Result<String, Refusal> {
    let query = super::fields::Fields::default().query_with(&[("scope", scope), ("permission", permission)]);
    visit.address(&format!("/gates/at?{query}"))
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&list_page(visit, String::new(), String::new())?)
}

/// Makes an environment, with the project around it; a production one has gates from then on.
fn add_scope(visit: &Visit) -> Result<Answer, Refusal> {
    let typed = visit.form.text("path")?.to_owned();
    let path: ScopePath = match typed.parse() {
        Ok(path) => path,
        Err(error) => {
            let problem = super::refusal::sentence(&crate::model::ScopePathError::to_string(&error));
            return Answer::invalid(&list_page(visit, typed, problem)?);
        }
    };
    let wanted = NewScope { path, production: visit.form.has("production"), description: None };
    match visit.administration()?.create_scope(visit.organization()?, &wanted) {
        Ok(scope) => {
            let said = Flash::done(format!("{} is there. Assign a role at it, and its people may act.", scope.path));
            Ok(Answer::see_other(visit.address("/gates")?).saying(&said))
        }
        Err(error) => {
            let problem = super::refusal::sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&list_page(visit, typed, problem)?)
        }
    }
}

fn list_page(visit: &Visit, typed: String, problem: String) -> Result<GatesPage, Refusal> {
    let administration = visit.administration()?;
    let organization = visit.organization()?;
    let gates = administration.gates(organization)?;
    let mut projects: Vec<Project> = Vec::new();
    for gate in &gates {
        let name = gate.scope.as_str().split('/').nth(1).unwrap_or_default().to_owned();
        let line = line(visit, gate)?;
        match projects.last_mut().filter(|project| project.name == name) {
            Some(project) => project.gates.push(line),
            None => projects.push(Project { name, gates: vec![line] }),
        }
    }
    let closed = gates.iter().filter(|gate| gate.state() != GateState::Open).count();
    let title = match (gates.len(), closed) {
        (0, _) => "Gates".to_owned(),
        (_, 0) => "Every gate has the people it needs".to_owned(),
        (_, 1) => "One gate needs a look".to_owned(),
        (_, several) => format!("{several} gates need a look"),
    };
    let may_change = visit.member()?.rights.manage_access();
    Ok(GatesPage { frame: visit.frame(title, "gates"), projects, may_change, typed, problem })
}

/// A gate with how it stands.
pub(super) fn line(visit: &Visit, gate: &Gate) -> Result<GateLine, Refusal> {
    Ok(GateLine {
        href: address(visit, gate.scope.as_str(), gate.permission.as_str())?,
        people: gate.passing,
        verb: verb(gate.permission.as_str()),
        scope: gate.scope.to_string(),
        expected: expected(gate.bounds),
        state: gate.state().as_str(),
        tone: tone(gate.state()),
    })
}

/// Which gate an address or a form names.
fn named(from: &super::fields::Fields) -> Result<(ScopePath, Permission), Refusal> {
    let scope = from.text("scope")?.parse().map_err(|_none| Refusal::NotFound)?;
    let permission = from.text("permission")?.parse().map_err(|_none| Refusal::NotFound)?;
    Ok((scope, permission))
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let (scope, permission) = named(&visit.query)?;
    Answer::page(&gate_page(visit, &scope, &permission, String::new())?)
}

fn gate_page(visit: &Visit, scope: &ScopePath, permission: &Permission, problem: String) -> Result<GatePage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let Passages { total, looked_at, through, shown } =
        administration.passages(organization, scope, permission, SHOWN)?;
    let gate = administration.gates(organization)?;
    let gate = gate.into_iter().find(|gate| gate.scope == *scope && gate.permission == *permission);
    let verb = verb(permission.as_str());
    let title = match total {
        0 => format!("Nobody can {verb} at {scope}"),
        1 => format!("1 person can {verb} at {scope}"),
        several => format!("{several} people can {verb} at {scope}"),
    };
    let more = total.saturating_sub(shown.len());
    let shown = shown
        .into_iter()
        .map(|passage| PassageLine {
            name: passage.name,
            id: passage.user.to_string(),
            groups: passage.groups,
            role: passage.role.to_string(),
            scope: passage.scope.to_string(),
            since: passage.since.map(When),
        })
        .collect();
    let bounds = gate.as_ref().map(|gate| gate.bounds);
    let set = set_bounds(visit, scope, permission)?;
    Ok(GatePage {
        before: set.map(expected).unwrap_or_default(),
        frame: visit.frame(title, "gates"),
        scope: scope.to_string(),
        permission: permission.to_string(),
        verb,
        people: total,
        looked_at,
        through,
        shown,
        more,
        state: gate.as_ref().map_or("not watched", |gate| gate.state().as_str()),
        tone: gate.as_ref().map_or("idle", |gate| tone(gate.state())),
        expected: bounds.map(expected).unwrap_or_default(),
        minimum: bounds.map(|bounds| bounds.minimum().to_string()).unwrap_or_default(),
        maximum: bounds.and_then(GateBounds::maximum).map(|most| most.to_string()).unwrap_or_default(),
        may_set: visit.member()?.rights.manage_access(),
        problem,
    })
}

/// The bounds somebody has set.
fn set_bounds(visit: &Visit, scope: &ScopePath, permission: &Permission) -> Result<Option<GateBounds>, Refusal> {
    let scopes = visit.administration()?.scopes(visit.organization()?)?;
    let found = scopes.iter().find(|one| one.path == *scope);
    Ok(found.and_then(|found| found.gates.get(permission)).copied())
}

fn set(visit: &Visit) -> Result<Answer, Refusal> {
    let (scope, permission) = named(&visit.form)?;
    let number = |name: &str| -> Result<Result<Option<u32>, String>, Refusal> {
        let text = visit.form.text(name)?;
        if text.is_empty() {
            return Ok(Ok(None));
        }
        Ok(text.parse().map(Some).map_err(|_none| format!("Enter a whole number of people, not `{text}`.")))
    };
    let bounds = match (number("minimum")?, number("maximum")?) {
        (Ok(minimum), Ok(maximum)) => GateBounds::new(minimum.unwrap_or_default(), maximum)
            .map_err(|error| super::refusal::sentence(&error.to_string())),
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    let bounds = match bounds {
        Ok(bounds) => bounds,
        Err(problem) => return Answer::invalid(&gate_page(visit, &scope, &permission, problem)?),
    };
    if !visit.form.has("before") {
        return Err(Refusal::bad("The form does not say what it changes. Load the page again."));
    }
    let found = set_bounds(visit, &scope, &permission)?;
    let quicker = || {
        let by_now = set_bounds(visit, &scope, &permission)?.map_or_else(|| "not set".to_owned(), expected);
        let problem = format!(
            "Somebody else set this gate since you opened the page: it is {by_now} by now, and you want {}. Save again \
             to set yours over theirs.",
            expected(bounds)
        );
        let mut page = gate_page(visit, &scope, &permission, problem)?;
        page.minimum = bounds.minimum().to_string();
        page.maximum = bounds.maximum().map(|most| most.to_string()).unwrap_or_default();
        Answer::page_with(StatusCode::CONFLICT, &page)
    };
    if found.map(expected).unwrap_or_default() != visit.form.text("before")? {
        return quicker();
    }
    let expecting = Expected::Exactly(found);
    match visit.administration()?.set_gate(visit.organization()?, &scope, &permission, bounds, &expecting) {
        Ok(()) => {}
        Err(AdministrationError::PreconditionFailed(_)) => return quicker(),
        Err(error) => return Err(error.into()),
    }
    let said = Flash::done(format!("The gate is watched: {} people should be able to pass.", expected(bounds)));
    Ok(Answer::see_other(address(visit, scope.as_str(), permission.as_str())?).saying(&said))
}

fn check(visit: &Visit) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let text = |name: &str| visit.query.text(name).map(str::to_owned);
    let (person, permission, scope, at) = (text("person")?, text("permission")?, text("scope")?, text("at")?);
    let permissions = administration.catalogue(organization)?;
    let permissions = permissions.permissions().map(|(name, _)| name.to_string()).collect();
    let scopes = administration.scopes(organization)?.into_iter().map(|scope| scope.path.to_string()).collect();
    let mut page = CheckPage {
        frame: visit.frame("Check a person or a service", "gates"),
        is_service: visit.query.text("kind")? == "service",
        person,
        permission,
        scope,
        at,
        permissions,
        scopes,
        problem: String::new(),
        verdict: None,
    };
    if page.person.is_empty() || page.permission.is_empty() && page.scope.is_empty() {
        return Answer::page(&page);
    }
    let question = match question(&page) {
        Ok(question) => question,
        Err(problem) => {
            page.problem = problem;
            return Answer::invalid(&page);
        }
    };
    let asked = question.at.unwrap_or_else(|| visit.services.clock.now());
    let answer = administration.may(organization, &question, true);
    let answer = answer.map_err(AdministrationError::from)?;
    let evidence = json!({
        "type": if page.is_service { "service" } else { "user" }, "subject": page.person, "permission": page.permission, "scope": page.scope, "at": asked.to_string(),
        "decision": answer.allowed, "revision": answer.revision.as_i64(), "reasons": answer.reasons,
    });
    let evidence = serde_json::to_string_pretty(&evidence).unwrap_or_default();
    let word = if answer.allowed { "Yes" } else { "No" };
    let title = format!("{word}: {} at {}", verb(&page.permission), page.scope);
    page.frame = visit.frame(title, "gates");
    // The first line is the verdict, which stands above the others.
    let reasons = answer.reasons.iter().skip(1).map(|line| capital(line)).collect();
    page.verdict = Some(Verdict { allowed: answer.allowed, reasons, evidence, asked: When(asked) });
    Answer::page(&page)
}

fn question(page: &CheckPage) -> Result<MayQuestion, String> {
    let permission = page.permission.parse().map_err(|_none| "Choose a permission.".to_owned())?;
    let scope = page.scope.parse().map_err(|_none| "Choose a scope.".to_owned())?;
    let at = match page.at.as_str() {
        "" => None,
        text => {
            // A browser's field for date and time says nothing of seconds or a zone; ours are in UTC.
            let whole = if text.len() == 16 { format!("{text}:00Z") } else { text.to_owned() };
            let parsed = whole
                .parse()
                .map_err(|_none| format!("`{text}` is no date and time, in UTC, such as 2026-03-31T18:00."));
            Some(parsed?)
        }
    };
    Ok(MayQuestion { subject: page.person.clone(), is_service: page.is_service, permission, scope, at })
}
