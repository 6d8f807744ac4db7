//! Which groups, people and services are assigned which roles: each change is shown person by person before it is made.

use askama::Template;

use crate::model::{AssignmentId, AssignmentSource, Moment, Principal, ResourceId};
use crate::service::access::{NewAssignment, ShownAssignment, WantedPrincipal};
use crate::service::administration::AdministrationError;
use crate::service::people::groups;

use super::answer::{Answer, Flash};
use super::fields::Fields;
use super::frame::Frame;
use super::preview::{MOVED, PreviewPage, button, headline, tried};
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/mappings", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/mappings/new", Needs::Right("organization:manage-access"), fresh),
    Page::get("/o/{organization}/mappings/preview", Needs::Right("organization:manage-access"), preview),
    Page::post("/o/{organization}/mappings", Needs::Fresh("organization:manage-access"), make),
    Page::get("/o/{organization}/mappings/{id}/end", Needs::Right("organization:manage-access"), ending),
    Page::post("/o/{organization}/mappings/{id}/end", Needs::Fresh("organization:manage-access"), end),
];

/// Groups that are offered by name.
const OFFERED: usize = 200;
/// Assignments on one page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "console/mappings.html")]
struct MappingsPage {
    frame: Frame,
    lines: Vec<Line>,
    hidden: usize,
    query: String,
    all: bool,
    /// Whether only those are shown that match nobody.
    orphaned: bool,
    /// How many match nobody because whom they name is gone.
    orphans: usize,
    first: String,
    next: String,
    may_change: bool,
}

/// An assignment, as lists show it.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// Empty: gone.
    pub(super) name: String,
    pub(super) href: String,
    pub(super) role: String,
    pub(super) scope: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) until: Option<When>,
    pub(super) since: When,
    pub(super) source: &'static str,
    pub(super) reason: String,
}

#[derive(Template)]
#[template(path = "console/mapping_new.html")]
struct NewPage {
    frame: Frame,
    form: Form,
    roles: Vec<String>,
    scopes: Vec<String>,
    groups: Vec<String>,
    problem: String,
}

/// What is to be assigned, as it was typed.
#[derive(Default)]
struct Form {
    kind: String,
    name: String,
    role: String,
    scope: String,
    until: String,
    reason: String,
}

/// An assignment, as lists show it.
pub(super) fn line(visit: &Visit, shown: &ShownAssignment) -> Result<Line, Refusal> {
    let now = visit.services.clock.now();
    let one = &shown.assignment;
    let id = one.principal.id();
    let (kind, href) = match one.principal {
        Principal::Group(_) => ("group", visit.address(&format!("/groups/{id}"))?),
        Principal::User(_) => ("person", visit.address(&format!("/people/{id}"))?),
        Principal::Service(_) => ("service", visit.address(&format!("/services/{id}"))?),
    };
    let is_over = one.validity.until().is_some_and(|until| until <= now);
    let (state, tone) = match (&shown.principal_name, is_over) {
        (_, true) => ("ended", "idle"),
        (None, _) => ("matches nobody", "warn"),
        (Some(_), _) if one.validity.from() > now => ("begins later", "wait"),
        _ => ("holds", "ok"),
    };
    Ok(Line {
        id: one.id.to_string(),
        kind,
        name: shown.principal_name.clone().unwrap_or_default(),
        href: if shown.principal_name.is_some() { href } else { String::new() },
        role: one.role.to_string(),
        scope: one.scope.to_string(),
        state,
        tone,
        until: one.validity.until().map(When),
        since: When(shown.created_at),
        source: match one.source {
            AssignmentSource::Administrator => "an administrator",
            AssignmentSource::Document => "a document",
            AssignmentSource::Connection(_) => "a connection",
            AssignmentSource::Server => "set-up",
        },
        reason: one.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
    })
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let assignments = visit.administration()?.assignments(visit.organization()?)?;
    let (query, all) = (visit.query.text("q")?.to_lowercase(), visit.query.has("all"));
    let orphaned = visit.query.has("orphaned");
    let mut lines = assignments.iter().map(|shown| line(visit, shown)).collect::<Result<Vec<_>, _>>()?;
    let before = lines.len();
    lines.retain(|line| all || line.state != "ended");
    let hidden = before.saturating_sub(lines.len());
    let orphans = lines.iter().filter(|line| line.name.is_empty()).count();
    lines.retain(|line| {
        let text = format!("{} {} {} {}", line.name, line.role, line.scope, line.reason).to_lowercase();
        (query.is_empty() || text.contains(&query)) && (!orphaned || line.name.is_empty())
    });
    lines.sort_by(|one, other| {
        let place = |line: &Line| (line.scope.clone(), line.role.clone(), line.name.clone(), line.id.clone());
        place(one).cmp(&place(other))
    });
    let title = match lines.len() {
        1 => "1 assignment".to_owned(),
        several => format!("{several} assignments"),
    };
    let after = visit.query.text("after")?;
    let begin = match after {
        "" => 0,
        id => lines.iter().position(|line| line.id == id).ok_or(Refusal::NotFound)?.saturating_add(1),
    };
    let mut lines: Vec<Line> = lines.into_iter().skip(begin).take(ROWS.saturating_add(1)).collect();
    let next = match lines.get(ROWS.saturating_sub(1)).filter(|_| lines.len() > ROWS) {
        Some(last) => format!("?{}", visit.query.query_with(&[("after", &last.id)])),
        None => String::new(),
    };
    lines.truncate(ROWS);
    for line in &mut lines {
        nobody_in_it(visit, line, &assignments)?;
    }
    let first = if after.is_empty() { String::new() } else { format!("?{}", visit.query.query_with(&[("after", "")])) };
    let may_change = visit.member()?.rights.manage_access();
    let (frame, query) = (visit.frame(title, "mappings"), visit.query.text("q")?.to_owned());
    Answer::page(&MappingsPage { frame, lines, hidden, query, all, orphaned, orphans, first, next, may_change })
}

