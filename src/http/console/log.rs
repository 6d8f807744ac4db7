//! The log: who did what to whom, and the decisions that were given.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::evidence::decisions::{AskedSubject, DecisionId};
use crate::model::{Moment, ResourceId};
use crate::service::access::decision_log::Wanted;
use crate::service::log::{self, LogSearch};

use super::answer::Answer;
use super::frame::Frame;
use super::profile::display_name;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/log", Needs::Right("organization:read-evidence"), show),
    Page::get("/o/{organization}/decisions", Needs::Right("organization:read-evidence"), decisions),
];

/// Lines of a page.
const ROWS: usize = 50;
const DAY_MICROS: i64 = 86_400_000_000;

/// What the log is narrowed to, by how its actions begin.
const KINDS: [(&str, &str); 10] = [
    ("", "everything"),
    ("user.", "people"),
    ("group.", "groups and members"),
    ("assignment.", "assignments"),
    ("role.", "roles"),
    ("guardrail.", "guardrails"),
    ("gate.", "gates"),
    ("service.", "services"),
    ("connection.", "connections"),
    ("credential.", "tokens"),
];

#[derive(Template)]
#[template(path = "console/log.html")]
struct LogPage {
    frame: Frame,
    kinds: &'static [(&'static str, &'static str)],
    kind: String,
    about: String,
    from: String,
    until: String,
    lines: Vec<Line>,
    first: String,
    next: String,
    problem: String,
}

struct Line {
    at: When,
    actor: String,
    /// The page of whoever that is; empty for others.
    actor_href: String,
    /// The id of the token it was done by; empty for none.
    token: String,
    action: String,
    about: String,
    about_name: String,
    href: String,
    revision: String,
    request: String,
    details: String,
    is_sealed: bool,
}

#[derive(Template)]
#[template(path = "console/decisions.html")]
struct DecisionsPage {
    frame: Frame,
    show: String,
    scope: String,
    about: String,
    is_narrowed: bool,
    lines: Vec<DecisionLine>,
    first: String,
    next: String,
    problem: String,
}

struct DecisionLine {
    at: When,
    subject: String,
    /// What the subject is called; empty where it is gone.
    name: String,
    /// The page of the person or the service; empty for others.
    href: String,
    permission: String,
    resource: String,
    allowed: bool,
}

/// The first moment of a day, in UTC.
fn day(text: &str) -> Result<Option<Moment>, String> {
    match text {
        "" => Ok(None),
        day => match format!("{day}T00:00:00Z").parse() {
            Ok(moment) => Ok(Some(moment)),
            Err(_none) => Err(format!("`{day}` is no day such as 2026-03-31.")),
        },
    }
}

/// What a user name or an id in a filter names; nothing for an empty one, `Err` says why nobody is called so.
fn named(visit: &Visit, text: &str) -> Result<Result<Option<ResourceId>, String>, Refusal> {
    if text.is_empty() {
        return Ok(Ok(None));
    }
    if let Ok(id) = text.parse::<ResourceId>() {
        return Ok(Ok(Some(id)));
    }
    match crate::service::people::find(&visit.services, visit.caller()?, text) {
        Ok(user) => Ok(Ok(Some(user.into()))),
        Err(error) => match Refusal::from(error) {
            Refusal::Refused(_, why) => Ok(Err(super::refusal::sentence(&why))),
            other => Err(other),
        },
    }
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let text = |name: &str| visit.query.text(name).map(str::to_owned);
    let (kind, about, from, until) = (text("kind")?, text("about")?, text("from")?, text("until")?);
    let mut page = LogPage {
        frame: visit.frame("Log", "log"),
        kinds: &KINDS,
        lines: Vec::new(),
        first: String::new(),
        next: String::new(),
        problem: String::new(),
        kind: kind.clone(),
        about: about.clone(),
        from: from.clone(),
        until: until.clone(),
    };
    let days = day(&from).and_then(|from| Ok((from, day(&until)?)));
    let (from, until) = match days {
        // The last day belongs to what is shown.
        Ok((from, until)) => (from, until.map(|until| until.plus_micros(DAY_MICROS))),
        Err(problem) => {
            page.problem = problem;
            return Answer::invalid(&page);
        }
    };
    let about = match named(visit, &about)? {
        Ok(about) => about,
        Err(problem) => {
            page.problem = problem;
            return Answer::invalid(&page);
        }
    };
    let before = match visit.query.text("before")? {
        "" => None,
        id => Some(id.parse().map_err(|_none| Refusal::NotFound)?),
    };
    let wanted = LogSearch { action: kind, about, connection: None, from, until };
    let found = log::search(&visit.services, visit.caller()?, before, ROWS, &wanted)?;
    if before.is_some() {
        page.first = format!("?{}", visit.query.query_with(&[("before", "")]));
    }
    if let Some(next) = found.next {
        page.next = format!("?{}", visit.query.query_with(&[("before", &next.to_string())]));
    }
    for line in found.lines {
        let place = match line.action.split('.').next().unwrap_or_default() {
            "user" => "people",
            "group" => "groups",
            "connection" => "connections",
            "service" => "services",
            _ => "",
        };
        let href = match (place, &line.about_name) {
            ("", _) | (_, None) => String::new(),
            (place, Some(_)) => visit.address(&format!("/{place}/{}", line.about))?,
        };
        page.lines.push(Line {
            at: When(line.at),
            actor: line.actor,
            actor_href: match line.actor_user {
                Some(user) => visit.address(&format!("/people/{user}"))?,
                None => String::new(),
            },
            token: line.credential.map(|id| id.to_string()).unwrap_or_default(),
            action: line.action,
            about: line.about.to_string(),
            about_name: line.about_name.unwrap_or_default(),
            href,
            revision: line.revision.map(|revision| revision.as_i64().to_string()).unwrap_or_default(),
            request: line.request.to_string(),
            details: if line.details == "{}" { String::new() } else { line.details },
            is_sealed: line.is_sealed,
        });
    }
    Answer::page(&page)
}

