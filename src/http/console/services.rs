//! Services: pipelines and bots, each with somebody who answers for it and an end. The list, and making one.

pub(super) mod acts;
pub(super) mod one;

use std::collections::BTreeMap;

use askama::Template;

use crate::model::{Moment, Service, ServiceId, UserId};
use crate::service::access::NewService;
use crate::service::people::{self, Person, Standing};

use super::answer::{Answer, Flash};
use super::fields::Fields;
use super::frame::Frame;
use super::profile::display_name;
use super::prose::isolated;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const READS: Needs = Needs::Right("organization:read");
const CHANGES: Needs = Needs::Right("organization:manage-access");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/services", READS, list),
    Page::get("/o/{organization}/services/new", CHANGES, fresh),
    Page::post("/o/{organization}/services", CHANGES, make),
];

/// Services on one page.
const ROWS: usize = 50;
const DAY: i64 = 86_400 * 1_000_000;
/// An end that is nearer than this is soon.
const SOON: i64 = 14 * DAY;
/// How long a service is there when nothing else is said.
const USUAL: i64 = 365 * DAY;

#[derive(Template)]
#[template(path = "console/services/list.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    query: String,
    /// Whether those that are over are shown too.
    all: bool,
    hidden: usize,
    /// How many may do nothing because their owner may not.
    orphans: usize,
    first: String,
    next: String,
    may_change: bool,
}

/// A service, as lists show it.
struct Line {
    id: String,
    name: String,
    state: &'static str,
    tone: &'static str,
    owner: Somebody,
    successor: Option<Somebody>,
    ends: When,
    is_over: bool,
}

/// Somebody who answers for a service, or will.
pub(super) struct Somebody {
    pub(super) id: String,
    /// Empty: gone.
    pub(super) name: String,
}

/// The people that services name, by id; who is gone is not among them.
pub(super) struct People(BTreeMap<UserId, Person>);

impl People {
    /// Of some services, in one read.
    pub(super) fn of<'s>(visit: &Visit, services: impl Iterator<Item = &'s Service>) -> Result<Self, Refusal> {
        let ids = services.flat_map(|service| std::iter::once(service.owner).chain(service.successor));
        let found = people::by_ids(&visit.services, visit.caller()?, &ids.map(Into::into).collect())?;
        Ok(Self(found.into_iter().map(|person| (person.id, person)).collect()))
    }

    /// Somebody, for a page.
    pub(super) fn named(&self, id: UserId) -> Somebody {
        Somebody { id: id.to_string(), name: self.0.get(&id).map(display_name).unwrap_or_default() }
    }

    /// What sentences call somebody.
    pub(super) fn called(&self, id: UserId) -> String {
        self.0.get(&id).map_or_else(|| "somebody who is gone".to_owned(), display_name)
    }

    /// What forms call somebody: the user name; empty for who is gone.
    pub(super) fn user_name(&self, id: UserId) -> String {
        self.0.get(&id).map(|person| person.text("userName").to_owned()).unwrap_or_default()
    }

    /// Whether somebody may act.
    pub(super) fn is_active(&self, id: UserId) -> bool {
        self.0.get(&id).is_some_and(|person| person.standing() == Standing::Active)
    }

    /// The word for how a service stands, and its tone.
    pub(super) fn standing(&self, service: &Service, now: Moment) -> (&'static str, &'static str) {
        if service.stopped_at.is_some() {
            ("Stopped", "idle")
        } else if service.expires_at <= now {
            ("Ended", "idle")
        } else if !self.is_active(service.owner) {
            ("Denied: its owner is not active", "warn")
        } else if service.expires_at <= now.plus_micros(SOON) {
            ("Ends soon", "warn")
        } else {
            ("Active", "ok")
        }
    }
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let now = visit.services.clock.now();
    let (query, all) = (visit.query.text("q")?.to_lowercase(), visit.query.has("all"));
    let mut found = visit.administration()?.services(visit.organization()?)?;
    let is_over = |service: &Service| service.stopped_at.is_some() || service.expires_at <= now;
    let hidden = if all { 0 } else { found.iter().filter(|service| is_over(service)).count() };
    found.retain(|service| all || !is_over(service));
    let known = People::of(visit, found.iter())?;
    let orphans = found.iter().filter(|service| !is_over(service) && !known.is_active(service.owner)).count();
    found.retain(|service| {
        let owner = known.named(service.owner).name;
        query.is_empty() || format!("{} {owner}", service.name).to_lowercase().contains(&query)
    });
    found.sort_by_key(|service| (service.name.as_str().to_lowercase(), service.id));
    let title = match found.len() {
        1 => "1 service".to_owned(),
        several => format!("{several} services"),
    };
    let after = visit.query.text("after")?;
    let begin = match after {
        "" => 0,
        id => {
            let id: ServiceId = id.parse().map_err(|_not_an_id| Refusal::NotFound)?;
            found.iter().position(|service| service.id == id).ok_or(Refusal::NotFound)?.saturating_add(1)
        }
    };
    let shown: Vec<&Service> = found.iter().skip(begin).take(ROWS).collect();
    let is_last = begin.saturating_add(ROWS) >= found.len();
    let next = match shown.last().filter(|_| !is_last) {
        Some(last) => format!("?{}", visit.query.query_with(&[("after", &last.id.to_string())])),
        None => String::new(),
    };
    let line = |service: &Service| {
        let (state, tone) = known.standing(service, now);
        Line {
            id: service.id.to_string(),
            name: service.name.to_string(),
            state,
            tone,
            owner: known.named(service.owner),
            successor: service.successor.map(|id| known.named(id)),
            ends: When(service.stopped_at.unwrap_or(service.expires_at)),
            is_over: is_over(service),
        }
    };
    Answer::page(&ListPage {
        lines: shown.into_iter().map(line).collect(),
        frame: visit.frame(title, "services"),
        query: visit.query.text("q")?.to_owned(),
        all,
        hidden,
        orphans,
        first: if after.is_empty() { String::new() } else { format!("?{}", visit.query.query_with(&[("after", "")])) },
        next,
        may_change: visit.member()?.rights.manage_access(),
    })
}