/// A group without members lets nobody do anything, which its name does not tell.
fn nobody_in_it(visit: &Visit, line: &mut Line, all: &[ShownAssignment]) -> Result<(), Refusal> {
    let of_group = all.iter().map(|shown| &shown.assignment).find(|one| one.id.to_string() == line.id);
    let Some(Principal::Group(group)) = of_group.map(|one| one.principal) else { return Ok(()) };
    let found = line.state == "holds" && !line.name.is_empty();
    if found && groups::members(&visit.services, visit.caller()?, group, ResourceId::FIRST, 1)?.is_empty() {
        (line.state, line.tone) = ("matches nobody", "warn");
    }
    Ok(())
}

impl Form {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let text = |name: &str| fields.text(name).map(str::to_owned);
        Ok(Self {
            kind: text("kind")?,
            name: text("name")?,
            role: text("role")?,
            scope: text("scope")?,
            until: text("until")?,
            reason: text("reason")?,
        })
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kind", self.kind.clone()),
            ("name", self.name.clone()),
            ("role", self.role.clone()),
            ("scope", self.scope.clone()),
            ("until", self.until.clone()),
            ("reason", self.reason.clone()),
        ]
    }

    fn wanted(&self) -> Result<NewAssignment, String> {
        if self.name.is_empty() {
            return Err("Say to whom the role is assigned.".to_owned());
        }
        let principal = match self.kind.as_str() {
            "user" => WantedPrincipal::User(self.name.clone()),
            "service" => WantedPrincipal::Service(self.name.clone()),
            _ => WantedPrincipal::Group(self.name.clone()),
        };
        let until = match self.until.as_str() {
            "" => None,
            // A day ends when the next one begins, in UTC.
            day => {
                let begins: Moment = format!("{day}T00:00:00Z")
                    .parse()
                    .map_err(|_none| format!("`{day}` is no day such as 2027-01-31."))?;
                Some(begins.plus_micros(86_400_000_000))
            }
        };
        let reason = if self.reason.is_empty() { None } else { Some(self.reason.as_str()) };
        Ok(NewAssignment {
            principal,
            role: self.role.parse().map_err(|_none| "Choose a role.".to_owned())?,
            scope: self.scope.parse().map_err(|_none| "Choose a scope.".to_owned())?,
            from: None,
            until,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: reason
                .map(str::parse)
                .transpose()
                .map_err(|error: crate::model::ReasonError| sentence(&error.to_string()))?,
        })
    }
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&new_page(visit, Form::read(&visit.query)?, String::new())?)
}

fn new_page(visit: &Visit, form: Form, problem: String) -> Result<NewPage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let roles = administration.roles(organization)?.into_iter().map(|role| role.version.role.to_string()).collect();
    let scopes = administration.scopes(organization)?.into_iter().map(|scope| scope.path.to_string()).collect();
    let everything = groups::GroupSearch::default();
    let first = ResourceId::earliest_at(Moment::from_micros(0));
    let groups = groups::search(&visit.services, visit.caller()?, first, OFFERED, &everything)?;
    let groups = groups.items.into_iter().map(|group| group.group.display_name).collect();
    Ok(NewPage { frame: visit.frame("Assign a role", "mappings"), form, roles, scopes, groups, problem })
}