/// What people and services are called; who is gone has no name.
fn names(visit: &Visit, ids: &BTreeSet<ResourceId>) -> Result<BTreeMap<ResourceId, String>, Refusal> {
    let people = crate::service::people::by_ids(&visit.services, visit.caller()?, ids)?;
    let mut names: BTreeMap<ResourceId, String> =
        people.iter().map(|person| (person.id.into(), display_name(person))).collect();
    if names.len() < ids.len() {
        let services = visit.administration()?.services(visit.organization()?)?;
        names.extend(services.into_iter().map(|one| (one.id.into(), one.name.to_string())));
    }
    Ok(names)
}

fn decisions(visit: &Visit) -> Result<Answer, Refusal> {
    let text = |name: &str| visit.query.text(name).map(str::to_owned);
    let (show, scope, about) = (text("show")?, text("scope")?, text("about")?);
    let mut page = DecisionsPage {
        frame: visit.frame("Decisions", "decisions"),
        is_narrowed: !(show.is_empty() && scope.is_empty() && about.is_empty()),
        show,
        scope,
        about,
        lines: Vec::new(),
        first: String::new(),
        next: String::new(),
        problem: String::new(),
    };
    let subject = match named(visit, &page.about)? {
        Ok(subject) => subject,
        Err(problem) => {
            page.problem = problem;
            return Answer::invalid(&page);
        }
    };
    let allowed = match page.show.as_str() {
        "allowed" => Some(true),
        "denied" => Some(false),
        _ => None,
    };
    let before: Option<DecisionId> = match visit.query.text("before")? {
        "" => None,
        id => Some(id.parse().map_err(|_none| Refusal::NotFound)?),
    };
    let resource = if page.scope.is_empty() { None } else { Some(page.scope.clone()) };
    let wanted = Wanted { subject, resource, allowed, ..Wanted::default() };
    let found = visit.services.decisions(visit.organization()?, &wanted, before, ROWS)?;
    if let Some(next) = found.next {
        page.next = format!("?{}", visit.query.query_with(&[("before", &next.to_string())]));
    }
    if before.is_some() {
        page.first = format!("?{}", visit.query.query_with(&[("before", "")]));
    }
    let ids: BTreeSet<ResourceId> = found.items.iter().filter_map(|(_, record)| record.subject.id()).collect();
    let names = names(visit, &ids)?;
    let base = visit.address("")?;
    let lines = found.items.into_iter().map(|(_, record)| {
        let name = record.subject.id().and_then(|id| names.get(&id).cloned()).unwrap_or_default();
        let href = match record.subject {
            AskedSubject::User(id) if !name.is_empty() => format!("{base}/people/{id}"),
            AskedSubject::Service(id) if !name.is_empty() => format!("{base}/services/{id}"),
            _ => String::new(),
        };
        DecisionLine {
            at: When(record.at),
            subject: match record.subject {
                AskedSubject::Ambiguous => "several at once".to_owned(),
                AskedSubject::Unknown => "somebody unknown".to_owned(),
                AskedSubject::User(id) | AskedSubject::Service(id) => id.to_string(),
            },
            name,
            href,
            permission: record.permission,
            resource: record.resource,
            allowed: record.allowed,
        }
    });
    page.lines = lines.collect();
    Answer::page(&page)
}