#[derive(Template)]
#[template(path = "console/services/new.html")]
struct NewPage {
    frame: Frame,
    /// Its name, as it was typed.
    typed: String,
    owner: String,
    successor: String,
    until: String,
    problem: String,
}

fn new_page(visit: &Visit, fields: &Fields, problem: String) -> Result<NewPage, Refusal> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    let usual = || visit.services.clock.now().plus_micros(USUAL).to_string().get(..10).unwrap_or_default().to_owned();
    let title = if problem.is_empty() { "Make a service" } else { "Error: Make a service" };
    Ok(NewPage {
        frame: visit.frame(title, "services"),
        typed: text("name")?,
        owner: text("owner")?,
        successor: text("successor")?,
        until: if fields.has("until") { text("until")? } else { usual() },
        problem,
    })
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&new_page(visit, &visit.query, String::new())?)
}

/// When the day ends that a form names as the last, in UTC.
pub(super) fn end_of(day: &str) -> Result<Moment, String> {
    let begins: Moment =
        format!("{day}T00:00:00Z").parse().map_err(|_none| format!("`{day}` is no day such as 2027-01-31."))?;
    Ok(begins.plus_micros(DAY))
}

fn wanted(form: &Fields) -> Result<Result<NewService, String>, Refusal> {
    let (name, owner, successor) = (form.text("name")?, form.text("owner")?, form.text("successor")?);
    let name = match name.parse() {
        Ok(name) => name,
        Err(error) => return Ok(Err(sentence(&format!("the name: {}", crate::model::NameError::to_string(&error))))),
    };
    if owner.is_empty() {
        return Ok(Err("Say who answers for the service.".to_owned()));
    }
    let expires_at = match form.text("until")? {
        "" => return Ok(Err("Say which is its last day. A service has an end; it can be put off.".to_owned())),
        day => match end_of(day) {
            Ok(moment) => moment,
            Err(problem) => return Ok(Err(problem)),
        },
    };
    let successor = if successor.is_empty() { None } else { Some(successor.to_owned()) };
    Ok(Ok(NewService { name, owner: owner.to_owned(), successor, expires_at }))
}

fn make(visit: &Visit) -> Result<Answer, Refusal> {
    let problem = match wanted(&visit.form)? {
        Ok(wanted) => match visit.administration()?.create_service(visit.organization()?, &wanted) {
            Ok(service) => {
                let name = isolated(service.name.as_str());
                let said = format!("{name} was made. It may do nothing yet: assign a role to it.");
                let to = visit.address(&format!("/services/{}", service.id))?;
                return Ok(Answer::see_other(to).saying(&Flash::done(said)));
            }
            Err(error) => about_the_form(error.into())?,
        },
        Err(problem) => problem,
    };
    Answer::invalid(&new_page(visit, &visit.form, problem)?)
}

/// What a use case says of what was typed, somebody who is not there too: to be shown beside the form.
///
/// # Errors
/// Itself, for everything else.
pub(super) fn about_the_form(refusal: Refusal) -> Result<String, Refusal> {
    match refusal {
        Refusal::Refused(status, text) if status.is_client_error() => Ok(sentence(&text)),
        other => Err(other),
    }
}