fn preview(visit: &Visit) -> Result<Answer, Refusal> {
    // Without a question there is nothing to look at yet.
    if !visit.query.has("name") {
        return Ok(Answer::see_other(visit.address("/mappings/new")?));
    }
    look(visit, Form::read(&visit.query)?, String::new())
}

fn look(visit: &Visit, form: Form, problem: String) -> Result<Answer, Refusal> {
    let organization = visit.organization()?;
    let shown = match form.wanted() {
        Ok(wanted) => tried(visit, |trying| trying.assign(organization, &wanted).map(drop))?,
        Err(problem) => Err(problem),
    };
    let shown = match shown {
        Ok(shown) => shown,
        Err(problem) => return Answer::invalid(&new_page(visit, form, problem)?),
    };
    let fields = form.fields();
    let query =
        Fields::default().query_with(&fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
    let until = if form.until.is_empty() { String::new() } else { format!(" until the end of {}", form.until) };
    let page = PreviewPage {
        frame: visit.frame(headline(&shown), "mappings"),
        what: format!("{} is assigned {} at {}{until}.", form.name, form.role, form.scope),
        action: visit.address("/mappings")?,
        button: button(&shown),
        danger: !shown.closed.is_empty() || !shown.starved.is_empty() || shown.losing > 0,
        back: visit.address(&format!("/mappings/new?{query}"))?,
        fields,
        shown,
        problem: problem.clone(),
    };
    if problem.is_empty() { Answer::page(&page) } else { Answer::invalid(&page) }
}

fn make(visit: &Visit) -> Result<Answer, Refusal> {
    let form = Form::read(&visit.form)?;
    let wanted = match form.wanted() {
        Ok(wanted) => wanted,
        Err(problem) => return Answer::invalid(&new_page(visit, form, problem)?),
    };
    let expecting = visit.administration()?.expecting(visit.form.text("fingerprint")?.to_owned());
    match expecting.assign(visit.organization()?, &wanted) {
        Ok(made) => {
            let said = Flash::done(format!("{} is assigned {} at {}.", form.name, made.role, made.scope));
            Ok(Answer::see_other(visit.address("/mappings")?).saying(&said))
        }
        Err(AdministrationError::PreconditionFailed(_)) => look(visit, form, MOVED.to_owned()),
        Err(error) => match Refusal::from(error) {
            Refusal::Refused(_, text) => Answer::invalid(&new_page(visit, form, sentence(&text))?),
            other => Err(other),
        },
    }
}

fn ending(visit: &Visit) -> Result<Answer, Refusal> {
    look_at_end(visit, String::new())
}

fn look_at_end(visit: &Visit, problem: String) -> Result<Answer, Refusal> {
    let (organization, id) = (visit.organization()?, visit.parsed::<AssignmentId>(1)?);
    let shown = visit.administration()?.assignment(organization, id)?.ok_or(Refusal::NotFound)?;
    let told = line(visit, &shown)?;
    let name = if told.name.is_empty() { "Nobody any more".to_owned() } else { told.name };
    let shown = match tried(visit, |trying| trying.end_assignment(organization, id, None))? {
        Ok(shown) => shown,
        Err(problem) => return Err(Refusal::bad(problem)),
    };
    let page = PreviewPage {
        frame: visit.frame(headline(&shown), "mappings"),
        what: format!("{name} is no longer assigned {} at {}.", told.role, told.scope),
        action: visit.address(&format!("/mappings/{id}/end"))?,
        fields: Vec::new(),
        button: button(&shown),
        danger: true,
        back: visit.address("/mappings")?,
        shown,
        problem: problem.clone(),
    };
    if problem.is_empty() { Answer::page(&page) } else { Answer::invalid(&page) }
}

fn end(visit: &Visit) -> Result<Answer, Refusal> {
    let id = visit.parsed::<AssignmentId>(1)?;
    let expecting = visit.administration()?.expecting(visit.form.text("fingerprint")?.to_owned());
    match expecting.end_assignment(visit.organization()?, id, None) {
        Ok(()) => Ok(Answer::see_other(visit.address("/mappings")?).saying(&Flash::done("The assignment has ended."))),
        Err(AdministrationError::PreconditionFailed(_)) => look_at_end(visit, MOVED.to_owned()),
        Err(error) => Err(error.into()),
    }
}
